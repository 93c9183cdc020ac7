"""How fast jobs are claimed, and how long a tenant waits behind another's bulk load.

make bench NAME=queues [ARGS="--jobs 20000"]

The bound of a claim is the plain one that knows neither tenants nor priorities: the oldest row,
skipping locked ones. Both run on the same rows, in turns. What a single document waits is measured
in a whole installation, before and while another tenant's large documents are read.
"""

import argparse
import asyncio
import json
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.kills import text_of
from benchmarks.up import Up, fresh_home, services_of
from roadworthy.bootstrap import DatabaseUrls, Services
from roadworthy.core.ids import new_id
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import access
from roadworthy.corpus.documents import Corpus, ensure_corpus
from roadworthy.corpus.people import ensure_tenant
from roadworthy.ingestion import KIND
from roadworthy.plumbing import jobs
from roadworthy.plumbing.database import Database
from tests.conftest import provisioned
from tests.postgres_cluster import Cluster, running_server
from tests.world import World, another_world

CLAIMS = 1000
AT_ONCE = 4
SINGLES = 5
LARGE_DOCUMENTS, LARGE_SENTENCES = 24, 800
RUNNING = "SELECT id FROM job WHERE tenant_id = %s AND state = 'running'"
FILL = """
INSERT INTO job (tenant_id, id, kind, document_id, revision_id, state, attempts, priority, run_at,
                 stage, steps_done, steps_total, created_at)
SELECT %(tenant_id)s, gen_random_uuid(), 'ingest', %(document_id)s, %(revision_id)s, 'queued', 0,
       10, now() - interval '1 hour' + n * interval '1 millisecond', 'waiting', 0, 0, now()
  FROM generate_series(1, %(count)s) AS n
"""
PLAIN_CLAIM = """
UPDATE job
   SET state = 'running', attempts = attempts + 1, lease = %(lease)s, leased_until = %(until)s
 WHERE (tenant_id, id) = (
       SELECT tenant_id, id FROM job
        WHERE (state = 'queued' AND run_at <= %(now)s)
           OR (state = 'running' AND leased_until < %(now)s)
        ORDER BY run_at, id
        LIMIT 1
          FOR UPDATE SKIP LOCKED)
RETURNING tenant_id, id
"""
PLAIN_INDEX = """
CREATE INDEX plain ON job (run_at, id) WHERE state IN ('queued', 'running')
"""
END = "UPDATE job SET state = 'done', lease = NULL WHERE tenant_id = %s AND id = %s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=20_000, help="queued jobs of the bulk load")
    options = parser.parse_args()
    with running_server() as server:
        cluster = Cluster(server=server)
        cluster.make_template()
        with cluster.fresh_database() as url:
            figures = asyncio.run(measure(provisioned(url), owner_url=url, count=options.jobs))
    figures |= asyncio.run(waits())
    table = Table("figure", "value", title="queues")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)
    print(json.dumps(figures))


async def measure(urls: DatabaseUrls, *, owner_url: str, count: int) -> dict[str, float | None]:
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=AT_ONCE + 1)
    await database.open()
    try:
        bulk = await another_world(database)
        await fill(bulk, count)
        figures: dict[str, float | None] = {"queued": count}
        figures["claims_per_s"] = await claims_per_s(database)
        figures["claim_ms"] = await claim_ms(database)
        figures["single_document_waits_for_claims"] = await turns_waited(database)
        for others in (100, 1000):
            await more_tenants(database, others)
            figures[f"claim_ms_of_{others}_tenants"] = await claim_ms(database)
        figures["plain_claims_per_s"] = await plain_claims_per_s(database, owner_url)
    finally:
        await database.close()
    return figures


async def fill(world: World, count: int) -> None:
    receipt = await world.upload("bulk.txt", "Bulk.")
    asked = {
        "tenant_id": world.tenant_id,
        "document_id": receipt.document_id,
        "revision_id": receipt.revision_id,
        "count": count,
    }
    async with world.database.as_worker() as conn:
        await conn.execute(FILL, asked)


