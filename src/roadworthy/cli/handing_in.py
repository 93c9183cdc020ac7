"""Hand files in and follow them until they are searchable, or say why they are not."""

import asyncio
import mimetypes
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from roadworthy.bootstrap import Services
from roadworthy.cli.exits import exit_code
from roadworthy.cli.files import FoundFile
from roadworthy.core.errors import Busy, Conflict, Invalid, Refused
from roadworthy.core.identity import Principal
from roadworthy.corpus.accepting import Receipt, Upload, accept
from roadworthy.corpus.attached import attached_jobs
from roadworthy.corpus.documents import Corpus, ensure_corpus, find_corpus
from roadworthy.corpus.reviews import held_back
from roadworthy.ingestion import KIND
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import Connection
from roadworthy.plumbing.jobs import BULK, INTERACTIVE, JobState

OPERATOR = "operator"  # who owns what is handed in on this machine in nobody's name
LOOK_EVERY_S = 0.3
LONGEST_PAUSE_S = 5.0  # between looks for room in the queue
BYTES_PER_MB = 1_000_000
SEARCHABLE, KEPT_BACK, FAILED, REPLACED = "searchable", "quarantined", "failed", "replaced"
NEW, CHANGED = "new", "changed"  # rehearsed


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file."""

    name: str
    # As on the receipt; then searchable, quarantined, replaced or failed; rehearsed: new, changed.
    outcome: str
    reason: str = ""
    exit_code: int = 0
    document_id: uuid.UUID | None = None
    job_id: uuid.UUID | None = None  # while accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far all of it is."""

    handed_in: int
    ended: int
    total: int
    now_at: str  # what is being done, in a word or two


