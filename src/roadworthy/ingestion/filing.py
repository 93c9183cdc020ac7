"""File away what came with a document's text: its description."""

from roadworthy.corpus.descriptions import Description, describe
from roadworthy.ingestion.records import ParsedDocument
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.plumbing.jobs import Lease


async def file_away(conn: WorkerConnection, lease: Lease, document: ParsedDocument) -> None:
    """Store what a file says about itself, in the transaction that publishes it."""
    await describe(
        conn,
        _description(document),
        tenant_id=lease.tenant_id,
        document_id=lease.document_id,
    )


def _description(document: ParsedDocument) -> Description:
    confidence = [page.confidence for page in document.pages]
    return Description(
        authors=document.origin.authors,
        created_at=document.origin.created_at,
        modified_at=document.origin.modified_at,
        page_confidence=confidence if any(c is not None for c in confidence) else None,
        notes=document.notes,
    )