async def claims_per_s(database: Database) -> float:
    """Claim and complete, each in its transaction, by several loops."""

    async def loop() -> None:
        for _ in range(CLAIMS // AT_ONCE):
            async with database.as_worker() as conn:
                lease = await jobs.claim(conn)
            assert lease
            async with database.as_worker() as conn:
                await jobs.complete(conn, lease)

    began = time.perf_counter()
    await asyncio.gather(*(loop() for _ in range(AT_ONCE)))
    return round(CLAIMS / (time.perf_counter() - began), 1)


async def claim_ms(database: Database) -> float:
    spent = []
    for _ in range(100):
        began = time.perf_counter()
        async with database.as_worker() as conn:
            lease = await jobs.claim(conn)
        spent.append(time.perf_counter() - began)
        assert lease
        async with database.as_worker() as conn:
            await jobs.complete(conn, lease)
    return round(statistics.median(spent) * 1000, 2)


async def turns_waited(database: Database) -> int:
    """Count the claims of the bulk load that come before another tenant's only document."""
    single = await another_world(database)
    await single.upload("single.txt", "Single.")
    before = 0
    while True:
        async with database.as_worker() as conn:
            lease = await jobs.claim(conn)
            assert lease
            await jobs.complete(conn, lease)
        if lease.tenant_id == single.tenant_id:
            return before
        before += 1


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """A tenant of a running installation."""

    database: Database
    id: int
    corpus: Corpus

    async def hand_in(self, name: str, text: str, *, priority: int) -> uuid.UUID:
        upload = Upload(name=f"{name}.txt", content=text.encode(), access=access(), owner="bench")
        async with self.database.as_worker(self.id) as conn:
            receipt = await accept(conn, upload, tenant_id=self.id, corpus=self.corpus, by=None)
            assert receipt.revision_id
            return await jobs.enqueue(
                conn,
                tenant_id=self.id,
                kind=KIND,
                document_id=receipt.document_id,
                revision_id=receipt.revision_id,
                priority=priority,
            )

    async def single_s(self, name: str) -> float:
        """Hand a short document in; the seconds until it is searchable."""
        began = time.perf_counter()
        job = await self.hand_in(name, text_of(name), priority=jobs.INTERACTIVE)
        while True:
            async with self.database.as_worker(self.id) as conn:
                [state] = await jobs.job_states(conn, tenant_id=self.id, job_ids=[job])
            if state.state == "done":
                return time.perf_counter() - began
            await asyncio.sleep(0.02)

    async def running(self) -> int:
        async with self.database.as_worker(self.id) as conn:
            rows = await conn.execute(RUNNING, (self.id,))
            return len(await rows.fetchall())


async def waits() -> dict[str, float | None]:
    """Measure a single document, alone and while large ones of another tenant are read."""
    with fresh_home() as home:
        up = Up(home)
        up.start()
        up.wait_until_greeted()
        try:
            async with services_of(up) as opened:
                single, bulk = [await tenant(opened, name) for name in ("single", "bulk")]
                alone = [await single.single_s(f"alone{n}") for n in range(SINGLES)]
                for number in range(LARGE_DOCUMENTS):
                    text = text_of(f"large{number}", sentences=LARGE_SENTENCES)
                    await bulk.hand_in(f"large{number}", text, priority=jobs.BULK)
                while await bulk.running() < AT_ONCE:  # noqa: ASYNC110 - another process works
                    await asyncio.sleep(0.05)
                behind = [await single.single_s(f"behind{n}") for n in range(SINGLES)]
                still = await bulk.running()
        finally:
            up.stop()
    return {
        "single_document_s_alone": round(statistics.median(alone), 2),
        "single_document_s_behind_bulk": round(statistics.median(behind), 2) if still else None,
        "single_document_s_behind_bulk_worst": round(max(behind), 2) if still else None,
    }


async def tenant(opened: Services, name: str) -> Tenant:
    async with opened.database.as_worker() as conn:
        tenant_id = await ensure_tenant(conn, name)
    async with opened.database.as_worker(tenant_id) as conn:
        corpus = await ensure_corpus(
            conn, tenant_id=tenant_id, name="main", space_id=opened.default_space.id
        )
    return Tenant(database=opened.database, id=tenant_id, corpus=corpus)


async def more_tenants(database: Database, count: int) -> None:
    for _ in range(count):
        world = await another_world(database)
        await world.upload("some.txt", "Some.")


@contextmanager
def plain_index(owner_url: str) -> Iterator[None]:
    with psycopg.connect(owner_url, autocommit=True) as conn:
        conn.execute(PLAIN_INDEX)
        conn.execute("ANALYZE job")  # else the planner may sort all rows
        yield
        conn.execute("DROP INDEX plain")


async def plain_claims_per_s(database: Database, owner_url: str) -> float:
    async def loop() -> None:
        for _ in range(CLAIMS // AT_ONCE):
            asked = {"lease": new_id(), "now": jobs.now(), "until": jobs.now() + jobs.LEASE}
            async with database.as_worker() as conn:
                row = await (await conn.execute(PLAIN_CLAIM, asked)).fetchone()
            assert row
            async with database.as_worker() as conn:
                await conn.execute(END, row)

    with plain_index(owner_url):
        began = time.perf_counter()
        await asyncio.gather(*(loop() for _ in range(AT_ONCE)))
        return round(CLAIMS / (time.perf_counter() - began), 1)


if __name__ == "__main__":
    main()