class HandingIn:
    """Hands in files for one tenant.

    Args:
        by: in whose name; None for the operator, who may change every document.
        is_rehearsal: tell what would become of each file, and change nothing.
    """

    def __init__(
        self,
        services: Services,
        *,
        tenant_id: int,
        by: Principal | None,
        corpus: str = "main",
        is_rehearsal: bool = False,
    ) -> None:
        self._services = services
        self._tenant_id = tenant_id
        self._by = by
        self._corpus = corpus
        self._is_rehearsal = is_rehearsal
        self._most_queued = services.settings.max_queued_jobs
        self._most_bytes = services.settings.max_upload_mb * BYTES_PER_MB

    async def run(
        self, files: Sequence[FoundFile], *, report: Callable[[Progress], None]
    ) -> list[Outcome]:
        """Hand in each file, then wait until each is searchable or has failed.

        What is attached to a mail is followed, too, and comes behind. A file that cannot be
        handed in is told by name and stops no other.

        Raises:
            Unavailable: the database is down; what was handed in is not lost.
        """
        corpus = await self._ensured_corpus()
        outcomes: list[Outcome] = []
        priority = INTERACTIVE if len(files) == 1 else BULK
        for file in files:
            report(self._progress(outcomes, len(files), file.name))
            while (handed := await self._hand_in(file, corpus, priority)) is None:
                pause_s = LOOK_EVERY_S
                while not await self._has_room(after_s=pause_s):
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                    outcomes, _ = await self._looked_at(outcomes)
                    report(self._progress(outcomes, len(files), "waiting for room"))
            outcomes.append(handed)
        outcomes = await self.follow(outcomes, total=len(files), report=report)
        outcomes += await self._attached(outcomes)
        return await self.follow(outcomes, total=len(outcomes), report=report)

    async def follow(
        self, outcomes: list[Outcome], *, total: int, report: Callable[[Progress], None]
    ) -> list[Outcome]:
        """Wait until each that was accepted is searchable, is kept back or has failed."""
        while any(each.job_id for each in outcomes):
            outcomes, now_at = await self._looked_at(outcomes)
            report(self._progress(outcomes, total, now_at))
            if any(each.job_id for each in outcomes):
                await asyncio.sleep(LOOK_EVERY_S)
        return outcomes

    async def _attached(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """List what came out of the mails that were read now."""
        ids = [each.document_id for each in outcomes if each.outcome == SEARCHABLE]
        async with self._services.database.as_worker(self._tenant_id) as conn:
            found = await attached_jobs(
                conn, [each for each in ids if each], tenant_id=self._tenant_id, kind=KIND
            )
        return [Outcome(name=each.name, outcome="accepted", job_id=each.job_id) for each in found]

    async def _ensured_corpus(self) -> Corpus:
        async with self._services.database.as_worker(self._tenant_id) as conn:
            if self._is_rehearsal:
                return await find_corpus(conn, tenant_id=self._tenant_id, name=self._corpus)
            return await ensure_corpus(
                conn,
                tenant_id=self._tenant_id,
                name=self._corpus,
                space_id=self._services.default_space.id,
            )

    async def _has_room(self, *, after_s: float) -> bool:
        await asyncio.sleep(after_s)
        try:
            async with self._services.database.as_worker(self._tenant_id) as conn:
                await jobs.check_room(conn, most=self._most_queued)
        except Busy:
            return False
        return True

    async def _hand_in(self, file: FoundFile, corpus: Corpus, priority: int) -> Outcome | None:
        """Hand one file in; None while too much work waits already."""
        try:
            upload = await asyncio.to_thread(self._upload, file)
            receipt, job_id, reason = await self._accepted(upload, corpus, priority)
        except Busy:
            return None
        except (Invalid, Refused, Conflict) as error:
            return Outcome(
                name=file.name, outcome=FAILED, reason=error.message, exit_code=exit_code(error)
            )
        outcome = receipt.outcome
        if self._is_rehearsal and outcome == "accepted":
            outcome = NEW if receipt.is_new else CHANGED
        return Outcome(
            name=file.name,
            outcome=outcome,
            reason=reason,
            document_id=receipt.document_id,
            job_id=job_id,
        )

    def _upload(self, file: FoundFile) -> Upload:
        if file.problem:
            raise Invalid(file.problem)
        try:
            size = file.path.stat().st_size
            if size > self._most_bytes:
                raise Invalid(
                    f"It has {size / BYTES_PER_MB:.0f} MB, more than max_upload_mb "
                    f"({self._most_bytes // BYTES_PER_MB}); split it, or raise that setting."
                )
            content = file.path.read_bytes()
        except OSError as error:
            raise Invalid(f"It cannot be read: {error.strerror}.") from error
        guessed, _ = mimetypes.guess_type(file.name)
        return Upload(
            name=file.name,
            content=content,
            access=file.access,
            owner=self._by.user_id if self._by else OPERATOR,
            media_type=guessed or "application/octet-stream",
            metadata=file.metadata,
            language=file.language,
            source_path=str(file.path),
        )

    async def _accepted(
        self, upload: Upload, corpus: Corpus, priority: int
    ) -> tuple[Receipt, uuid.UUID | None, str]:
        database = self._services.database
        if self._by is None:
            async with database.as_worker(self._tenant_id) as conn:
                return await self._accept(conn, upload, corpus=corpus, priority=priority)
        async with database.write_as(self._by) as conn:
            return await self._accept(conn, upload, corpus=corpus, priority=priority)

    async def _accept(
        self, conn: Connection, upload: Upload, *, corpus: Corpus, priority: int
    ) -> tuple[Receipt, uuid.UUID | None, str]:
        by = self._by.user_id if self._by else None
        receipt = await accept(
            conn,
            upload,
            tenant_id=self._tenant_id,
            corpus=corpus,
            by=by,
            most_queued=None if self._is_rehearsal else self._most_queued,
        )
        held = dict[uuid.UUID, str]()
        if receipt.outcome == KEPT_BACK:
            held = await held_back(conn, [receipt.document_id], tenant_id=self._tenant_id)
        reason = held.get(receipt.document_id, "")
        if self._is_rehearsal:
            await conn.rollback()
            return receipt, None, reason
        if receipt.revision_id is None:
            return receipt, None, reason
        job_id = await jobs.enqueue(
            conn,
            tenant_id=self._tenant_id,
            kind=KIND,
            document_id=receipt.document_id,
            revision_id=receipt.revision_id,
            priority=priority,
        )
        return receipt, job_id, reason

    async def _looked_at(self, outcomes: Sequence[Outcome]) -> tuple[list[Outcome], str]:
        asked = [each.job_id for each in outcomes if each.job_id]
        async with self._services.database.as_worker(self._tenant_id) as conn:
            states = await jobs.job_states(conn, tenant_id=self._tenant_id, job_ids=asked)
            done = [state.document_id for state in states if state.state == "done"]
            held = await held_back(conn, done, tenant_id=self._tenant_id)
        by_id = {state.id: state for state in states}
        running = [state for state in states if state.state == "running"]
        waiting = next((state.problem for state in states if state.problem), None)
        now_at = running[0].stage if running else (waiting or "waiting")
        return [_after(each, by_id, held) for each in outcomes], now_at

    def _progress(self, outcomes: Sequence[Outcome], total: int, now_at: str) -> Progress:
        ended = sum(each.job_id is None for each in outcomes)
        return Progress(handed_in=len(outcomes), ended=ended, total=total, now_at=now_at)


def _after(
    before: Outcome, states: Mapping[uuid.UUID, JobState], held: Mapping[uuid.UUID, str]
) -> Outcome:
    if before.job_id is None:
        return before
    state = states.get(before.job_id)
    if state is None:
        # The job goes with its revision: a newer upload took its place, or it was deleted.
        return replace(before, outcome=REPLACED, job_id=None)
    if state.state == "done" and state.document_id in held:
        return replace(before, outcome=KEPT_BACK, reason=held[state.document_id], job_id=None)
    if state.state == "done":
        return replace(before, outcome=SEARCHABLE, job_id=None)
    if state.state == "failed":
        reason = state.problem or ""
        return replace(
            before, outcome=FAILED, reason=reason, job_id=None, exit_code=exit_code(Invalid(reason))
        )
    return before
