"""Let models be called while budgets last, without a turn at the database for each question."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from roadworthy.core.errors import Unavailable
from roadworthy.core.identity import Principal
from roadworthy.plumbing.database import Database
from roadworthy.traces import TraceRecorder
from roadworthy.traces.budgets import check_budgets

LONGEST_S = 5.0  # that a question waits for it


@dataclass(slots=True, kw_only=True)
class _Reading:
    """A read that is under way or to come, and how many wait for it."""

    task: asyncio.Task[list[str]]
    waiting: int = 0


class BudgetCheck:
    """Reads budgets once for all who ask meanwhile.

    Who comes while a read is under way shares the next one with others of his tenant, release and
    key: so what he is told was read after he asked. A read that nobody waits for any more ends.
    """

    def __init__(self, *, database: Database, recorder: TraceRecorder) -> None:
        self._database = database
        self._recorder = recorder
        self._turns = asyncio.Lock()  # where reads hang, one connection of the pool does, not all
        self._to_come: dict[tuple[int, str, uuid.UUID | None], _Reading] = {}

    async def check(
        self, principal: Principal, *, release: str, key_id: uuid.UUID | None
    ) -> Sequence[str]:
        """Let a model be called, unless a budget is spent: closed, where they cannot be read.

        Returns: a sentence for each budget that is nearly spent.

        Raises:
            Busy: a hard limit is reached; the fact `retry_after_s` says until when.
            Unavailable: nobody can say, or not in time.
        """
        asked = (principal.tenant_id, release, key_id)
        if asked not in self._to_come:
            task = asyncio.create_task(self._read(principal, release=release, key_id=key_id))
            self._to_come[asked] = _Reading(task=task)
        reading = self._to_come[asked]
        reading.waiting += 1
        try:
            async with asyncio.timeout(LONGEST_S):
                return await asyncio.shield(reading.task)
        except TimeoutError as error:
            raise Unavailable(
                f"Budgets cannot be read within {LONGEST_S:g} s, and without them no model is "
                "called. Try again; if that lasts, `pg_locks` of PostgreSQL says what holds them."
            ) from error
        finally:
            reading.waiting -= 1
            if not reading.waiting and not reading.task.done():
                reading.task.cancel()
                if self._to_come.get(asked) is reading:
                    del self._to_come[asked]

    async def _read(
        self, principal: Principal, *, release: str, key_id: uuid.UUID | None
    ) -> list[str]:
        async with self._turns:
            del self._to_come[principal.tenant_id, release, key_id]
            async with self._database.read_as(principal) as conn:
                return await check_budgets(
                    conn,
                    release=release,
                    key_id=key_id,
                    unstored_s=self._recorder.unstored_s(),
                )
