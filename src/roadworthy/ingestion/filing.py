"""File away what came with a document's text: its description, and what is attached to it."""

from collections.abc import Sequence

from roadworthy.corpus.attached import file_attached
from roadworthy.corpus.descriptions import Description, describe
from roadworthy.ingestion import KIND
from roadworthy.ingestion.records import ParsedDocument
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.plumbing.jobs import Lease

MOST_NAMED = 5  # attachments in one sentence


async def file_away(
    conn: WorkerConnection, lease: Lease, document: ParsedDocument, *, is_attached: bool
) -> None:
    """Store what a file says about itself and what it brings, before it is published.

    In the transaction that publishes it, and first there: it locks the document and then all that
    is attached to it, as everybody does.

    Args:
        is_attached: it came out of a mail, with all that was attached to it.

    Raises:
        Missing: the document was deleted meanwhile.
    """
    notes = document.notes
    if not is_attached:
        filed = await file_attached(
            conn, document.attachments, tenant_id=lease.tenant_id, document_id=lease.document_id
        )
        for document_id, revision_id in filed.to_read:
            await jobs.enqueue(
                conn,
                tenant_id=lease.tenant_id,
                kind=KIND,
                document_id=document_id,
                revision_id=revision_id,
                priority=jobs.BULK,
            )
        notes = (*_taken(filed.taken), *notes)
    await describe(
        conn,
        _description(document, notes),
        tenant_id=lease.tenant_id,
        document_id=lease.document_id,
    )


def _taken(names: Sequence[str]) -> tuple[str, ...]:
    if not names:
        return ()
    shown = ", ".join(names[:MOST_NAMED])
    return (f"Left out, because a document has their name: {shown} ({len(names)} in all).",)


def _description(document: ParsedDocument, notes: Sequence[str]) -> Description:
    confidence = [page.confidence for page in document.pages]
    return Description(
        authors=document.origin.authors,
        created_at=document.origin.created_at,
        modified_at=document.origin.modified_at,
        page_confidence=confidence if any(c is not None for c in confidence) else None,
        notes=notes,
    )
