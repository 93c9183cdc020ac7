"""Where the vectors of a tenant are kept: beside those of all others, or in a partition of its own.

Reads look at both places while rows move from one to the other. What is written goes to one, which
does not change under a transaction that has asked for it.
"""

from psycopg.rows import scalar_row

from roadworthy.plumbing.database import WorkerConnection

SHARED = 0  # a place of one's own has the number of the tenant

KEEP = """
SELECT pg_advisory_xact_lock_shared(hashtext('roadworthy places'), %(tenant_id)s)
"""
FIND_PLACE = """
SELECT tenant_id FROM embedding_place WHERE tenant_id = %(tenant_id)s AND state <> 'returning'
"""


async def keep_place(conn: WorkerConnection, *, tenant_id: int) -> int:
    """Tell where new vectors of a tenant go, and have that hold for the rest of the transaction."""
    asked = {"tenant_id": tenant_id}
    await conn.execute(KEEP, asked)  # by itself: only what is read after it is what holds
    async with conn.cursor(row_factory=scalar_row) as cursor:
        own = await (await cursor.execute(FIND_PLACE, asked)).fetchone()
    return SHARED if own is None else own
