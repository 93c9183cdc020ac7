"""What a process does when something was deleted: end or forget what it had read of it."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from roadworthy.answering.extract import ExtractingAnswerer
from roadworthy.answering.in_flight import InFlight
from roadworthy.core.errors import Busy, Unavailable
from roadworthy.plumbing.database import Database
from roadworthy.traces import TraceRecorder, present_documents


def forgetting(
    database: Database,
    *,
    in_flight: InFlight,
    extracting: ExtractingAnswerer,
    recorder: TraceRecorder,
) -> Callable[[], Awaitable[bool]]:
    """Make what leaves an epoch (plumbing/epochs.py): answers, vectors in memory, the spool."""

    async def gone(tenant_id: int, documents: frozenset[UUID]) -> frozenset[UUID]:
        async with database.as_recorder(tenant_id) as conn:
            return documents - await present_documents(conn, documents)

    async def leave() -> bool:
        try:
            await in_flight.settle(gone)
        except (Unavailable, Busy):
            return False
        extracting.forget()
        return await recorder.flush()

    return leave
