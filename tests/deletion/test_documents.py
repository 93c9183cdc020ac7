"""Of a deleted document nothing is left in any table, and the receipt says what there was."""

import asyncio
import contextlib
import uuid

import psycopg
import pytest

from benchmarks.remains import tables_that_hold
from roadworthy.bootstrap import STORES
from roadworthy.core.errors import Missing, Refused
from roadworthy.corpus.access import access
from roadworthy.deletion import find_receipt, list_receipts
from roadworthy.plumbing import transactions
from roadworthy.plumbing.stores import Store
from roadworthy.traces import TraceRecorder
from roadworthy.traces.store import add_traces
from tests.deletion.conftest import deletions
from tests.traces.interactions import answered, begun, passage_of, read

pytestmark = pytest.mark.anyio
CANARY = "zyqxcanaryzyqx"


async def canary_document(world, name=f"{CANARY}.txt", **kwargs):
    text = f"The harbour plan.\n\nIts word is {CANARY}."
    return await world.add(name, text, metadata={"note": CANARY}, **kwargs)


async def passages(world, document):
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute("SELECT id FROM passage WHERE document_id = %s", (document,))
        return [(document, passage) for (passage,) in await rows.fetchall()]


async def test_one_that_takes_longer_than_other_statements_do_is_not_given_up(
    world, tmp_path, monkeypatch
):
    monkeypatch.setattr(transactions, "DEAF_S", 1.0)
    slow = Store(name="slow", count="SELECT 0 FROM pg_sleep(1.5)")
    deletion = deletions(world, tmp_path, stores=[slow])
    document = await canary_document(world)
    receipt = await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    assert receipt.finished_at is not None


async def test_nothing_is_left_in_any_table(world, deletion, urls, postgres_cluster):
    document = await canary_document(world)
    start = begun(world.tenant_id, question="What is its word?")
    trace = answered(start, answer=f"It is {CANARY}.", passages=await passages(world, document))
    await add_traces(world.database, [trace.model_copy(update={"problem": CANARY})])
    superuser = postgres_cluster.superuser_url_of(urls.owner)
    before = tables_that_hold(superuser, CANARY)
    assert before >= {"document", "revision", "passage", "posting", "trace", "trace_answer"}
    receipt = await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    assert tables_that_hold(superuser, CANARY) == set()
    assert {each.store: each.count for each in receipt.stores if each.count} == {
        "document": 1,
        "revision": 1,
        "passage": 2,
        "passage_count": 2,
        "embedding": 2,
        "document_field": 4,  # one a word of the title
        "posting": 4,
        "job": 1,
        "trace_answer": 1,
    }
    assert (receipt.subject, receipt.documents) == (str(document), 1)
    assert receipt.requested_at <= receipt.erased_at <= receipt.finished_at
    kept, hits = await read(world, start.id)
    assert (kept.question, kept.answer, kept.problem, hits) == ("What is its word?", None, None, [])


async def test_the_receipt_names_every_store(world, deletion):
    document = await world.add("a.txt", "Alpha.")
    receipt = await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    assert [each.store for each in receipt.stores] == [store.name for store in STORES]


async def test_only_its_owner_deletes_and_reads_the_receipt(world, deletion):
    ana, bo = world.person("ana"), world.person("bo")
    document = await world.add("a.txt", "Alpha.", owner="ana")
    with pytest.raises(Refused):
        await deletion.delete_document(document, tenant_id=world.tenant_id, by=bo)
    receipt = await deletion.delete_document(document, tenant_id=world.tenant_id, by=ana)
    async with world.database.read_as(ana) as conn:
        found = await find_receipt(conn, tenant_id=world.tenant_id, receipt_id=receipt.id)
        assert found == receipt
    async with world.database.read_as(bo) as conn:
        assert await list_receipts(conn, tenant_id=world.tenant_id) == []
        with pytest.raises(Missing):
            await find_receipt(conn, tenant_id=world.tenant_id, receipt_id=receipt.id)


async def test_what_is_not_seen_is_not_deleted(world, deletion):
    document = await world.add("a.txt", "Alpha.", readers=access(groups=["board"]), owner="ana")
    for absent in (document, uuid.uuid4()):
        with pytest.raises(Missing):
            await deletion.delete_document(
                absent, tenant_id=world.tenant_id, by=world.person("ana")
            )
    async with world.database.as_worker() as conn:
        assert await list_receipts(conn, tenant_id=world.tenant_id) == []


