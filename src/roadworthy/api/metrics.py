"""What is counted at the door; every label value is one of ours, never of a user."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from roadworthy.answering.admission import Bounds
from roadworthy.api.queue_gauges import QueueGauges
from roadworthy.api.replica_reads import ReplicaReads
from roadworthy.api.spending_gauges import SpendingGauges
from roadworthy.core.errors import Busy, Unavailable
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.replica import Replica
from roadworthy.traces import Trace

MEDIA_TYPE = "text/plain; version=1.0.0; charset=utf-8"
FRESH_S = 15.0  # scrapes in between are told the same of the database
PATIENCE_S = 3.0
GUARD_SECONDS = (0.0001, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2)
SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120)


class Metrics:
    """The counters of one app, in a registry of its own."""

    def __init__(self, *, tells_spending: bool = False) -> None:
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
        self._first_tries = Counter(
            "roadworthy_first_tries",
            "Answers of smaller models: believed, or why not.",
            ("outcome",),
            registry=self._registry,
        )
        self._verdicts = Counter(
            "roadworthy_guard_verdicts",
            "What guards said, whether they looked, and what came of it.",
            ("guard", "of", "by", "status", "outcome"),
            registry=self._registry,
        )
        self._guards = Histogram(
            "roadworthy_guard_seconds",
            "Time that a guard added to an answer, by its detector.",
            ("guard", "by"),
            buckets=GUARD_SECONDS,
            registry=self._registry,
        )
        self._running = Gauge(
            "roadworthy_running",
            "Answers, searches and embeddings at once.",
            ("what",),
            registry=self._registry,
        )
        self._waiting = Gauge(
            "roadworthy_waiting", "Those that wait in line.", ("what",), registry=self._registry
        )
        self._queue = QueueGauges(self._registry)
        self._spending = SpendingGauges() if tells_spending else None
        if self._spending is not None:
            self._registry.register(self._spending)
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")

    def watch(self, bounds: Bounds) -> None:
        """Tell how much is under way and how much waits in line."""
        counted = {
            "answers": bounds.answers,
            "direct searches": bounds.direct_searches,
            "embeddings": bounds.embeddings,
            "searches": bounds.searches,
        }
        for name, admission in counted.items():
            self._running.labels(name).set_function(lambda of=admission: of.running)
            self._waiting.labels(name).set_function(lambda of=admission: of.waiting)

    def follow(self, replica: Replica) -> None:
        """Tell what comes of reading a replica."""
        self._registry.register(ReplicaReads(replica))

    def count_request(self, *, method: str, route: str, status: int) -> None:
        """Count a request that ended."""
        self._requests.labels(method, route, str(status)).inc()

    def observe_answer(self, *, outcome: str, seconds: float) -> None:
        """Count an answer and its time."""
        self._answers.labels(outcome).observe(seconds)

    def count_answer(self, trace: Trace) -> None:
        """Count what an answer lacked, tried and was told by guards, however it ended.

        Of a guard also the time, if it looked.
        """
        self.count_degraded(trace.degraded)
        if trace.first_tried is not None:
            self._first_tries.labels(trace.first_tried).inc()
        for each in trace.verdicts:
            outcome = each.outcome or "none"
            self._verdicts.labels(each.guard, each.of, each.by, each.status, outcome).inc()
            if each.status != "skipped":
                self._guards.labels(each.guard, each.by).observe(each.ms / 1000)

    def count_degraded(self, without: Sequence[str]) -> None:
        """Count an answer or a search by each thing that it went on without."""
        for each in without:
            self._degraded.labels(each).inc()

    async def refresh(self, database: Database) -> None:
        """Read what the database knows, unless that was done a moment ago.

        While it is away that is left out: nothing is known.
        """
        async with self._asking:
            if time.monotonic() - self._asked_at < FRESH_S:
                return
            self._asked_at = time.monotonic()
            told = [self._queue, self._spending] if self._spending else [self._queue]
            for known in told:
                known.clear()
            with suppress(Unavailable, Busy, TimeoutError):
                async with asyncio.timeout(PATIENCE_S), database.as_worker() as conn:
                    for known in told:
                        await known.read(conn)

    def exposition(self) -> bytes:
        """Write all of it in Prometheus' text format."""
        return generate_latest(self._registry)
