"""What models were asked today and what that cost, read from the ledger.

Gauges: the sums begin anew each day, and are less when a tenant is deleted.
"""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from roadworthy.core.clock import now
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.traces.ledger import Cost, read_all_costs


class SpendingGauges(Collector):
    """What all processes have spent today, in UTC.

    The ledger knows of each call that was begun, whoever answered and however that ended.
    """

    def __init__(self) -> None:
        self._cost: Cost | None = None

    def clear(self) -> None:
        """Tell nothing."""
        self._cost = None

    async def read(self, conn: WorkerConnection) -> None:
        """Read what was spent."""
        self._cost = await read_all_costs(conn, since=now().date())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges."""
        if self._cost is None:
            return
        total, avoided = self._cost.total, self._cost.avoided
        yield GaugeMetricFamily(
            "roadworthy_model_calls_today",
            "Calls of chat models that were begun, of questions of today (UTC).",
            value=total.calls,
        )
        tokens = GaugeMetricFamily(
            "roadworthy_model_tokens_today",
            "Tokens that chat models read and wrote for questions of today (UTC).",
            labels=("direction",),
        )
        tokens.add_metric(("input",), total.input_tokens)
        tokens.add_metric(("output",), total.output_tokens)
        yield tokens
        yield GaugeMetricFamily(
            "roadworthy_model_cost_today_usd",
            "What calls of chat models cost today (UTC), as far as prices are known.",
            value=float(total.cost_usd or 0),
        )
        yield GaugeMetricFamily(
            "roadworthy_unpriced_model_calls_today",
            "Calls of chat models today (UTC) whose price, or tokens, are not known.",
            value=total.unpriced,
        )
        spared = GaugeMetricFamily(
            "roadworthy_avoided_model_calls_today",
            "Answers today (UTC) that needed no call of a model, or of a smaller one alone.",
            labels=("why",),
        )
        for each in avoided:
            spared.add_metric((each.name,), each.times)
        yield spared
