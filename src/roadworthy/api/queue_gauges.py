"""What waits in the queue, as gauges that are read from the database now and then."""

from datetime import timedelta

from prometheus_client import CollectorRegistry, Gauge

from roadworthy.core.clock import now
from roadworthy.corpus.segments import find_waiting
from roadworthy.plumbing.backlog import due_for, piles
from roadworthy.plumbing.database import WorkerConnection


class QueueGauges:
    """The gauges of one app."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs = Gauge(
            "roadworthy_jobs",
            "Jobs that are not done; queued with a problem: to be tried again; failed: kept.",
            ("kind", "state", "problem"),
            registry=registry,
        )
        self._oldest = Gauge(
            "roadworthy_oldest_due_job_seconds",
            "How long the oldest due job has waited; 0: none is due.",
            ("kind",),
            registry=registry,
        )
        self._postings = Gauge(
            "roadworthy_oldest_posting_seconds",
            "How long the oldest postings wait: unmerged, or uncleared though they have gone.",
            ("state",),
            registry=registry,
        )

    def clear(self) -> None:
        """Tell nothing."""
        self._jobs.clear()
        self._oldest.clear()
        self._postings.clear()

    async def read(self, conn: WorkerConnection) -> None:
        """Read what waits."""
        found = await piles(conn)
        waiting = await find_waiting(conn)
        for each in found:
            self._jobs.labels(each.kind, each.state, each.problem_kind or "").set(each.jobs)
        for kind in {each.kind for each in found}:
            waited = due_for([each for each in found if each.kind == kind])
            self._oldest.labels(kind).set(waited.total_seconds())
        for state, since in (
            ("unmerged", waiting.unmerged_since),
            ("uncleared", waiting.uncleared_since),
        ):
            waited = now() - since if since else timedelta()
            self._postings.labels(state).set(waited.total_seconds())
