"""Delete a document, a person, a corpus or a tenant, and say so by a receipt when all is gone.

One document goes in one transaction. Larger scopes are hidden as a whole by a first transaction
and then erased in bounded ones; whoever asks again after a kill goes on where it ended. A receipt
is finished when no process tells, or keeps in memory or in its spool, what it had read before.

Row-level security says who may delete what; the worker's role, which sees the whole of it, erases.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psycopg
import structlog
from psycopg.rows import scalar_row

from roadworthy.core.clock import now
from roadworthy.core.errors import Busy, Conflict, RoadworthyError
from roadworthy.core.identity import Principal
from roadworthy.corpus.clearing import clear_deleted, clear_documents, is_deleted_left
from roadworthy.corpus.documents import Corpus
from roadworthy.corpus.ownership import delete, family, own
from roadworthy.corpus.withdrawal import (
    Scope,
    close,
    erase_withdrawn,
    hold_on,
    hold_within,
    next_withdrawn,
    put_back,
    withdraw,
    withdrawn_left,
)
from roadworthy.deletion import leaving
from roadworthy.deletion.receipts import (
    CORPUS,
    DOCUMENT,
    DOCUMENTS_OF,
    OPERATOR,
    PERSON,
    TENANT,
    Receipt,
    begin_receipt,
    finish_within,
    list_open_receipts,
    note,
    open_receipt,
)
from roadworthy.plumbing.database import Database, WorkerConnection
from roadworthy.plumbing.epochs import is_past
from roadworthy.plumbing.stores import Store
from roadworthy.plumbing.transactions import take_time
from roadworthy.traces.pseudonyms import Pseudonyms

BATCH = 20  # documents of one transaction
AT_ONCE = 1_000  # receipts
# A tenant's deletions take turns: of two that begin the same, the second goes on with what the
# first has begun.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('roadworthy deletion'), %(tenant_id)s)"
# What many answers were made from takes more than an ordinary statement does.
TAKE_S = 600.0
KEPT = "(`roadworthy hold list` says what)"
PATIENCE_S = 10.0  # for what other processes are writing at the moment, and for segments

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a deletion is, in documents."""

    erased: int
    total: int


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deletion:
    """One that takes several transactions."""

    scope: Scope
    kind: str
    subject: str
    by: str
    with_keys: bool  # of the person, or of everybody

    @property
    def tenant_id(self) -> int:
        return self.scope.tenant_id

    @property
    def is_of_all(self) -> bool:
        """Whether the segments of postings go as they are, with all that is in them."""
        return self.scope.owner is None


