"""What came in a document goes with it, at any depth, and stands in its receipt."""

import itertools

import pytest

from benchmarks.remains import tables_that_hold
from roadworthy.core.errors import Conflict, Refused
from roadworthy.corpus.attached import file_attached
from roadworthy.corpus.documents import list_documents
from roadworthy.deletion import add_hold
from roadworthy.traces.store import add_traces
from tests.traces.interactions import answered, begun, passage_of, read

pytestmark = pytest.mark.anyio
CANARY = "zyqxattachedzyqx"


async def mail(world):
    """A mail in which a mail came, in which a plan came; gives the ids from the outside in."""
    ids = []
    for depth, name in enumerate(("outer.eml", "inner.eml", f"{CANARY}.txt")):
        text = f"Its word is {CANARY}." if depth == 2 else f"See what came with {name}."
        ids.append(await world.add(name, text, owner="ana"))
    async with world.database.as_worker(world.tenant_id) as conn:
        for parent, child in itertools.pairwise(ids):
            await conn.execute("UPDATE document SET parent_id = %s WHERE id = %s", (parent, child))
    return ids


async def sums(world):
    """The counts that BM25 uses, and what they ought to be."""
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute(
            "SELECT (SELECT coalesce(sum(passages), 0) FROM passage_count),"
            " (SELECT count(*) FROM passage)"
        )
        return await rows.fetchone()


async def test_they_go_with_it(world, deletion, urls, postgres_cluster):
    outer, *attachments = await mail(world)
    kept = await world.add("other.txt", "Other.", owner="ana")
    start = begun(world.tenant_id, question="What?")
    passage = await passage_of(world, attachments[-1])
    await add_traces(world.database, [answered(start, answer=CANARY, passages=(passage,))])
    ana = world.person("ana")
    receipt = await deletion.delete_document(outer, tenant_id=world.tenant_id, by=ana)
    assert (receipt.documents, list(receipt.attachments)) == (3, sorted(attachments))
    counts = {each.store: each.count for each in receipt.stores}
    assert (counts["document"], counts["passage"], counts["trace_answer"]) == (3, 3, 1)
    assert tables_that_hold(postgres_cluster.superuser_url_of(urls.owner), CANARY) == set()
    assert (await read(world, start.id))[0].answer is None
    async with world.database.read_as(ana) as conn:
        left = await list_documents(conn, tenant_id=world.tenant_id)
    assert [each.id for each in left] == [kept]
    assert await sums(world) == (1, 1)


async def test_none_is_deleted_alone(world, deletion):
    outer, inner, _ = await mail(world)
    with pytest.raises(Conflict, match=f"attached to document {outer}"):
        await deletion.delete_document(inner, tenant_id=world.tenant_id, by=None)
    assert await sums(world) == (3, 3)


async def test_one_under_hold_stays_though_its_mail_brings_it_no_more(world, deletion):
    outer, inner, _ = await mail(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        await add_hold(
            conn, tenant_id=world.tenant_id, reason="?", by="operator", document_id=inner
        )
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(Refused, match="legal hold"):
            await file_attached(conn, [], tenant_id=world.tenant_id, document_id=outer)
    assert await sums(world) == (3, 3)


async def test_they_are_counted_where_many_go(world, deletion):
    await mail(world)
    await world.add("other.txt", "Other.", owner="bo")
    receipt = await deletion.delete_person(
        world.person("ana"), documents_only=True, report=lambda _: None
    )
    assert {each.store: each.count for each in receipt.stores}["document"] == 3
    assert await sums(world) == (1, 1)


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_a_hold_on_one_keeps_what_it_came_in(world, deletion, which):
    ids = await mail(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        hold = await add_hold(
            conn, tenant_id=world.tenant_id, reason="?", by="operator", document_id=ids[which]
        )
    with pytest.raises(Conflict, match=str(hold)):
        await deletion.delete_document(ids[0], tenant_id=world.tenant_id, by=None)
    with pytest.raises(Conflict, match=str(hold)):
        await deletion.delete_corpus(world.corpus, tenant_id=world.tenant_id, report=lambda _: None)
    assert await sums(world) == (3, 3)
