"""Changes that meet leave what one of their orders would have left, and never open a document."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from roadworthy.core.errors import Busy, Conflict, Missing
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.corpus.publishing import mark_failed, publish
from roadworthy.plumbing import jobs
from tests.world import extract

pytestmark = pytest.mark.anyio

BOARD, ALL = access(groups=["board"]), access()
CLASSES = """
SELECT 'document' AS what, acl_id FROM document
UNION SELECT 'revision', acl_id FROM revision
UNION SELECT 'passage', acl_id FROM passage
UNION SELECT 'embedding', acl_id FROM embedding
UNION SELECT 'posting', acl_id FROM posting
UNION SELECT 'passage_count', acl_id FROM passage_count WHERE passages > 0
"""
READERS = """
SELECT DISTINCT subject FROM acl_grant JOIN document USING (tenant_id, acl_id) WHERE name = %s
"""
PLACES = """
SELECT id, acl_id FROM document
UNION ALL SELECT document_id, acl_id FROM revision
UNION ALL SELECT document_id, acl_id FROM passage
UNION ALL SELECT document_id, acl_id FROM embedding
UNION ALL SELECT document_id, acl_id FROM posting
"""
COUNTED = """
SELECT corpus_id, acl_id, language, passages, terms FROM passage_count WHERE passages > 0
EXCEPT
SELECT corpus_id, acl_id, language, count(*), sum(term_count) FROM passage GROUP BY 1, 2, 3
"""


async def claim(world):
    async with world.database.as_worker() as conn:
        return await jobs.claim(conn)


async def publishing(conn, world, lease, text="The plan."):
    await publish(conn, lease, extract(text, world.space))
    await jobs.complete(conn, lease)


async def sharing(conn, world, document, wanted):
    await reshare(conn, tenant_id=world.tenant_id, document_id=document, wanted=wanted, by=None)


async def deleting(conn, world, document):
    await delete(conn, tenant_id=world.tenant_id, document_id=document, by=None)


async def accepting(conn, world, name, text, readers=ALL, owner="operator", by=None):
    upload = Upload(name=name, content=text.encode(), access=readers, owner=owner)
    receipt = await accept(conn, upload, tenant_id=world.tenant_id, corpus=world.corpus, by=by)
    await jobs.enqueue(
        conn,
        tenant_id=world.tenant_id,
        kind="ingest",
        document_id=receipt.document_id,
        revision_id=receipt.revision_id,
    )
    return receipt


async def in_worker(world, change):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await change(conn)


@asynccontextmanager
async def meanwhile(world, change):
    """Begin `change` while the block's transaction is open, and wait until both are through."""
    async with world.database.as_worker(world.tenant_id) as conn:
        yield conn
        task = asyncio.create_task(in_worker(world, change))
        await asyncio.sleep(0.15)  # it has come to the lock
    await task


async def rows(world, query, *values):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await (await conn.execute(query, values)).fetchall()


async def classes(world):
    return {acl_id for _, acl_id in await rows(world, CLASSES)}


async def readers(world, name="plan.txt"):
    return {subject for (subject,) in await rows(world, READERS, name)}


@pytest.mark.parametrize("first", ["publish", "reshare"])
async def test_readers_withdrawn_while_publishing_see_nothing(world, first):
    document = await world.add("plan.txt", "The old plan.")
    await world.upload("plan.txt", "The plan.")
    lease = await claim(world)
    changes = [
        lambda conn: publishing(conn, world, lease),
        lambda conn: sharing(conn, world, document, BOARD),
    ]
    one, other = changes if first == "publish" else changes[::-1]
    async with meanwhile(world, other) as conn:
        await one(conn)
    assert len(await classes(world)) == 1
    assert await readers(world) == {"group:board"}
    assert await rows(world, COUNTED) == []


async def test_a_secret_version_is_not_published_to_those_who_were_let_in_meanwhile(world):
    """Handed in for the board after the old version had been opened: the board's alone."""
    document = await world.add("plan.txt", "The old plan.", readers=BOARD)
    async with meanwhile(
        world, lambda conn: accepting(conn, world, "plan.txt", "The secret plan.", BOARD)
    ) as conn:
        await sharing(conn, world, document, ALL)
    await world.publish_all()
    assert await readers(world) == {"group:board"}
    assert len(await classes(world)) == 1


async def test_a_revision_always_has_the_class_of_its_document(world):
    document = await world.add("plan.txt", "The old plan.", readers=ALL)
    async with meanwhile(
        world, lambda conn: accepting(conn, world, "plan.txt", "The plan.", ALL)
    ) as conn:
        await sharing(conn, world, document, BOARD)
    await world.publish_all()
    assert len(await classes(world)) == 1


async def test_a_document_deleted_while_it_is_published_is_gone(world):
    receipt = await world.upload("plan.txt", "The plan.")
    lease = await claim(world)
    async with meanwhile(world, lambda conn: deleting(conn, world, receipt.document_id)) as conn:
        await publishing(conn, world, lease)
    assert await rows(world, CLASSES) == []


async def test_a_document_deleted_before_it_is_published_stays_gone(world):
    receipt = await world.upload("plan.txt", "The plan.")
    lease = await claim(world)
    with pytest.raises(Missing):
        async with meanwhile(world, lambda conn: publishing(conn, world, lease)) as conn:
            await deleting(conn, world, receipt.document_id)
    assert await rows(world, CLASSES) == []


