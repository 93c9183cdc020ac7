"""What a made corpus takes: seconds to arrange, bytes on disk, memory of the server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.field import Field
from roadworthy.corpus.moving import arrange_places

PAUSE_S = 0.5  # between two looks
BUILDS = "SELECT count(*) FROM pg_stat_progress_create_index WHERE command LIKE 'CREATE%'"
SIZES = """
SELECT pg_database_size(current_database()) AS database,
       (SELECT coalesce(sum(pg_table_size(relid)), 0) FROM pg_partition_tree('embedding')
         WHERE isleaf) AS vectors,
       (SELECT coalesce(sum(pg_relation_size(indexrelid)), 0)
          FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
          JOIN pg_am ON pg_am.oid = relam WHERE amname = 'hnsw') AS graphs,
       pg_total_relation_size('posting_segment') AS postings
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What it took to make a corpus ready to be searched, and what it takes since."""

    passages: int
    arrange_s: float  # to move large tenants to partitions, and to index them
    index_build_s: float  # of that, while an index was built
    build_peak_mb: float  # memory of the server meanwhile; shared pages count once
    search_mb: float  # memory of the server after all searches
    database_mb: float
    vectors_mb: float
    graphs_mb: float
    postings_mb: float


@dataclass(slots=True)
class _Seen:
    """What was seen so far."""

    building_s: float = 0
    peak_mb: float = 0


async def arrange(field: Field) -> Storage:
    """Give large tenants their partitions with indexes."""
    began = time.perf_counter()
    async with _watched(field) as seen:
        await arrange_places(field.database, owner_url=field.owner_url, report=print)
    took = time.perf_counter() - began
    async with await psycopg.AsyncConnection.connect(field.superuser_url) as conn:
        [sizes] = await (await conn.execute(SIZES)).fetchall()
    database, vectors, graphs, postings = (round(float(size) / 1e6, 1) for size in sizes)
    return Storage(
        passages=len(field.corpus.vectors),
        arrange_s=round(took, 1),
        index_build_s=round(seen.building_s, 1),
        build_peak_mb=round(seen.peak_mb, 1),
        search_mb=0,
        database_mb=database,
        vectors_mb=vectors,
        graphs_mb=graphs,
        postings_mb=postings,
    )


def show(found: Storage) -> None:
    """Print each figure."""
    table = Table("storage", "")
    for name in Storage.__slots__:
        table.add_row(name, f"{getattr(found, name):,}")
    Console(width=120).print(table)


def server_mb(field: Field) -> float:
    """Add up the memory of the server's processes; shared pages count once."""
    held = 0.0
    server = psutil.Process(
        int((field.home / "postgres" / "postmaster.pid").read_text().split()[0])
    )
    for process in (server, *server.children()):
        try:
            memory = process.memory_full_info()
        except psutil.NoSuchProcess:  # it ended between listing and looking
            continue
        held += (getattr(memory, "pss", 0) or memory.rss) / 1e6
    return held


@asynccontextmanager
async def _watched(field: Field) -> AsyncIterator[_Seen]:
    seen, ended = _Seen(), asyncio.Event()

    async def watch(conn: psycopg.AsyncConnection) -> None:
        last = time.perf_counter()
        while not ended.is_set():
            await asyncio.sleep(PAUSE_S)
            [[building]] = await (await conn.execute(BUILDS)).fetchall()
            now = time.perf_counter()
            seen.building_s += now - last if building else 0
            seen.peak_mb = max(seen.peak_mb, await asyncio.to_thread(server_mb, field))
            last = now

    async with await psycopg.AsyncConnection.connect(field.superuser_url, autocommit=True) as conn:
        watching = asyncio.create_task(watch(conn))
        try:
            yield seen
        finally:
            ended.set()
            await watching
