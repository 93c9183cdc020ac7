"""The partitions of table `embedding`, and their indexes: made and dropped as the owner.

Nobody waits for any of it longer than for an ordinary change. Whatever is cut off leaves nothing,
or something that the next call mends.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import LiteralString, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import scalar_row

from roadworthy.core.errors import Busy
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.places import CHANGE, index_of, partition_of
from roadworthy.plumbing.database import Connection

T = TypeVar("T")

# Whoever waits for a lock on a table makes others wait behind him: for so long, and then again.
BE_PATIENT = "SET LOCAL lock_timeout = '300ms'"
PAUSE_S, MOST_TRIES = 1.0, 60
# What reads a replica is ended well before (plumbing/replica.py); no snapshot there is waited for.
READERS_S = 5.0
# HNSW as measured (docs/decisions/0015): with m = 16 some questions find nothing at all.
LINKS, BREADTH = 24, 128
# Beyond this memory building goes on, slower. A row takes its vector and about so much more.
LINKS_BYTES, LEAST_MIB, MOST_MIB = 1_400, 64, 2_048

LIST_PARTITIONS = """
SELECT substring(relname FROM 'embedding_of_(\\d+)')::integer AS tenant_id
  FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
 WHERE inhparent = 'embedding'::regclass AND relname ~ '^embedding_of_\\d+$'
 ORDER BY 1
"""
IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%(name)s)"
GIVE_MEMORY = """
SELECT set_config('maintenance_work_mem', least(%(most)s, greatest(%(least)s, ceil(
           reltuples * %(row_bytes)s / 1048576)))::text || 'MB', false)
  FROM pg_class
 WHERE oid = to_regclass(%(name)s)
"""
# A partition by itself is nobody's to read: no policy, no privilege.
CREATE: tuple[LiteralString, ...] = (
    "CREATE TABLE {table} (LIKE embedding_shared INCLUDING ALL)",
    "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {table} ALTER vector SET STATISTICS 0",
    "ALTER TABLE embedding ATTACH PARTITION {table} FOR VALUES IN ({tenant_id})",
)
# There is nothing to index, but this waits until no snapshot is left in which there was.
WAIT_FOR_SNAPSHOTS = "REINDEX TABLE CONCURRENTLY {table}"
# The first fails where there is a row, whoever may see it. Not detached before: it would get a
# foreign key of its own, and to drop that locks passages.
DROP: tuple[LiteralString, ...] = (
    "ALTER TABLE {table} ADD CHECK (false)",
    "DROP TABLE {table}",
)
HELPERS = "SET max_parallel_maintenance_workers = {helpers}"
BUILD = """
CREATE INDEX CONCURRENTLY {index} ON {table}
 USING hnsw ((vector::halfvec({dimension})) halfvec_cosine_ops)
  WITH (m = {links}, ef_construction = {breadth})
 WHERE space_id = {space_id}
"""
KEEPS_STATISTICS = """
SELECT attstattarget IS DISTINCT FROM 0
  FROM pg_attribute
 WHERE attrelid = to_regclass(%(name)s) AND attnum = 1
"""
# What is kept before, by chance, would outlive the vectors that it was made of.
KEEP_NO_STATISTICS: tuple[LiteralString, ...] = (
    "ALTER INDEX {index} ALTER COLUMN 1 SET STATISTICS 0",
    """
    DO $$ BEGIN
        IF to_regprocedure('pg_clear_attribute_stats(text, text, text, boolean)') IS NOT NULL THEN
            PERFORM pg_clear_attribute_stats('public', {index_name}, attname::text, false)
               FROM pg_attribute WHERE attrelid = {index_name}::regclass;
        END IF; -- else this is PostgreSQL 17 or older
    END $$
    """,
)
DROP_INDEX = "DROP INDEX CONCURRENTLY IF EXISTS {index}"


async def list_partitions(owner: Connection) -> list[int]:
    """Name the tenants that have a partition."""
    async with owner.cursor(row_factory=scalar_row) as cursor:
        return await (await cursor.execute(LIST_PARTITIONS)).fetchall()


async def ensure_partition(owner: Connection, tenant_id: int) -> None:
    """Make a partition for a tenant, unless there is one.

    Raises:
        Busy: there was no moment for it.
    """
    if tenant_id not in await list_partitions(owner):
        await _at_a_quiet_moment(owner, partial(_execute, owner, CREATE, tenant_id))


async def drop_partition(
    owner: Connection, tenant_id: int, *, is_left: Callable[[], Awaitable[bool]]
) -> bool:
    """Drop an empty partition, when nobody can find anything in it any more.

    Args:
        is_left: asked again at the moment when nobody can enter it or write there.

    Returns: whether it was left.

    Raises:
        Busy: there was no moment for it.
    """
    await _execute(owner, [WAIT_FOR_SNAPSHOTS], tenant_id)
    await asyncio.sleep(READERS_S)

    async def drop() -> bool:
        await owner.execute(CHANGE, {"tenant_id": tenant_id})
        if not await is_left():
            return False
        await _execute(owner, DROP, tenant_id)
        return True

    return await _at_a_quiet_moment(owner, drop)


async def ensure_index(owner: Connection, tenant_id: int, space: EmbeddingSpace) -> bool:
    """Build the HNSW index of a space in a tenant's partition; False if it was there whole."""
    was_there = await has_index(owner, tenant_id, space)
    if not was_there:
        await _build(owner, tenant_id, space)
    # Also of one that was there: whoever waited for it may have been killed before he came to this.
    if await _keeps_statistics(owner, tenant_id, space):
        await _execute(owner, KEEP_NO_STATISTICS, tenant_id, space=space)
    return not was_there