async def test_of_two_new_versions_the_later_one_is_published(world):
    await world.add("plan.txt", "The plan.")
    async with meanwhile(
        world, lambda conn: accepting(conn, world, "plan.txt", "The third plan.")
    ) as conn:
        await accepting(conn, world, "plan.txt", "The second plan.")
    await world.publish_all()
    assert await rows(world, "SELECT text FROM passage") == [("The third plan.",)]


@pytest.mark.parametrize("name", ["plan.txt", "copy.txt"], ids=["same-name", "another-name"])
async def test_of_two_equal_uploads_one_is_told_of_the_other(world, name):
    await world.add("other.txt", "Something else.")
    with pytest.raises(Conflict):
        async with meanwhile(world, lambda conn: accepting(conn, world, name, "The plan.")) as conn:
            await accepting(conn, world, "plan.txt", "The plan.")
    await world.publish_all()
    assert await rows(world, "SELECT name FROM document ORDER BY name") == [
        ("other.txt",),
        ("plan.txt",),
    ]


async def test_two_uploads_make_one_class_of_the_same_readers(world):
    fresh = access(groups=["new"])
    async with meanwhile(world, lambda conn: accepting(conn, world, "b.txt", "B.", fresh)) as conn:
        await accepting(conn, world, "a.txt", "A.", fresh)
    assert len(await classes(world)) == 1
    assert await readers(world, "b.txt") == {"group:new"}


async def test_documents_that_swap_readers_do_not_hold_each_other_up(world):
    a = await world.add("a.txt", "The A plan.", readers=ALL)
    b = await world.add("b.txt", "The B plan.", readers=BOARD)
    for _ in range(4):
        await asyncio.gather(
            in_worker(world, lambda conn: sharing(conn, world, a, BOARD)),
            in_worker(world, lambda conn: sharing(conn, world, b, ALL)),
        )
        await asyncio.gather(
            in_worker(world, lambda conn: sharing(conn, world, a, ALL)),
            in_worker(world, lambda conn: sharing(conn, world, b, BOARD)),
        )
    assert await rows(world, COUNTED) == []


async def test_a_failing_job_and_a_deletion_do_not_hold_each_other_up(world):
    receipt = await world.upload("plan.txt", "The plan.")
    lease = await claim(world)
    lock = "SELECT FROM document WHERE tenant_id = %s AND id = %s FOR UPDATE"
    failing = None
    try:
        async with world.database.as_worker(world.tenant_id) as conn:
            await conn.execute(lock, (world.tenant_id, receipt.document_id))  # as delete begins
            failing = asyncio.create_task(
                in_worker(world, lambda other: mark_failed(other, lease, problem="broken"))
            )
            await asyncio.sleep(0.15)
            await deleting(conn, world, receipt.document_id)
        await failing
    except Busy as error:
        pytest.fail(f"one of the two was given up: {error.__cause__}")
    finally:
        if failing:
            await asyncio.gather(failing, return_exceptions=True)


async def test_many_changes_at_once_leave_one_class_a_document_and_true_counts(world):
    names = ["a.txt", "b.txt"]
    documents = {name: await world.add(name, f"{name} one.\n\nTwo.") for name in names}

    async def churn(number):
        name = names[number % 2]
        wanted = BOARD if number % 3 else ALL
        try:
            if number % 4 < 2:
                await world.upload(name, f"{name} number {number}.\n\nMore.", readers=wanted)
                await world.publish_all()
            else:
                await in_worker(world, lambda conn: sharing(conn, world, documents[name], wanted))
        except (Busy, Conflict, Missing):
            pass  # told to try again; what matters is what is left

    await asyncio.gather(*(churn(number) for number in range(16)))
    await world.publish_all()
    query = f"SELECT id, count(DISTINCT acl_id) FROM ({PLACES}) AS place GROUP BY id"
    assert {number for _, number in await rows(world, query)} == {1}
    assert await rows(world, COUNTED) == []


async def test_an_operators_version_goes_to_the_document_of_those_readers(world):
    """Ana took the name for everyone first; the board's document of that name is another."""
    await world.put(world.person("ana"))
    async with world.database.write_as(world.person("ana")) as conn:
        await accepting(conn, world, "plan.txt", "Ana's plan.", ALL, owner="ana", by="ana")
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE document SET name = 'else.txt'")
    await world.upload("plan.txt", "The board's plan.", readers=BOARD)
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE document SET name = 'plan.txt'")
    await world.upload("plan.txt", "The board's newer plan.", readers=BOARD)
    await world.publish_all()
    found = await rows(
        world, "SELECT owner, text FROM passage JOIN document ON document.id = document_id"
    )
    assert sorted(found) == [("ana", "Ana's plan."), ("operator", "The board's newer plan.")]


async def test_going_back_to_the_published_content_withdraws_what_waits(world):
    await world.add("plan.txt", "The plan.")
    await world.upload("plan.txt", "A mistake.")
    await world.upload("plan.txt", "The plan.")
    await world.publish_all()
    assert await rows(world, "SELECT text FROM passage") == [("The plan.",)]
