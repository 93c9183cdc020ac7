"""What is counted at the door; every label value is one of ours, never of a user."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from roadworthy.api.queue_gauges import QueueGauges
from roadworthy.api.replica_reads import ReplicaReads
from roadworthy.plumbing.replica import Replica

MEDIA_TYPE = "text/plain; version=1.0.0; charset=utf-8"
SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120)


class Metrics:
    """The counters of one app, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "roadworthy_http_requests",
            "Requests by route and status; 499: the client went away.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._answers = Histogram(
            "roadworthy_answer_seconds",
            "Time from question to outcome.",
            ("outcome",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._degraded = Counter(
            "roadworthy_degraded_answers",
            "Answers and searches that went on without something.",
            ("without",),
            registry=self._registry,
        )

        self.queue = QueueGauges(self._registry)

    def follow(self, replica: Replica) -> None:
        """Tell what comes of reading a replica."""
        self._registry.register(ReplicaReads(replica))

    def count_request(self, *, method: str, route: str, status: int) -> None:
        """Count a request that ended."""
        self._requests.labels(method, route, str(status)).inc()

    def observe_answer(self, *, outcome: str, seconds: float) -> None:
        """Count an answer and its time."""
        self._answers.labels(outcome).observe(seconds)

    def count_degraded(self, without: str) -> None:
        """Count an answer that went on without something."""
        self._degraded.labels(without).inc()

    def exposition(self) -> bytes:
        """Write all of it in Prometheus' text format."""
        return generate_latest(self._registry)
