"""Every transaction says who asks, forgets it at its end, and reads through an index."""

import asyncio

import psycopg
import pytest

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.corpus.access import access
from roadworthy.plumbing import transactions
from roadworthy.plumbing.database import Database
from roadworthy.retrieval import keywords, nearest, visible

pytestmark = pytest.mark.anyio

CONTEXT = """
SELECT current_setting('roadworthy.tenant', true), current_setting('roadworthy.user', true),
       current_setting('roadworthy.subjects', true), current_setting('roadworthy.clearance', true),
       current_setting('roadworthy.pseudonym', true), current_setting('roadworthy.key_hash', true)
"""
COUNT = "SELECT count(*) FROM passage"


async def die(conn, url):
    """Let the server end a connection in the middle of its transaction."""
    with psycopg.connect(url, autocommit=True) as killer:
        killer.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])
    await conn.execute(COUNT)


async def one(conn, query, *values):
    [row] = await (await conn.execute(query, values)).fetchall()
    return row


@pytest.fixture
async def single(urls):
    """A pool of so few connections that they are used again at once."""
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=1)
    await database.open()
    yield database
    await database.close()


async def test_the_next_transaction_knows_nothing_of_the_last(world, single):
    await world.add("plan.txt", "The plan.")
    async with single.read_as(world.person("ana", groups=["hr"]), pseudonym="x") as conn:
        assert await one(conn, COUNT) == (1,)
    async with single.as_stranger() as conn:
        assert set(await one(conn, CONTEXT)) <= {"", None}
        assert await one(conn, COUNT) == (0,)
        assert await one(conn, "SHOW transaction_read_only") == ("off",)
        assert await one(conn, "SHOW transaction_isolation") == ("read committed",)


async def test_a_connection_that_is_busy_with_something_else_is_not_lent(single):
    async with single.as_stranger() as conn:
        left = conn
    left.pgconn.send_query(b"SELECT pg_sleep(20)")  # by who still had it when he was cancelled
    async with asyncio.timeout(10), single.as_stranger() as conn:
        assert conn is not left
        assert await one(conn, "SELECT 1") == (1,)


async def test_who_failed_leaves_nothing_behind(world, single):
    with pytest.raises(psycopg.errors.DivisionByZero):
        async with single.write_as(world.person()) as conn:
            await conn.execute("CREATE TEMPORARY TABLE leftover AS SELECT 1 / (random() * 0)::int")
    async with single.as_stranger() as conn:
        assert await one(conn, "SELECT to_regclass('leftover')") == (None,)
        assert set(await one(conn, CONTEXT)) <= {"", None}


async def test_a_worker_without_a_tenant_sees_no_content(world, single):
    await world.add("plan.txt", "The plan.")
    async with single.as_worker(world.tenant_id) as conn:
        assert await one(conn, COUNT) == (1,)
    async with single.as_worker() as conn:
        assert await one(conn, COUNT) == (0,)
        assert await one(conn, "SELECT count(*) FROM api_key") == (0,)


async def test_readers_write_nothing(world):
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        async with world.database.read_as(world.person()) as conn:
            await conn.execute("DELETE FROM document")


async def test_a_reader_sees_one_moment(world):
    await world.add("plan.txt", "The plan.")
    async with world.database.read_as(world.person()) as conn:
        assert await one(conn, COUNT) == (1,)
        await world.add("more.txt", "More.")
        assert await one(conn, COUNT) == (1,)
    async with world.database.read_as(world.person()) as conn:
        assert await one(conn, COUNT) == (2,)


async def test_subjects_arrive_as_they_are(world):
    groups = ["a,b", "{}", '"', "\\", "null", "NULL", "'", "é", " ", "a\tb", "{a,b}", '","']
    person = world.person("o'neil", groups=groups)
    async with world.database.read_as(person) as conn:
        query = "SELECT current_setting('roadworthy.subjects')::text[]"
        assert await one(conn, query) == (person.subjects,)


async def test_a_connection_that_dies_is_told_as_an_outage_and_replaced(world, urls):
    with pytest.raises(Unavailable):
        async with world.database.read_as(world.person()) as conn:
            await die(conn, urls.app)
    async with world.database.read_as(world.person()) as conn:
        assert await one(conn, COUNT) == (0,)


@pytest.mark.parametrize(
    "code", ["40P01", "40001", "55P03"], ids=["deadlock", "serialization-failure", "lock-timeout"]
)
async def test_changes_that_meet_are_no_outage(world, code):
    with pytest.raises(Busy, match="Two changes met"):
        async with world.database.write_as(world.person()) as conn:
            await conn.execute(f"DO $$ BEGIN RAISE SQLSTATE '{code}'; END $$")


async def test_connections_that_died_idle_are_never_lent(world, urls):
    with psycopg.connect(urls.app, autocommit=True) as killer:
        killer.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user"
            "   AND pid <> pg_backend_pid() AND datname = current_database()"
        )
    async with world.database.read_as(world.person()) as conn:
        assert await one(conn, COUNT) == (0,)


async def test_a_cancelled_reader_gives_its_connection_back(world, single):
    async def wait():
        async with single.read_as(world.person()) as conn:
            await conn.execute("SELECT pg_sleep(20)")

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with single.read_as(world.person()) as conn:
        assert await one(conn, COUNT) == (0,)


