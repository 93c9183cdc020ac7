"""How reads of the replica ended, as a counter."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from roadworthy.plumbing.replica import Replica


class ReplicaReads(Collector):
    """Tells, whenever it is asked, what the replica of one app has counted."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Give the counter; all that was not served went to the primary."""
        family = CounterMetricFamily(
            "roadworthy_replica_reads",
            "Searches by what came of the replica; all but the served ones read the primary.",
            labels=("outcome",),
        )
        for outcome, count in self._replica.outcomes.items():
            family.add_metric((outcome,), count)
        yield family
