"""Find documents by what a set of questions calls them."""

from collections.abc import Collection

from psycopg.rows import scalar_row

from roadworthy.plumbing.database import Connection

NAMED = """
SELECT DISTINCT name FROM document
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND name = ANY (%(names)s)
"""
# A set of questions knows neither the folder that was handed in nor the kind of its files.
CALLED = r"""
SELECT called, min(name)
  FROM document, LATERAL (VALUES (regexp_replace(name, '^.*/', '')),
                                 (regexp_replace(name, '^.*/|\.[^./]+$', '', 'g'))) AS by (called)
 WHERE tenant_id = %(tenant_id)s AND corpus_id = %(corpus_id)s AND called = ANY (%(names)s)
 GROUP BY called
HAVING count(DISTINCT name) = 1
"""


async def names_of(
    conn: Connection, called: Collection[str], *, tenant_id: int, corpus_id: int
) -> dict[str, str]:
    """Find the names of documents, of those that the principal of `conn` may see.

    Args:
        called: whole names, or names without their folders, or without their endings too.

    Returns:
        The name by what it is called; what nothing, or more than one name, fits is left out.
    """
    asked = {"tenant_id": tenant_id, "corpus_id": corpus_id}
    async with conn.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(NAMED, asked | {"names": sorted(called)})
        whole = {name: name for name in await cursor.fetchall()}
    left = sorted(set(called) - whole.keys())
    if not left:
        return whole
    return whole | dict(await (await conn.execute(CALLED, asked | {"names": left})).fetchall())
