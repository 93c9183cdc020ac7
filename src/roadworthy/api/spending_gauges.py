"""What models were asked today and what that cost, read from the ledger.

Gauges: the sums begin anew each day, and are less when a tenant is deleted.
"""

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from roadworthy.core.clock import now
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.traces.ledger import Cost, Spending, read_all_costs

MOST_RELEASES = 100  # that are told apart: each is some thirty series
# By what each is told beside tenant and release.
GAUGES = {
    "roadworthy_model_calls_today": (
        "Calls of models that were begun, of questions of today (UTC).",
        None,
    ),
    "roadworthy_model_tokens_today": (
        "Tokens that models read and wrote for questions of today (UTC).",
        "direction",
    ),
    "roadworthy_model_cost_today_usd": (
        "What calls of models cost today (UTC), as far as prices are known.",
        None,
    ),
    "roadworthy_unpriced_model_calls_today": (
        "Calls of models today (UTC) whose price, or tokens, are not known.",
        None,
    ),
    "roadworthy_stage_seconds_today": (
        "Time that stages of questions of today (UTC) took.",
        "stage",
    ),
    "roadworthy_stage_cost_today_usd": (
        "What calls of models cost today (UTC) by stage, as far as prices are known.",
        "stage",
    ),
    "roadworthy_avoided_model_calls_today": (
        "Answers today (UTC) that needed no call of a model, or of a smaller one alone.",
        "why",
    ),
    "roadworthy_avoided_model_tokens_today": (
        "Tokens that those would have taken, as far as it is known.",
        "why",
    ),
    "roadworthy_avoided_model_cost_today_usd": (
        "What those would have cost, as far as prices are known.",
        "why",
    ),
    "roadworthy_avoided_model_cost_estimate_today_usd": (
        "What avoided calls without a known price would have cost, by the mean of chat calls.",
        None,
    ),
}


class SpendingGauges(Collector):
    """What all processes have spent today, in UTC, by tenant and release.

    The ledger knows of each call that was begun, whoever answered and however that ended.
    """

    def __init__(self) -> None:
        self._costs: Sequence[tuple[str, Cost]] = ()

    def clear(self) -> None:
        """Tell nothing."""
        self._costs = ()

    async def read(self, conn: WorkerConnection) -> None:
        """Read what was spent."""
        self._costs = await read_all_costs(conn, since=now().date(), most=MOST_RELEASES)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give the gauges."""
        families = {
            name: GaugeMetricFamily(
                name, told, labels=("tenant", "release", *([further] if further else []))
            )
            for name, (told, further) in GAUGES.items()
        }
        for tenant, cost in self._costs:
            for (name, *further), value in _figures(cost):
                families[name].add_metric((tenant, cost.of, *further), value)
        yield from families.values()


def _figures(cost: Cost) -> Iterator[tuple[tuple[str, ...], float]]:
    """Give each gauge and its further label, with its value; of no known price there is none."""
    total = cost.total
    yield ("roadworthy_model_calls_today",), total.calls
    yield ("roadworthy_model_tokens_today", "input"), total.input_tokens
    yield ("roadworthy_model_tokens_today", "output"), total.output_tokens
    yield from _usd(("roadworthy_model_cost_today_usd",), total)
    yield ("roadworthy_unpriced_model_calls_today",), total.unpriced
    for stage in cost.stages:
        yield ("roadworthy_stage_seconds_today", stage.name), stage.ms / 1000
        yield from _usd(("roadworthy_stage_cost_today_usd", stage.name), stage)
    for each in cost.avoided:
        tokens = each.input_tokens + each.output_tokens
        yield ("roadworthy_avoided_model_calls_today", each.name), each.times
        yield ("roadworthy_avoided_model_tokens_today", each.name), tokens
        yield from _usd(("roadworthy_avoided_model_cost_today_usd", each.name), each)
    if cost.avoided and cost.avoided_estimate_usd is not None:
        estimate = float(cost.avoided_estimate_usd)
        yield ("roadworthy_avoided_model_cost_estimate_today_usd",), estimate


def _usd(gauge: tuple[str, ...], spent: Spending) -> Iterator[tuple[tuple[str, ...], float]]:
    if spent.cost_usd is not None:
        yield gauge, float(spent.cost_usd)