async def test_who_takes_time_is_waited_for_and_the_next_is_not(world, single, monkeypatch):
    monkeypatch.setattr(transactions, "DEAF_S", 0.5)
    async with single.as_worker() as conn:
        await transactions.take_time(conn, 60)
        assert await one(conn, "SHOW statement_timeout") == ("1min",)
        await conn.execute("SELECT pg_sleep(1)")
    with pytest.raises(Unavailable):
        async with single.as_worker() as conn:
            await conn.execute("SELECT pg_sleep(30)")


async def test_a_closed_database_is_an_outage(urls, world):
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=1)
    await database.open()
    await database.close()
    with pytest.raises(Unavailable):
        async with database.read_as(world.person()):
            pass


CROWD = """
WITH class AS (
    INSERT INTO acl (tenant_id, grants_hash)
    SELECT %(tenant)s, sha256(n::text::bytea) FROM generate_series(1, 3000) AS n
    RETURNING id),
granted AS (
    INSERT INTO acl_grant (tenant_id, acl_id, subject, clearance)
    SELECT %(tenant)s, id, 'group:' || id, 0 FROM class),
counted AS (
    INSERT INTO passage_count (tenant_id, corpus_id, acl_id, language, passages, terms)
    SELECT %(tenant)s, %(corpus)s, id, 'en', 1, 3 FROM class),
written AS (
    INSERT INTO document (tenant_id, id, corpus_id, acl_id, owner, name, title, media_type,
                          language, metadata, version, state, created_at, updated_at)
    SELECT %(tenant)s, gen_random_uuid(), %(corpus)s, id, 'bo', 'of ' || id, '', '', 'en', '{}',
           1, 'ready', now(), now() FROM class
    RETURNING id, acl_id),
revised AS (
    INSERT INTO revision (tenant_id, id, document_id, corpus_id, acl_id, content_hash, content,
                          state, created_at)
    SELECT %(tenant)s, id, id, %(corpus)s, acl_id, sha256(id::text::bytea), '', 'ready', now()
      FROM written
    RETURNING document_id, acl_id),
cut AS (
    INSERT INTO passage (tenant_id, corpus_id, acl_id, document_id, revision_id, ordinal,
                         start_at, end_at, heading, language, term_count, text)
    SELECT %(tenant)s, %(corpus)s, acl_id, document_id, document_id, 0, 0, 1, '', 'en', 3, 'x'
      FROM revised
    RETURNING id, acl_id, document_id),
embedded AS (
    INSERT INTO embedding (tenant_id, space_id, corpus_id, acl_id, passage_id, document_id, vector)
    SELECT %(tenant)s, %(space)s, %(corpus)s, acl_id, id, document_id, %(vector)s::halfvec FROM cut)
INSERT INTO posting (tenant_id, corpus_id, acl_id, term, document_id, revision_id, packed)
SELECT %(tenant)s, %(corpus)s, acl_id, 'pump', document_id, document_id, '' FROM cut
"""


@pytest.fixture
async def crowded(world, urls):
    """Thousands of hidden documents, each in a class of its own, beside one that ana may see."""
    values = {
        "tenant": world.tenant_id,
        "corpus": world.corpus.id,
        "space": world.space.id,
        "vector": nearest._halfvec(world.query("pump")),
    }
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute(CROWD, values)
    mine = await world.add("mine.txt", "My pump.", readers=access(users=["ana"]))
    with psycopg.connect(urls.owner, autocommit=True) as conn:
        conn.execute("ANALYZE")
    return mine


async def plan(conn, query, asked):
    rows = await (await conn.execute("EXPLAIN (ANALYZE, COSTS OFF) " + query, asked)).fetchall()
    return "\n".join(row for (row,) in rows)


async def test_what_is_hidden_is_not_even_looked_at(world, crowded):
    """Through an index, with the visible classes computed once."""
    asked = {
        "tenant_id": world.tenant_id,
        "corpus_id": world.corpus.id,
        "space_id": world.space.id,
        "terms": ["pump"],
        "limit": 50,
        "vector": nearest._halfvec(world.query("pump")),
    }
    async with world.database.read_as(world.person("ana")) as conn:
        plans = {
            "embedding": await plan(conn, nearest.FIND_NEAREST + nearest.NEAREST_FIRST, asked),
            "posting": await plan(conn, keywords.FIND_POSTINGS, asked),
            "passage_count": await plan(conn, visible.COUNT_VISIBLE, asked),
        }
    for table, found in plans.items():
        assert f" on {table}" in found
        assert f"Seq Scan on {table}" not in found, found
        assert "Rows Removed" not in found, found
        assert "acl_id = ANY ((InitPlan" in found, found


async def test_the_visible_classes_are_found_by_index(world, crowded):
    body = "SELECT acl_id FROM acl_grant WHERE tenant_id = %(t)s AND subject = ANY (%(s)s)"
    async with world.database.read_as(world.person("ana")) as conn:
        found = await plan(conn, body, {"t": world.tenant_id, "s": world.person("ana").subjects})
    assert "Seq Scan on acl_grant" not in found, found


async def test_a_job_is_found_without_listing_every_document(world, crowded):
    """Or asking how far a job is would take longer with each document of the tenant."""
    reader = world.person("reader", groups=[str(n) for n in range(1, 3100)])
    query = "SELECT id FROM job WHERE tenant_id = %(tenant_id)s AND id = ANY (%(ids)s)"
    async with world.database.as_worker() as conn:
        ids = [row[0] for row in await (await conn.execute("SELECT id FROM job")).fetchall()]
    async with world.database.read_as(reader) as conn:
        found = await plan(conn, query, {"tenant_id": world.tenant_id, "ids": ids})
    assert "using document_pkey on document" in found, found
    assert "Seq Scan on document" not in found, found
