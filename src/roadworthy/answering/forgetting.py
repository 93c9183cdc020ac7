"""What a process does when something was deleted: end or forget what it had read of it."""

from uuid import UUID

import structlog

from roadworthy.answering.extract import ExtractingAnswerer
from roadworthy.answering.in_flight import InFlight
from roadworthy.core.errors import Busy, Unavailable
from roadworthy.plumbing.database import Database
from roadworthy.traces import TraceRecorder, present_documents

log = structlog.get_logger(__name__)


class Forgetting:
    """Leaves and loses epochs (plumbing/epochs.py): answers, vectors in memory, the spool."""

    def __init__(
        self,
        database: Database,
        *,
        in_flight: InFlight,
        extracting: ExtractingAnswerer,
        recorder: TraceRecorder,
    ) -> None:
        self._database = database
        self._in_flight = in_flight
        self._extracting = extracting
        self._recorder = recorder

    async def leave(self) -> bool:
        """End or forget what was made from what is gone; False: not possible yet."""
        self._in_flight.resume()
        try:
            await self._in_flight.settle(self._gone)
            self._extracting.forget()
            return await self._recorder.flush()
        except (Unavailable, Busy) as error:
            log.warning("what was deleted is not forgotten yet", problem=error.message)
        except OSError as error:  # such as a full disk under the spool
            log.warning("what was deleted is not forgotten yet", problem=error.strerror)
        return False

    def lose(self) -> None:
        """End and forget all at once: this process would not hear of a deletion."""
        self._in_flight.lose()
        self._extracting.forget()

    async def _gone(self, tenant_id: int, documents: frozenset[UUID]) -> frozenset[UUID]:
        async with self._database.as_recorder(tenant_id) as conn:
            return documents - await present_documents(conn, documents)
