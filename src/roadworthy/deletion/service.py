"""Delete a document, a person, a corpus or a tenant, and say so by a receipt when all is gone.

One document goes in one transaction. Larger scopes are hidden as a whole by a first transaction
and then erased in bounded ones; whoever asks again after a kill goes on where it ended. A receipt
is finished when no process tells, or keeps in memory or in its spool, what it had read before.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg.rows import scalar_row

from roadworthy.core.errors import Busy, Conflict
from roadworthy.core.identity import Principal
from roadworthy.corpus.documents import Corpus
from roadworthy.corpus.ownership import delete, family, own
from roadworthy.corpus.withdrawal import (
    Scope,
    any_left,
    close,
    erase_withdrawn,
    hold_within,
    next_withdrawn,
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
    note,
    open_receipt,
)
from roadworthy.plumbing.database import Connection, Database, WorkerConnection
from roadworthy.plumbing.epochs import is_past
from roadworthy.plumbing.stores import Store

BATCH = 20  # documents of one transaction
# Of two that begin the same, the second goes on with what the first has begun.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('roadworthy deletion'), %(tenant_id)s)"
PATIENCE_S = 10.0  # for what other processes are writing at the moment


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


class DeletionService:
    """Deletes, each time for a person or for the operator.

    Args:
        stores: every table that holds the text of documents or what is derived from it.
        pseudonym: what traces call a person.
        bring_left: stores what dead processes of this machine left in their spool; False when it
            could not.
    """

    def __init__(
        self,
        *,
        database: Database,
        stores: Sequence[Store],
        pseudonym: Callable[[Principal], str],
        bring_left: Callable[[], Awaitable[bool]],
    ) -> None:
        self._database = database
        self._stores = stores
        self._pseudonym = pseudonym
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
        if by is not None:  # row-level security decides whether he may
            async with self._database.write_as(by) as conn:
                await own(conn, tenant_id=tenant_id, document_id=document_id, by=user)
        # Erased and counted by the worker, who sees what the owner does not.
        async with self._database.as_worker(tenant_id) as conn:
            await own(conn, tenant_id=tenant_id, document_id=document_id, by=user)
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
            erased |= await self._forgotten(conn, tenant_id, ids)
            receipt = await note(
                conn, tenant_id=tenant_id, receipt_id=receipt_id, erased=erased, is_erased=True
            )
        return await self.finish(receipt, tenant_id=tenant_id)

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
            Busy: an answer to him is still being written; what is done stays done, call again.
        """
        deletion = _Deletion(
            scope=Scope(tenant_id=person.tenant_id, owner=person.user_id),
            kind=DOCUMENTS_OF if documents_only else PERSON,
            subject=self._pseudonym(person),
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
        """Finish a receipt whose rows are gone, if every process has ended what it had begun."""
        if receipt.finished_at is not None or receipt.erased_at is None:
            return receipt
        if not await self._is_over(patience_s):
            return receipt
        async with self._database.as_worker(tenant_id) as conn:
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
            while await self._erase_some(tenant_id, receipt_id, report):
                pass
            # Whatever was begun before has now been recorded, or is over.
            if not await self._is_over(PATIENCE_S):
                raise Busy(
                    "An answer that was begun before is still being written; run it again to go on."
                )
            while await self._forget_some(tenant_id, receipt_id, forget):
                pass
            receipt = await self._end(deletion, receipt_id, leave)
            if receipt.finished_at is not None:
                return receipt

    async def _end(
        self,
        deletion: _Deletion,
        receipt_id: uuid.UUID,
        leave: Callable[[WorkerConnection], Awaitable[dict[str, int]]],
    ) -> Receipt:
        """Let the scope itself go; what was handed in meanwhile is hidden, and goes before."""
        tenant_id = deletion.tenant_id
        async with self._database.as_worker(tenant_id) as conn:
            receipt = await note(conn, tenant_id=tenant_id, receipt_id=receipt_id)
            if receipt.finished_at is not None:
                return receipt  # by somebody who was asked for the same
            await close(conn, deletion.scope)
            documents, jobs = await withdraw(conn, deletion.scope, deletion_id=receipt_id)
            if documents:
                return await note(
                    conn,
                    tenant_id=tenant_id,
                    receipt_id=receipt_id,
                    erased={"job": jobs},
                    more_documents=documents,
                )
            if await any_left(conn, deletion.scope):
                raise Busy("Another deletion is erasing some of it; run it again to go on.")
            gone = await leave(conn)
            return await note(
                conn, tenant_id=tenant_id, receipt_id=receipt_id, erased=gone, is_finished=True
            )

    async def _begin(self, deletion: _Deletion) -> uuid.UUID:
        """Hide all of it in one transaction, or go on with what was begun before."""
        tenant_id = deletion.tenant_id
        async with self._database.as_worker(tenant_id) as conn:
            await conn.execute(ONE_AT_A_TIME, {"tenant_id": tenant_id})
            receipt = await open_receipt(
                conn, tenant_id=tenant_id, scope=deletion.kind, subject=deletion.subject
            )
            receipt_id = (
                receipt.id
                if receipt
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
            documents, erased["job"] = await withdraw(conn, deletion.scope, deletion_id=receipt_id)
            held = await hold_within(conn, deletion.scope, deletion_id=receipt_id)
            if held is not None:
                raise Conflict(
                    f"{'The rest is not' if receipt else 'Nothing is'} deleted: legal hold {held} "
                    "covers some of it (`roadworthy hold list` says what).",
                    hold=str(held),
                )
            await note(
                conn,
                tenant_id=tenant_id,
                receipt_id=receipt_id,
                erased=erased,
                more_documents=documents,
            )
        return receipt_id

    async def _erase_some(self, tenant_id: int, receipt_id: uuid.UUID, report: Report) -> bool:
        """Erase some of the hidden documents; False when there are none left."""
        async with self._database.as_worker(tenant_id) as conn:
            receipt = await note(conn, tenant_id=tenant_id, receipt_id=receipt_id)
            ids = await next_withdrawn(
                conn, tenant_id=tenant_id, deletion_id=receipt_id, limit=BATCH
            )
            if ids:
                erased = await self._counted(conn, tenant_id, ids)
                await erase_withdrawn(conn, tenant_id=tenant_id, document_ids=ids)
                erased |= await self._forgotten(conn, tenant_id, ids)
                await note(conn, tenant_id=tenant_id, receipt_id=receipt_id, erased=erased)
            left = await withdrawn_left(conn, tenant_id=tenant_id, deletion_id=receipt_id)
        report(Progress(erased=receipt.documents - left, total=receipt.documents))
        return bool(ids)

    async def _forget_some(
        self,
        tenant_id: int,
        receipt_id: uuid.UUID,
        forget: Callable[[WorkerConnection], Awaitable[int]],
    ) -> int:
        async with self._database.as_worker(tenant_id) as conn:
            traces = await forget(conn)
            if traces:
                await note(
                    conn, tenant_id=tenant_id, receipt_id=receipt_id, erased={"trace": traces}
                )
            return traces

    async def _is_over(self, patience_s: float) -> bool:
        """Tell whether nothing that was begun before now goes on, or waits to be recorded."""
        is_brought = await self._bring_left()
        return await is_past(self._database, patience_s=patience_s) and is_brought

    async def _counted(
        self, conn: Connection, tenant_id: int, ids: Sequence[uuid.UUID]
    ) -> dict[str, int]:
        """Count what goes with these documents, by store."""
        statements: list[tuple[str, LiteralString]] = [
            (store.name, store.count) for store in self._stores if store.count
        ]
        return await _numbers(conn, statements, {"tenant_id": tenant_id, "ids": list(ids)})

    async def _forgotten(
        self, conn: Connection, tenant_id: int, ids: Sequence[uuid.UUID]
    ) -> dict[str, int]:
        """Let the stores forget whose rows do not go with documents; returns how many went."""
        statements: list[tuple[str, LiteralString]] = [
            (store.name, store.forget) for store in self._stores if store.forget
        ]
        return await _numbers(conn, statements, {"tenant_id": tenant_id, "ids": list(ids)})


async def _numbers(
    conn: Connection, statements: Sequence[tuple[str, LiteralString]], asked: Mapping[str, object]
) -> dict[str, int]:
    numbers = {}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        for name, statement in statements:
            [numbers[name]] = await (await cursor.execute(statement, asked)).fetchall()
    return numbers


async def _nothing(conn: WorkerConnection) -> int:
    del conn
    return 0
