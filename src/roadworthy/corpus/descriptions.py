"""What a document says about itself, and how it was read: stored beside its passages."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from roadworthy.plumbing.database import WorkerConnection

LONGEST_NOTE, MOST_NOTES = 500, 20
MOST_AUTHORS = 50

DESCRIBE = """
UPDATE document
   SET authors = %(authors)s, file_created_at = %(created_at)s,
       file_modified_at = %(modified_at)s, page_confidence = %(page_confidence)s,
       notes = %(notes)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What was noticed while a file was read. People copy templates, so none of it is proof."""

    authors: Sequence[str]
    created_at: datetime | None
    modified_at: datetime | None
    page_confidence: Sequence[float | None] | None  # one a page; None: no page was recognised
    notes: Sequence[str]


async def describe(
    conn: WorkerConnection, description: Description, *, tenant_id: int, document_id: uuid.UUID
) -> None:
    """Store the description of a document, in the transaction that publishes it."""
    confidence = description.page_confidence
    await conn.execute(
        DESCRIBE,
        {
            "tenant_id": tenant_id,
            "id": document_id,
            "authors": list(description.authors[:MOST_AUTHORS]),
            "created_at": description.created_at,
            "modified_at": description.modified_at,
            "page_confidence": None if confidence is None else list(confidence),
            "notes": [note[:LONGEST_NOTE] for note in description.notes[:MOST_NOTES]],
        },
    )
