"""Whatever changes what a tenant's people may find marks it anew: a replica is trusted by that."""

import asyncio

import psycopg
import pytest

from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.corpus.reembedding import keep_beside
from roadworthy.corpus.switching import switch
from roadworthy.corpus.telling import tell_language
from roadworthy.corpus.withdrawal import Scope, put_back, withdraw
from roadworthy.deletion.leaving import drop_person
from roadworthy.deletion.receipts import CORPUS, begin_receipt
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import Fusion
from roadworthy.retrieval.search import search
from tests.shared_database import urls, world
from tests.world import another_world, make_other_space

__all__ = ["urls", "world"]
pytestmark = pytest.mark.anyio

# Changed only beside a marked table, or before a space is whole (sql/repeatable/replicas.sql).
FOLLOW = {"passage", "posting", "posting_segment", "posting_gone", "merged_revision"} | {
    "embedding",
    "embedding_shared",
    "passage_score",  # of a passage that has none here yet, it is found out when it is read
}
READ = "SELECT relname FROM pg_stat_xact_user_tables WHERE seq_scan > 0 OR idx_scan > 0"
MARKED = """
SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname IN ('mark_new', 'mark_old')
 GROUP BY tgrelid HAVING count(*) = 2
"""


async def mark(world):
    async with world.database.as_recorder(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id}
        found = await conn.execute("SELECT contents_of(%(tenant_id)s)", asked)
        return await found.fetchone()


@pytest.fixture
async def document(world):
    return await world.add(
        "a.txt", "The pump.", owner="ana", readers=access(users=["ana"], groups=["hr"])
    )


async def publish_another(world, conn, document):
    await world.add("b.txt", "The valve.")


async def publish_anew(world, conn, document):
    await world.add("a.txt", "The valve.", owner="ana", readers=access(users=["ana"]))


async def change_metadata(world, conn, document):
    readers = access(users=["ana"], groups=["hr"])
    await world.upload("a.txt", "The pump.", owner="ana", readers=readers, metadata={"year": 1})


async def share_less(world, conn, document):
    asked = {"tenant_id": world.tenant_id, "document_id": document}
    await reshare(conn, **asked, wanted=access(users=["ana"]), by=None)


async def tell(world, conn, document):
    asked = {"tenant_id": world.tenant_id, "document_id": document}
    await tell_language(conn, **asked, language="de", by=None)


async def erase(world, conn, document):
    await delete(conn, tenant_id=world.tenant_id, document_id=document, by=None)


async def hide(world, conn, document):
    scope = Scope(tenant_id=world.tenant_id, corpus_id=world.corpus.id)
    receipt = await begin_receipt(
        conn, tenant_id=world.tenant_id, scope=CORPUS, subject="1", by="operator"
    )
    await withdraw(conn, scope, deletion_id=receipt)
    return receipt


async def forget_ana(world, conn, document):
    await drop_person(conn, tenant_id=world.tenant_id, user_id="ana")


async def keep_a_space(world, conn, document):
    space = await make_other_space(world.database)
    await keep_beside(conn, tenant_id=world.tenant_id, name="main", space=space, language="*")


@pytest.mark.parametrize(
    "change",
    [
        publish_another, publish_anew, change_metadata, share_less, tell, erase, hide, forget_ana,
        keep_a_space,
    ],
)  # fmt: skip
async def test_a_change_is_marked(world, document, change):
    before = await mark(world)
    async with world.database.as_worker(world.tenant_id, deleting=True) as conn:
        await change(world, conn, document)
    assert await mark(world) != before


async def test_a_switch_to_another_space_is_marked(world):
    space = await make_other_space(world.database)
    before = await mark(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        await switch(conn, tenant_id=world.tenant_id, name="main", space=space, language="*")
    assert await mark(world) != before


async def test_what_a_hold_puts_back_is_marked(world, document):
    async with world.database.as_worker(world.tenant_id, deleting=True) as conn:
        receipt = await hide(world, conn, document)
        await conn.execute(
            "INSERT INTO legal_hold (tenant_id, id, document_id, reason, placed_by, placed_at)"
            " VALUES (%s, gen_random_uuid(), %s, 'suit', 'ana', now())",
            (world.tenant_id, document),
        )
    before = await mark(world)
    async with world.database.as_worker(world.tenant_id, deleting=True) as conn:
        assert await put_back(conn, tenant_id=world.tenant_id, deletion_id=receipt) == 1
        [[is_noted]] = await (
            await conn.execute(
                "SELECT reshared_at IS NOT NULL FROM document WHERE id = %s", [document]
            )
        ).fetchall()
    assert await mark(world) != before
    assert is_noted  # answers from while it was hidden are not given again


async def test_what_is_rolled_back_is_not_marked(world, document):
    before = await mark(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        await erase(world, conn, document)
        await conn.rollback()
    assert await mark(world) == before


async def test_a_change_in_a_part_that_was_rolled_back_hides_no_later_one(world, document):
    """The note that a transaction is marked already goes with what was to mark it."""
    before = await mark(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        async with conn.transaction(force_rollback=True):
            await share_less(world, conn, document)
        await erase(world, conn, document)
    assert await mark(world) != before


async def test_another_tenant_keeps_its_mark(world, document):
    other = await another_world(world.database)
    before = await mark(other)
    await world.add("b.txt", "The valve.")
    assert await mark(other) == before


async def test_two_changes_of_a_tenant_wait_for_each_other_in_their_commits_alone(world):
    one, two = [
        await world.add(f"{name}.txt", f"The {name}.", readers=access(users=[name]))
        for name in ("ana", "bo")
    ]
    async with world.database.as_worker(world.tenant_id) as conn:
        await erase(world, conn, one)
        async with asyncio.timeout(10), world.database.as_worker(world.tenant_id) as beside:
            await erase(world, beside, two)


async def test_a_mark_says_nothing_and_is_told_to_the_tenant_alone(world, document):
    assert "pump" not in (await mark(world))[0]
    other = await another_world(world.database)
    asked = {"tenant_id": world.tenant_id}
    for opened in (world.database.as_stranger(), world.database.as_recorder(other.tenant_id)):
        async with opened as conn:
            found = await conn.execute("SELECT contents_of(%(tenant_id)s)", asked)
            assert await found.fetchone() == (None,)


async def test_every_table_that_a_search_reads_is_marked(world, document, urls):
    """A new one has to join the list in sql/repeatable/replicas.sql, or say here why not."""
    ana = world.person("ana", groups=["hr"])
    async with world.database.read_as(ana) as conn:
        found = await search(
            conn,
            "pump",
            queries=[world.query("pump")],
            corpus=world.corpus,
            tenant_id=world.tenant_id,
            among=Filter(metadata={}, name="a"),
            limit=5,
            fusion=Fusion(vector_weight=0.5),
        )
        read = {row[0] for row in await (await conn.execute(READ)).fetchall()}
    with psycopg.connect(urls.owner) as owner:
        marked = {row[0] for row in owner.execute(MARKED)}
    assert found.hits
    assert {"passage", "document", "acl_grant"} <= read
    assert read - FOLLOW <= marked