class DeletionService:
    """Deletes, each time for a person or for the operator.

    Args:
        stores: every table that holds the text of documents or what is derived from it.
        pseudonyms: what traces call people.
        bring_left: stores what dead processes of this machine left in their spool; False when it
            could not.
    """

    def __init__(
        self,
        *,
        database: Database,
        stores: Sequence[Store],
        pseudonyms: Pseudonyms,
        bring_left: Callable[[], Awaitable[bool]],
    ) -> None:
        self._database = database
        self._stores = stores
        self._pseudonyms = pseudonyms
        self._bring_left = bring_left

    async def delete_document(
        self, document_id: uuid.UUID, *, tenant_id: int, by: Principal | None
    ) -> Receipt:
        """Delete a document and its attachments, with all that was made from them.

        Args:
            by: who asks, and must own it; None for the operator.

        Returns: the receipt; it is not finished when another process took too long to say that it
            has nothing left of it, and `finish` finishes it later.

        Raises:
            Missing: there is no such document that this person may see.
            Refused: he is not its owner.
            Conflict: it is under legal hold, or is being deleted already.
        """
        user = by.user_id if by else None
        if by is not None:
            async with self._database.write_as(by) as conn:
                await own(conn, tenant_id=tenant_id, document_id=document_id, by=user)
        async with self._database.as_worker(tenant_id) as conn:
            await take_time(conn, TAKE_S)
            ids = await family(conn, tenant_id=tenant_id, document_id=document_id)
            receipt_id = await begin_receipt(
                conn,
                tenant_id=tenant_id,
                scope=DOCUMENT,
                subject=str(document_id),
                by=user or OPERATOR,
                documents=len(ids),
                attachments=[each for each in ids if each != document_id],
            )
            erased = await self._counted(conn, tenant_id, ids)
            await delete(conn, tenant_id=tenant_id, document_id=document_id, by=user)
            receipt = await note(
                conn, tenant_id=tenant_id, receipt_id=receipt_id, erased=erased, is_erased=True
            )
        return await self.finish(receipt, tenant_id=tenant_id, patience_s=PATIENCE_S)

    async def delete_person(
        self,
        person: Principal,
        *,
        documents_only: bool = False,
        by: str = OPERATOR,
        report: Report,
    ) -> Receipt:
        """Delete a person: documents, keys, name, and what he asked; or the documents alone.

        Args:
            by: who asks, for the receipt.

        Raises:
            Conflict: something of it is under legal hold.
            Invalid: his traces are by pseudonyms of another key.
            Busy: an answer to him is still being written; what is done stays done, call again.
        """
        async with self._database.as_worker() as conn:
            await self._pseudonyms.agree(conn)
        deletion = _Deletion(
            scope=Scope(tenant_id=person.tenant_id, owner=person.user_id),
            kind=DOCUMENTS_OF if documents_only else PERSON,
            subject=self._pseudonyms(person),
            by=by,
            with_keys=not documents_only,
        )

        async def leave(conn: WorkerConnection) -> dict[str, int]:
            if documents_only:
                return {}
            return await leaving.drop_person(
                conn, tenant_id=person.tenant_id, user_id=person.user_id
            )

        async def forget(conn: WorkerConnection) -> int:
            if documents_only:
                return 0
            return await leaving.forget_traces(conn, pseudonym=deletion.subject)

        return await self._delete_many(deletion, report=report, forget=forget, leave=leave)

    async def delete_corpus(self, corpus: Corpus, *, tenant_id: int, report: Report) -> Receipt:
        """Delete a corpus with its documents; raises as `delete_person`."""
        deletion = _Deletion(
            scope=Scope(tenant_id=tenant_id, corpus_id=corpus.id),
            kind=CORPUS,
            subject=str(corpus.id),
            by=OPERATOR,
            with_keys=False,
        )

        async def leave(conn: WorkerConnection) -> dict[str, int]:
            return await leaving.drop_corpus(conn, tenant_id=tenant_id, corpus_id=corpus.id)

        return await self._delete_many(deletion, report=report, forget=_nothing, leave=leave)

    async def delete_tenant(self, tenant_id: int, *, report: Report) -> Receipt:
        """Delete a tenant with all that is in it, but for receipts; raises as `delete_person`."""
        deletion = _Deletion(
            scope=Scope(tenant_id=tenant_id),
            kind=TENANT,
            subject=str(tenant_id),
            by=OPERATOR,
            with_keys=True,
        )

        async def leave(conn: WorkerConnection) -> dict[str, int]:
            return await leaving.drop_tenant(conn, tenant_id=tenant_id)

        return await self._delete_many(
            deletion, report=report, forget=leaving.drop_traces, leave=leave
        )

    async def finish(
        self, receipt: Receipt, *, tenant_id: int, patience_s: float = PATIENCE_S
    ) -> Receipt:
        """Finish a receipt whose rows are gone, if every process has ended what it had begun.

        What segments still hold of its documents is taken out of them before. Where that takes
        longer than `patience_s`, or fails, the receipt is left to a worker.
        """
        if receipt.finished_at is not None or receipt.erased_at is None:
            return receipt
        try:
            async with asyncio.timeout(patience_s):
                is_clear = await self._clear(receipt, tenant_id)
        except (TimeoutError, RoadworthyError):  # a damaged posting, too: what is gone is gone
            return receipt
        if not is_clear or not await self._is_past(patience_s):
            return receipt
        return await self._finished(receipt, tenant_id)

    async def finish_left(self) -> int:
        """Finish the receipts whose rows are gone, of whichever process that was cut off before.

        Those who finish theirs at this moment are not disturbed.

        Returns: how many were finished.
        """
        async with self._database.as_worker() as conn:
            opened = await list_open_receipts(conn, before=now(), limit=AT_ONCE)
        left = [(tenant_id, each) for tenant_id, each in opened if each.erased_at is not None]
        if not left or not await self._is_past(PATIENCE_S):
            return 0
        finished = 0
        for tenant_id, receipt in left:
            try:
                if await self._clear(receipt, tenant_id):
                    await self._finished(receipt, tenant_id)
                    finished += 1
            except RoadworthyError as error:
                log.warning(
                    "a deletion is not finished", receipt=str(receipt.id), problem=error.message
                )
        return finished

    async def _clear(self, receipt: Receipt, tenant_id: int) -> bool:
        """Take the documents of a receipt out of what they share with others; False: not wholly."""
        return await clear_documents(self._database, receipt.document_ids, tenant_id=tenant_id)

    async def _finished(self, receipt: Receipt, tenant_id: int) -> Receipt:
        async with self._deleting(tenant_id) as conn:
            return await note(conn, tenant_id=tenant_id, receipt_id=receipt.id, is_finished=True)

    async def _delete_many(
        self,
        deletion: _Deletion,
        *,
        report: Report,
        forget: Callable[[WorkerConnection], Awaitable[int]],
        leave: Callable[[WorkerConnection], Awaitable[dict[str, int]]],
    ) -> Receipt:
        tenant_id = deletion.tenant_id
        receipt_id = await self._begin(deletion)
        while True:
            while await self._erase_some(deletion, receipt_id, report):
                pass
            # Whatever was begun before has now been recorded, or is over.
            if not await self._is_past(PATIENCE_S):
                raise Busy(
                    "An answer that was begun before is still being written; run it again to go on."
                )
            while await self._forget_some(tenant_id, receipt_id, forget):
                pass
            if not deletion.is_of_all:
                await clear_deleted(self._database, tenant_id=tenant_id)
            receipt = await self._end(deletion, receipt_id, leave)
            if receipt.finished_at is not None:
                return receipt

    async def _begin(self, deletion: _Deletion) -> uuid.UUID:
        """Hide all of it in one transaction, or go on with what was begun before.

        Raises:
            Conflict: nothing was begun, and something of it is under legal hold.
        """
        tenant_id = deletion.tenant_id
        async with self._deleting(tenant_id) as conn:
            await conn.execute(ONE_AT_A_TIME, {"tenant_id": tenant_id})
            begun = await open_receipt(
                conn, tenant_id=tenant_id, scope=deletion.kind, subject=deletion.subject
            )
            held = await hold_within(conn, deletion.scope)
            if held is not None and begun is not None:
                return begun.id  # what is hidden and not held still goes
            if held is not None:
                raise Conflict(
                    f"Nothing is deleted: legal hold {held} covers some of it {KEPT}.",
                    hold=str(held),
                )
            receipt_id = (
                begun.id
                if begun
                else await begin_receipt(
                    conn,
                    tenant_id=tenant_id,
                    scope=deletion.kind,
                    subject=deletion.subject,
                    by=deletion.by,
                )
            )
            erased = {}
            if deletion.with_keys:
                erased["api_key"] = await leaving.revoke_keys(
                    conn, tenant_id=tenant_id, user_id=deletion.scope.owner
                )
            documents = await withdraw(conn, deletion.scope, deletion_id=receipt_id)
            await note(
                conn,
                tenant_id=tenant_id,
                receipt_id=receipt_id,
                erased=erased,
                more_documents=documents,
            )
        return receipt_id

    async def _erase_some(self, deletion: _Deletion, receipt_id: uuid.UUID, report: Report) -> bool:
        """Erase some of the hidden documents; False when there are none left.

        Raises:
            Conflict: what is left was put under legal hold meanwhile, and is seen again.
        """
        tenant_id = deletion.tenant_id
        async with self._deleting(tenant_id) as conn:
            await conn.execute(ONE_AT_A_TIME, {"tenant_id": tenant_id})
            receipt = await note(conn, tenant_id=tenant_id, receipt_id=receipt_id)
            ids = await next_withdrawn(
                conn, tenant_id=tenant_id, deletion_id=receipt_id, limit=BATCH
            )
            if await hold_on(conn, tenant_id=tenant_id, document_ids=ids) is not None:
                kept = await put_back(conn, tenant_id=tenant_id, deletion_id=receipt_id)
                await note(conn, tenant_id=tenant_id, receipt_id=receipt_id, more_documents=-kept)
                return True
            if not ids:
                await _check_held(conn, deletion.scope)
                return False
            erased = await self._counted(conn, tenant_id, ids)
            await erase_withdrawn(conn, tenant_id=tenant_id, document_ids=ids)
            await note(conn, tenant_id=tenant_id, receipt_id=receipt_id, erased=erased)
            left = await withdrawn_left(conn, tenant_id=tenant_id, deletion_id=receipt_id)
        report(Progress(erased=receipt.documents - left, total=receipt.documents))
        return True

    async def _end(
        self,
        deletion: _Deletion,
        receipt_id: uuid.UUID,
        leave: Callable[[WorkerConnection], Awaitable[dict[str, int]]],
    ) -> Receipt:
        """Let the scope itself go; what was handed in meanwhile is hidden, and goes before."""
        tenant_id = deletion.tenant_id
        async with self._deleting(tenant_id) as conn:
            await conn.execute(ONE_AT_A_TIME, {"tenant_id": tenant_id})
            receipt = await note(conn, tenant_id=tenant_id, receipt_id=receipt_id)
            if receipt.finished_at is not None:
                return receipt  # by somebody who was asked for the same
            await close(conn, deletion.scope)
            await _check_held(conn, deletion.scope)
            documents = await withdraw(conn, deletion.scope, deletion_id=receipt_id)
            if documents or await self._is_left(conn, deletion):
                return await note(
                    conn, tenant_id=tenant_id, receipt_id=receipt_id, more_documents=documents
                )
            try:
                gone = await leave(conn)
            except psycopg.errors.ForeignKeyViolation as error:
                raise Busy(
                    "Something was being added to it at this moment; run it again to go on."
                ) from error
            await finish_within(conn, tenant_id=tenant_id, receipt=receipt)
            return await note(
                conn, tenant_id=tenant_id, receipt_id=receipt_id, erased=gone, is_finished=True
            )

    async def _is_left(self, conn: WorkerConnection, deletion: _Deletion) -> bool:
        """Say whether another deletion has left something for this one."""
        return not deletion.is_of_all and await is_deleted_left(conn, tenant_id=deletion.tenant_id)

    async def _forget_some(
        self,
        tenant_id: int,
        receipt_id: uuid.UUID,
        forget: Callable[[WorkerConnection], Awaitable[int]],
    ) -> int:
        async with self._deleting(tenant_id) as conn:
            traces = await forget(conn)
            if traces:
                await note(
                    conn, tenant_id=tenant_id, receipt_id=receipt_id, erased={"trace": traces}
                )
            return traces

    async def _counted(
        self, conn: WorkerConnection, tenant_id: int, ids: Sequence[uuid.UUID]
    ) -> dict[str, int]:
        """Count what goes with these documents, by store."""
        asked = {"tenant_id": tenant_id, "ids": list(ids)}
        counts = {}
        async with conn.cursor(row_factory=scalar_row) as cursor:
            for store in self._stores:
                [counts[store.name]] = await (await cursor.execute(store.count, asked)).fetchall()
        return counts

    async def _is_past(self, patience_s: float) -> bool:
        """Wait until no process tells or keeps what it had read before; False: not yet.

        Those that died before have left it in the spool, if anywhere.
        """
        return await is_past(self._database, patience_s=patience_s) and await self._bring_left()

    @asynccontextmanager
    async def _deleting(self, tenant_id: int) -> AsyncIterator[WorkerConnection]:
        async with self._database.as_worker(tenant_id, deleting=True) as conn:
            await take_time(conn, TAKE_S)
            yield conn


async def _check_held(conn: WorkerConnection, scope: Scope) -> None:
    held = await hold_within(conn, scope)
    if held is not None:
        raise Conflict(
            f"All is deleted but what legal hold {held} covers {KEPT}; run it again when it is "
            "lifted.",
            hold=str(held),
        )


async def _nothing(conn: WorkerConnection) -> int:
    del conn
    return 0
