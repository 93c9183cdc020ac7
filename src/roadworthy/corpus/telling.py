"""What a person says about a document: the language that it is in."""

import uuid

from roadworthy.corpus.ownership import own
from roadworthy.corpus.reindex_jobs import enqueue_reindex
from roadworthy.corpus.routing import check_language
from roadworthy.plumbing.database import Connection

TELL = """
UPDATE document SET language_told = %(language)s
 WHERE tenant_id = %(tenant_id)s AND id = %(id)s AND language_told IS DISTINCT FROM %(language)s
RETURNING corpus_id
"""


async def tell_language(
    conn: Connection,
    *,
    tenant_id: int,
    document_id: uuid.UUID,
    language: str | None,
    by: str | None,
) -> bool:
    """Say which language a document is in; None: it is to be detected again.

    A job brings what is published in line; until it is done, the document is found as before.

    Returns:
        Whether that is new.

    Raises:
        Invalid: that is no language.
        Missing: there is no such document that this person may see.
        Refused: he is not its owner.
    """
    code = None if language is None else check_language(language)
    await own(conn, tenant_id=tenant_id, document_id=document_id, by=by)
    asked = {"tenant_id": tenant_id, "id": document_id, "language": code}
    changed = await (await conn.execute(TELL, asked)).fetchone()
    if changed is None:
        return False
    await enqueue_reindex(conn, tenant_id=tenant_id, corpus_id=changed[0], document_id=document_id)
    return True
