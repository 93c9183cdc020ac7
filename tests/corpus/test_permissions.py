"""Nobody reads what he may not read, because PostgreSQL does not show it to him."""

import psycopg
import pytest

from roadworthy.corpus.access import access
from roadworthy.corpus.documents import list_documents
from roadworthy.corpus.merging import merge_tenant
from roadworthy.corpus.postings import decode_ids
from roadworthy.corpus.withdrawal import Scope, withdraw
from roadworthy.deletion.receipts import DOCUMENTS_OF, begin_receipt
from tests.world import make_world

pytestmark = pytest.mark.anyio

WITH_TENANT = """
SELECT c.relname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                      JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE a.attname = 'tenant_id' AND c.relkind IN ('r', 'p') AND n.nspname = 'public'
"""
# A partition is read through the whole, by whose policies.
PROTECTED = """
SELECT c.relname
  FROM pg_class c
 WHERE c.relrowsecurity AND c.relforcerowsecurity
   AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid) <> c.relispartition
"""
PARTITIONS = """
SELECT relname, has_table_privilege(%(role)s, oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
                OR has_any_column_privilege(%(role)s, oid, 'SELECT, INSERT, UPDATE')
  FROM pg_class
 WHERE relispartition AND relkind = 'r'
"""
SECRET_TABLES = ["document", "revision", "passage", "embedding", "posting", "passage_count", "job"]
MERGED_TABLES = ["posting_segment", "merged_revision", "posting_gone"]


def test_every_table_of_a_tenant_has_a_forced_policy(urls):
    with psycopg.connect(urls.owner) as conn:
        with_tenant = {name for (name,) in conn.execute(WITH_TENANT)}
        protected = {name for (name,) in conn.execute(PROTECTED)}
    assert with_tenant
    assert with_tenant <= protected


@pytest.mark.parametrize("role", ["roadworthy_app", "roadworthy_worker"])
def test_a_partition_by_itself_lets_nobody_in(urls, role):
    with psycopg.connect(urls.owner) as conn:
        found = conn.execute(PARTITIONS, {"role": role}).fetchall()
    assert found == [("embedding_shared", False)]


@pytest.mark.parametrize("role", ["app", "worker"])
def test_the_service_is_no_owner_superuser_or_bypasser(urls, role):
    with psycopg.connect(getattr(urls, role)) as conn:
        [rights] = conn.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole"
            "  FROM pg_roles WHERE rolname = current_user"
        ).fetchall()
        [(owned,)] = conn.execute(
            "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user"
        ).fetchall()
    assert rights == (False, False, False)
    assert owned == 0


@pytest.mark.parametrize("role", ["app", "worker"])
async def test_without_context_there_are_no_rows(world, urls, role):
    await world.add("plan.txt", "The plan.")
    tables = SECRET_TABLES if role == "app" else [t for t in SECRET_TABLES if t != "job"]
    with psycopg.connect(getattr(urls, role)) as conn:
        counts = {t: conn.execute(f"SELECT count(*) FROM {t}").fetchone() for t in tables}
    assert counts == dict.fromkeys(tables, (0,))


@pytest.mark.parametrize(
    ("readers", "person", "seen"),
    [
        pytest.param({}, {}, True, id="everyone"),
        pytest.param({"groups": ["hr"]}, {}, False, id="another-group"),
        pytest.param({"groups": ["hr"]}, {"groups": ["hr"]}, True, id="own-group"),
        pytest.param({"groups": ["hr", "legal"]}, {"groups": ["legal"]}, True, id="one-of-two"),
        pytest.param({"users": ["ana"]}, {}, True, id="own-name"),
        pytest.param({"users": ["bo"]}, {}, False, id="another-name"),
        pytest.param({"groups": ["ana"]}, {}, False, id="a-group-is-no-user"),
        pytest.param({"clearance": 1}, {}, False, id="too-low"),
        pytest.param({"clearance": 1}, {"clearance": 1}, True, id="cleared"),
        pytest.param({"groups": ["hr"], "clearance": 2}, {"clearance": 9}, False, id="no-group"),
    ],
)
async def test_a_grant_admits(world, readers, person, seen):
    await world.add("plan.txt", "The plan.", readers=access(**readers))
    who = world.person(**person)
    async with world.database.read_as(who) as conn:
        counts = [
            (await (await conn.execute(f"SELECT count(*) > 0 FROM {t}")).fetchone())[0]
            for t in SECRET_TABLES
        ]
    assert counts == [seen] * len(SECRET_TABLES)
    assert access(**readers).admits(who) == seen


async def left_merged(world, readers):
    """Add two documents of which segments hold postings; one is gone, and not taken out yet."""
    for name in ("plan.txt", "old.txt"):
        await world.add(name, f"The {name}.", readers=readers)
    await merge_tenant(world.database, tenant_id=world.tenant_id)
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("DELETE FROM document WHERE name = 'old.txt'")


