"""The lock that orders a change of a corpus's spaces against whoever writes its passages.

A lock on the corpus's row would let publishing overtake a change that waits, without an end; this
one is a queue. It is taken before any document is locked, in a statement of its own: only what is
read after it is what holds.
"""

from psycopg.rows import scalar_row

from roadworthy.core.errors import Missing
from roadworthy.corpus.documents import Corpus, find_corpus
from roadworthy.plumbing.database import WorkerConnection
from roadworthy.plumbing.jobs import Lease

KEEP = """
SELECT pg_advisory_xact_lock_shared(hashtext('roadworthy spaces'), corpus_id)
  FROM document
 WHERE tenant_id = %(tenant_id)s AND id = %(document_id)s
"""
KEEP_ALL = """
SELECT pg_advisory_xact_lock_shared(hashtext('roadworthy spaces'), id)
  FROM corpus
 WHERE tenant_id = %(tenant_id)s
"""
CHANGE = """
SELECT pg_advisory_xact_lock(hashtext('roadworthy spaces'), id)
  FROM corpus
 WHERE tenant_id = %(tenant_id)s AND name = %(name)s
"""


async def keep_spaces(conn: WorkerConnection, lease: Lease) -> None:
    """Have the corpus of a job's document keep its spaces for the rest of the transaction."""
    await conn.execute(KEEP, {"tenant_id": lease.tenant_id, "document_id": lease.document_id})


async def change_spaces(conn: WorkerConnection, *, tenant_id: int, name: str) -> Corpus:
    """Find a corpus to change its spaces; nothing is published in it until the commit.

    Raises:
        Missing: there is no such corpus.
    """
    async with conn.cursor(row_factory=scalar_row) as cursor:
        found = await cursor.execute(CHANGE, {"tenant_id": tenant_id, "name": name})
        if await found.fetchone() is None:
            raise Missing(f"There is no corpus {name!r}; `roadworthy corpus list` shows them.")
    return await find_corpus(conn, tenant_id=tenant_id, name=name)


async def keep_all_spaces(conn: WorkerConnection, *, tenant_id: int) -> None:
    """Have every corpus of a tenant keep its spaces for the rest of the transaction."""
    await conn.execute(KEEP_ALL, {"tenant_id": tenant_id})