async def _keeps_statistics(owner: Connection, tenant_id: int, space: EmbeddingSpace) -> bool:
    async with owner.cursor(row_factory=scalar_row) as cursor:
        found = await cursor.execute(KEEPS_STATISTICS, {"name": index_of(tenant_id, space.id)})
        return await found.fetchone() is True


async def _build(owner: Connection, tenant_id: int, space: EmbeddingSpace) -> None:
    await _execute(owner, ["ANALYZE {table}"], tenant_id)
    asked = {
        "name": partition_of(tenant_id),
        "least": LEAST_MIB,
        "most": MOST_MIB,
        "row_bytes": 2 * space.dimension + LINKS_BYTES,
    }
    await owner.execute(GIVE_MEMORY, asked)
    try:
        await _build_once(owner, tenant_id, space, helpers=1)  # others want to compute, too
    except (psycopg.errors.DiskFull, psycopg.errors.OutOfMemory):
        # Memory that is shared with a helper is scarce in a container; alone it needs none.
        await _build_once(owner, tenant_id, space, helpers=0)


async def _build_once(
    owner: Connection, tenant_id: int, space: EmbeddingSpace, *, helpers: int
) -> None:
    await drop_index(owner, tenant_id, space)  # what was left of one that was cut off
    await owner.execute(sql.SQL(HELPERS).format(helpers=sql.Literal(helpers)))
    await _execute(owner, [BUILD], tenant_id, space=space)


async def has_index(owner: Connection, tenant_id: int, space: EmbeddingSpace) -> bool:
    """Say whether a space has an index in a tenant's partition, and it is whole."""
    async with owner.cursor(row_factory=scalar_row) as cursor:
        found = await cursor.execute(IS_VALID, {"name": index_of(tenant_id, space.id)})
        return await found.fetchone() is True


async def drop_index(owner: Connection, tenant_id: int, space: EmbeddingSpace) -> None:
    """Drop the index of a space, if there is one."""
    await _execute(owner, [DROP_INDEX], tenant_id, space=space)


async def _at_a_quiet_moment(owner: Connection, change: Callable[[], Awaitable[T]]) -> T:
    for _ in range(MOST_TRIES):
        try:
            async with owner.transaction():
                await owner.execute(BE_PATIENT)
                return await change()
        except psycopg.errors.LockNotAvailable:
            await asyncio.sleep(PAUSE_S)
    raise Busy("Others used the table of vectors all the time; it is tried again.")


async def _execute(
    owner: Connection,
    statements: Sequence[LiteralString],
    tenant_id: int,
    *,
    space: EmbeddingSpace | None = None,
) -> None:
    for statement in statements:
        await owner.execute(sql.SQL(statement).format(**_names(tenant_id, space)))


def _names(tenant_id: int, space: EmbeddingSpace | None = None) -> dict[str, sql.Composable]:
    names: dict[str, sql.Composable] = {
        "table": sql.Identifier(partition_of(tenant_id)),
        "tenant_id": sql.Literal(tenant_id),
    }
    if space is not None:
        names |= {
            "index": sql.Identifier(index_of(tenant_id, space.id)),
            "index_name": sql.Literal(index_of(tenant_id, space.id)),
            "space_id": sql.Literal(space.id),
            "dimension": sql.Literal(space.dimension),
            "links": sql.Literal(LINKS),
            "breadth": sql.Literal(BREADTH),
        }
    return names