async def gone_passages(conn, corpus_id):
    found = await conn.execute("SELECT acl_id, passages FROM gone_passages(%s)", [corpus_id])
    return {acl_id: set(decode_ids(packed)) for acl_id, packed in await found.fetchall()}


async def test_without_context_there_are_no_merged_rows(world, urls):
    await left_merged(world, access())
    with psycopg.connect(urls.worker) as conn:
        counts = {t: conn.execute(f"SELECT count(*) FROM {t}").fetchone() for t in MERGED_TABLES}
    assert counts == dict.fromkeys(MERGED_TABLES, (0,))
    with psycopg.connect(urls.app) as conn:
        counts = [conn.execute(f"SELECT count(*) FROM {t}").fetchone() for t in MERGED_TABLES[:2]]
        gone = conn.execute("SELECT * FROM gone_passages(%s)", [world.corpus.id]).fetchall()
    assert (counts, gone) == ([(0,), (0,)], [])


@pytest.mark.parametrize("groups", [[], ["hr"]], ids=["another", "reader"])
async def test_merged_rows_are_seen_by_readers_of_their_class(world, groups):
    await left_merged(world, access(groups=["hr"]))
    async with world.database.read_as(world.person(groups=groups)) as conn:
        seen = [
            (await (await conn.execute(f"SELECT count(*) > 0 FROM {t}")).fetchone())[0]
            for t in MERGED_TABLES[:2]
        ]
        seen.append(bool(await gone_passages(conn, world.corpus.id)))
    assert seen == [bool(groups)] * len(MERGED_TABLES)


async def withdraw_all(world):
    async with world.database.as_worker(world.tenant_id, deleting=True) as conn:
        receipt = await begin_receipt(
            conn, tenant_id=world.tenant_id, scope=DOCUMENTS_OF, subject="ana", by="operator"
        )
        await withdraw(conn, Scope(tenant_id=world.tenant_id), deletion_id=receipt)


async def test_the_words_of_what_is_deleted_are_read_by_nobody(world):
    """Neither of a document that is gone nor of one that is being erased: ids alone are told."""
    await left_merged(world, access())
    async with world.database.as_worker(world.tenant_id) as conn:
        found = await conn.execute("SELECT id FROM passage")
        kept = {passage_id for (passage_id,) in await found.fetchall()}
    async with world.database.read_as(world.person()) as conn:
        [gone] = (await gone_passages(conn, world.corpus.id)).values()
        assert len(gone) == 1
        assert not gone & kept
    await withdraw_all(world)
    async with world.database.read_as(world.person()) as conn:
        assert await (await conn.execute("SELECT count(*) FROM merged_revision")).fetchone() == (0,)
        [gone_by_then] = (await gone_passages(conn, world.corpus.id)).values()
        assert gone_by_then == gone | kept
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with world.database.read_as(world.person()) as conn:
            await (await conn.execute("SELECT passages FROM posting_gone")).fetchone()


async def test_what_is_deleted_of_another_corpus_or_tenant_is_not_told(world, database):
    await left_merged(world, access())
    other = await make_world(database, "other")
    await withdraw_all(world)
    for who, corpus in ((world, other.corpus), (other, world.corpus), (other, other.corpus)):
        async with database.read_as(who.person()) as conn:
            assert await gone_passages(conn, corpus.id) == {}


@pytest.mark.parametrize(
    "change",
    ["INSERT INTO merged_revision SELECT * FROM merged_revision", "DELETE FROM posting_gone"]
    + [f"UPDATE {table} SET acl_id = acl_id" for table in MERGED_TABLES]
    + ["DELETE FROM posting_segment", "SELECT mark_gone()"],
)
async def test_people_change_no_merged_row(world, change):
    await left_merged(world, access())
    with pytest.raises(psycopg.Error, match=r"permission denied|only be called as trigger"):
        async with world.database.write_as(world.person("ana")) as conn:
            await conn.execute(change)


async def test_another_tenant_sees_nothing(world, database):
    await world.add("plan.txt", "The plan.")
    other = await make_world(database, "other")
    async with database.read_as(other.person()) as conn:
        assert await list_documents(conn, tenant_id=world.tenant_id) == []
        assert await list_documents(conn, tenant_id=other.tenant_id) == []


async def test_a_principal_without_groups_reads_what_everyone_may(world):
    await world.add("menu.txt", "Soup on Monday.")
    async with world.database.read_as(world.person("stranger")) as conn:
        assert [d.name for d in await list_documents(conn, tenant_id=world.tenant_id)] == [
            "menu.txt"
        ]