@pytest.mark.parametrize("role", ["app", "worker"])
async def test_a_finished_receipt_never_changes(world, deletion, urls, role):
    document = await world.add("a.txt", "Alpha.", owner="ana")
    by = world.person("ana")
    receipt = await deletion.delete_document(document, tenant_id=world.tenant_id, by=by)
    for change in ("UPDATE deletion_receipt SET stores = '[]'", "DELETE FROM deletion_receipt"):
        with psycopg.connect(getattr(urls, role)) as conn:
            conn.execute("SELECT set_config('roadworthy.tenant', %s, true)", [str(world.tenant_id)])
            conn.execute("SELECT set_config('roadworthy.user', 'ana', true)")
            with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
                assert conn.execute(change).rowcount == 0
    async with world.database.as_worker(world.tenant_id) as conn:
        found = await find_receipt(conn, tenant_id=world.tenant_id, receipt_id=receipt.id)
        assert found == receipt


async def test_an_answer_that_is_recorded_late_is_recorded_without_text(world, deletion):
    document = await world.add("a.txt", "Alpha.")
    passage = await passage_of(world, document)
    await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    start = begun(world.tenant_id)
    await add_traces(world.database, [answered(start, passages=(passage,))])
    trace, _ = await read(world, start.id)
    assert (trace.outcome, trace.answer) == ("answered", None)


async def test_an_answer_recorded_while_its_document_goes_is_not_kept(world, deletion, urls):
    for _ in range(10):
        document = await world.add("a.txt", "Alpha.")
        passage = await passage_of(world, document)
        traces = [answered(begun(world.tenant_id), passages=(passage,)) for _ in range(20)]
        await asyncio.gather(
            deletion.delete_document(document, tenant_id=world.tenant_id, by=None),
            *(add_traces(world.database, [trace]) for trace in traces),
        )
    kept = "SELECT count(*) FROM trace_answer JOIN trace_hit USING (tenant_id, trace_id)"
    with psycopg.connect(urls.owner) as conn:
        conn.execute("SELECT set_config('roadworthy.tenant', %s, true)", [str(world.tenant_id)])
        assert conn.execute(kept).fetchone() == (0,)


async def test_answers_from_other_documents_stay(world, deletion):
    document = await world.add("a.txt", "Alpha.")
    other = await world.add("b.txt", "Beta.")
    start = begun(world.tenant_id)
    passage = await passage_of(world, other)
    await add_traces(world.database, [answered(start, passages=(passage,))])
    await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    assert (await read(world, start.id))[0].answer == "Because."


async def test_no_way_to_delete_a_document_leaves_the_answer(world, urls, postgres_cluster):
    document = await world.add("a.txt", "Alpha.")
    trace = answered(
        begun(world.tenant_id), answer=CANARY, passages=(await passage_of(world, document),)
    )
    await add_traces(world.database, [trace])
    superuser = postgres_cluster.superuser_url_of(urls.owner)
    assert tables_that_hold(superuser, CANARY) == {"trace_answer"}
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("DELETE FROM document WHERE id = %s", (document,))
    assert tables_that_hold(superuser, CANARY) == set()


async def test_what_a_dead_process_left_is_recorded_without_the_text(
    world, deletion, urls, postgres_cluster, tmp_path
):
    document = await world.add("a.txt", "Alpha.")
    start = begun(world.tenant_id)
    dead = TraceRecorder(tmp_path / "spool", world.database)
    dead.end(answered(start, answer=CANARY, passages=(await passage_of(world, document),)))
    dead.close()
    assert [CANARY in file.read_text() for file in (tmp_path / "spool").iterdir()] == [True]
    receipt = await deletion.delete_document(document, tenant_id=world.tenant_id, by=None)
    assert receipt.finished_at is not None
    assert list((tmp_path / "spool").iterdir()) == []
    assert tables_that_hold(postgres_cluster.superuser_url_of(urls.owner), CANARY) == set()
    assert (await read(world, start.id))[0].answer is None
