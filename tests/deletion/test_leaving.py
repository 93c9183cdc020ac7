"""A person, a corpus or a tenant goes as a whole: hidden at once, erased bit by bit, then gone."""

import asyncio
from datetime import timedelta

import psycopg
import pytest

from benchmarks.remains import tables_that_hold
from roadworthy.core.errors import Conflict, Invalid, Missing
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import access
from roadworthy.corpus.approvals import use_or_ask
from roadworthy.corpus.documents import ensure_corpus, find_corpus, list_documents
from roadworthy.corpus.moving import arrange_places
from roadworthy.corpus.partitions import LIST_PARTITIONS
from roadworthy.corpus.people import create_key, find_principal, identify
from roadworthy.corpus.publishing import publish
from roadworthy.deletion import list_receipts, service
from roadworthy.diagnosis.database import check_database
from roadworthy.plumbing import jobs
from roadworthy.retrieval.filters import Filter
from roadworthy.retrieval.fusion import Fusion
from roadworthy.retrieval.search import search
from roadworthy.traces.budgets import Budget, put_budget
from roadworthy.traces.pseudonyms import Pseudonyms
from roadworthy.traces.store import add_traces
from tests.deletion.conftest import deletions, pseudonym
from tests.traces.interactions import answered, begun, read
from tests.world import another_world, extract

pytestmark = pytest.mark.anyio
CANARY = "zyqxpersonzyqx"


class Stopped(Exception):
    """Somebody killed it."""


def budget_of(key_id) -> Budget:
    return Budget(
        scope="key",
        name=str(key_id),
        period="day",
        soft_usd=None,
        hard_usd=None,
        soft_tokens=None,
        hard_tokens=9,
    )


def quiet(progress):
    del progress


def stop_after(erased):
    def report(progress):
        if progress.erased >= erased:
            raise Stopped

    return report


@pytest.fixture
async def ana(world):
    person = world.person(CANARY, groups=["hr"])
    await world.put(person, world.person("bo"))
    return person


@pytest.fixture
def in_small_batches(monkeypatch):
    monkeypatch.setattr(service, "BATCH", 2)


async def documents_of(world, owner, number, **kwargs):
    for n in range(number):
        await world.upload(f"{owner}-{n}.txt", f"{owner} wrote {n}.", owner=owner, **kwargs)
    await world.publish_all()


async def names(world, person):
    async with world.database.read_as(person) as conn:
        return {d.name for d in await list_documents(conn, tenant_id=world.tenant_id)}


async def count(world, table, *, deleting=False):
    async with world.database.as_worker(world.tenant_id, deleting=deleting) as conn:
        rows = await conn.execute(f"SELECT count(*) FROM {table}")
        return (await rows.fetchone())[0]


async def found(world, person, question="wrote"):
    async with world.database.read_as(person) as conn:
        return await search(
            conn,
            question,
            queries=[world.query(question)],
            corpus=world.corpus,
            tenant_id=world.tenant_id,
            among=Filter(),
            limit=50,
            fusion=Fusion(vector_weight=0.5),
        )


async def test_a_person_is_nowhere_afterwards(world, deletion, ana, urls, postgres_cluster):
    await documents_of(world, CANARY, 3)
    await documents_of(world, "bo", 1, readers=access(users=[CANARY, "bo"]))
    async with world.database.as_worker(world.tenant_id) as conn:
        key_id, key = await create_key(conn, ana, valid_for=timedelta(days=1), may_ingest=True)
        await put_budget(conn, budget_of(key_id), tenant_id=world.tenant_id)
        asked = {"operation": "hold remove", "subject": "1", "by": CANARY}
        await use_or_ask(conn, tenant_id=world.tenant_id, **asked)
    start = begun(world.tenant_id, question=f"I am {CANARY}.", pseudonym=pseudonym(ana))
    start = start.model_copy(update={"key_id": key_id})
    await add_traces(world.database, [answered(start, answer=f"You are {CANARY}.")])
    receipt = await deletion.delete_person(ana, report=quiet)
    counts = {each.store: each.count for each in receipt.stores}
    assert (receipt.documents, counts["document"], counts["trace"]) == (3, 3, 1)
    assert (counts["api_key"], counts["principal"], counts["acl_grant"]) == (1, 1, 1)
    superuser = postgres_cluster.superuser_url_of(urls.owner)
    assert tables_that_hold(superuser, CANARY) == set()
    assert tables_that_hold(superuser, str(key_id)) == set()
    async with world.database.as_stranger() as conn:
        assert await identify(conn, key) is None
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(Missing):
            await find_principal(conn, tenant_id=world.tenant_id, user_id=CANARY)
    assert await names(world, world.person("bo")) == {"bo-0.txt"}


async def test_whoever_gets_the_name_later_gets_nothing_of_it(world, deletion, ana):
    await documents_of(world, "bo", 1, readers=access(users=[CANARY]))
    assert await names(world, ana) == {"bo-0.txt"}
    await deletion.delete_person(ana, report=quiet)
    await world.put(ana)
    assert await names(world, ana) == set()
    await documents_of(world, "eve", 1, readers=access(users=[CANARY]))
    assert await names(world, ana) == {"eve-0.txt"}


async def test_a_trace_that_comes_late_is_nobodys(world, deletion, ana, urls, postgres_cluster):
    early = begun(world.tenant_id, question=CANARY, pseudonym=pseudonym(ana))
    await deletion.delete_person(ana, report=quiet)
    late = begun(world.tenant_id, question="Anew.", pseudonym=pseudonym(ana))
    await add_traces(world.database, [answered(early), answered(late)])
    trace, _ = await read(world, late.id, pseudonym=pseudonym(ana))
    assert trace.question == "Anew."
    with pytest.raises(Missing):
        await read(world, early.id, pseudonym=pseudonym(ana))
    superuser = postgres_cluster.superuser_url_of(urls.owner)
    assert "trace" not in tables_that_hold(superuser, CANARY)


async def test_documents_alone_may_go(world, deletion, ana):
    await documents_of(world, CANARY, 2)
    start = begun(world.tenant_id, pseudonym=pseudonym(ana))
    await add_traces(world.database, [answered(start)])
    receipt = await deletion.delete_person(ana, documents_only=True, report=quiet)
    assert (receipt.scope, receipt.documents) == ("documents of a person", 2)
    assert (await read(world, start.id, pseudonym=pseudonym(ana)))[0].answer == "Because."
    async with world.database.as_worker(world.tenant_id) as conn:
        assert await find_principal(conn, tenant_id=world.tenant_id, user_id=CANARY) == ana


async def test_all_is_hidden_from_the_first_moment_and_goes_on_after_a_kill(
    world, deletion, ana, in_small_batches
):
    await documents_of(world, CANARY, 7)
    await documents_of(world, "bo", 1)
    bo = world.person("bo")
    assert (await found(world, bo)).visible_passages == 8
    with pytest.raises(Stopped):
        await deletion.delete_person(ana, report=stop_after(2))
    assert await count(world, "document", deleting=True) == 6
    result = await found(world, bo)
    assert {hit.document_name for hit in result.hits} == {"bo-0.txt"}
    assert result.visible_passages == 1
    assert await names(world, bo) == {"bo-0.txt"}
    for table in ("revision", "passage", "embedding"):
        async with world.database.read_as(bo) as conn:
            rows = await conn.execute(f"SELECT count(*) FROM {table}")
            assert await rows.fetchone() == (1,), table
    receipt = await deletion.delete_person(ana, report=quiet)
    assert {each.store: each.count for each in receipt.stores}["document"] == 7
    assert receipt.documents == 7
    async with world.database.as_worker(world.tenant_id) as conn:
        assert await list_receipts(conn, tenant_id=world.tenant_id) == [receipt]


async def test_a_host_with_another_key_deletes_nobody(world, deletion, ana, tmp_path):
    await deletion.delete_person(world.person("bo"), report=quiet)
    await documents_of(world, CANARY, 1)
    elsewhere = deletions(world, tmp_path, Pseudonyms("another key"))
    with pytest.raises(Invalid, match="pseudonym_key"):
        await elsewhere.delete_person(ana, report=quiet)
    assert await count(world, "document") == 1


async def test_doctor_finds_nothing_wrong_in_the_middle_or_afterwards(
    world, deletion, ana, urls, in_small_batches
):
    await documents_of(world, CANARY, 4)
    with pytest.raises(Stopped):
        await deletion.delete_person(ana, report=stop_after(2))
    assert [check for check in check_database(urls) if not check.ok] == []
    await deletion.delete_person(ana, report=quiet)
    assert [check for check in check_database(urls) if not check.ok] == []


async def test_two_who_delete_the_same_count_it_once(world, deletion, ana, in_small_batches):
    await documents_of(world, CANARY, 6)
    await asyncio.gather(
        *(deletion.delete_person(ana, documents_only=True, report=quiet) for _ in range(3))
    )
    async with world.database.as_worker(world.tenant_id) as conn:
        receipts = await list_receipts(conn, tenant_id=world.tenant_id)
    counts = [{e.store: e.count for e in receipt.stores}.get("document", 0) for receipt in receipts]
    assert sum(counts) == 6


async def test_hidden_documents_are_not_published_replaced_or_shared(
    world, deletion, ana, in_small_batches
):
    await documents_of(world, CANARY, 4)
    await world.upload(f"{CANARY}-3.txt", "A newer version.", owner=CANARY)
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    with pytest.raises(Stopped):
        await deletion.delete_person(ana, documents_only=True, report=stop_after(2))
    with pytest.raises((Conflict, Missing)):
        await publish_with(world, lease)
    with pytest.raises(Conflict, match="being deleted"):
        await world.upload(f"{CANARY}-3.txt", "The newest version.", owner=CANARY)
    await deletion.delete_person(ana, documents_only=True, report=quiet)
    assert await count(world, "document") == 0


async def publish_with(world, lease):
    async with world.database.as_worker(world.tenant_id) as conn:
        await publish(conn, lease, extract("A newer version.", world.space))


async def test_what_is_being_handed_in_at_the_end_goes_too(world, deletion, ana):
    await documents_of(world, "bo", 1)
    async with world.database.as_worker(world.tenant_id) as conn:
        upload = Upload(name="late.txt", content=b"Late.", access=access(), owner="bo")
        await accept(conn, upload, tenant_id=world.tenant_id, corpus=world.corpus, by=None)
        going = asyncio.create_task(
            deletion.delete_corpus(world.corpus, tenant_id=world.tenant_id, report=quiet)
        )
        await asyncio.sleep(0.5)
        assert not going.done()
    assert (await going).documents == 2


async def test_a_corpus_goes_with_its_documents_and_no_other(world, deletion, ana):
    await documents_of(world, "bo", 2)
    async with world.database.as_worker(world.tenant_id) as conn:
        other = await ensure_corpus(
            conn, tenant_id=world.tenant_id, name="other", space_id=world.space.id
        )
    kept = type(world)(
        database=world.database, tenant_id=world.tenant_id, space=world.space, corpus=other
    )
    await documents_of(kept, "kept", 1)
    receipt = await deletion.delete_corpus(world.corpus, tenant_id=world.tenant_id, report=quiet)
    assert (receipt.scope, receipt.documents) == ("corpus", 2)
    assert await names(world, world.person("bo")) == {"kept-0.txt"}
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(Missing):
            await find_corpus(conn, tenant_id=world.tenant_id, name="main")


ROWS_OF_TENANT = """
SELECT c.relname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                      JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE a.attname = 'tenant_id' AND c.relkind IN ('r', 'p') AND n.nspname = 'public'
"""


async def test_of_a_tenant_nothing_but_receipts_is_left(
    world, deletion, ana, urls, postgres_cluster
):
    other = await another_world(world.database)
    await documents_of(other, "other", 1)
    await documents_of(world, CANARY, 3)
    start = begun(world.tenant_id, pseudonym=pseudonym(ana))
    await add_traces(world.database, [answered(start)])
    receipt = await deletion.delete_tenant(world.tenant_id, report=quiet)
    assert (receipt.scope, receipt.documents) == ("tenant", 3)
    with psycopg.connect(postgres_cluster.superuser_url_of(urls.owner)) as conn:
        left = {
            name
            for (name,) in conn.execute(ROWS_OF_TENANT).fetchall()
            if conn.execute(
                f"SELECT count(*) FROM {name} WHERE tenant_id = %s", [world.tenant_id]
            ).fetchone()
            != (0,)
        }
        named = conn.execute("SELECT count(*) FROM tenant WHERE id = %s", [world.tenant_id])
        assert named.fetchone() == (0,)
    assert left == {"deletion_receipt"}
    assert await names(other, other.person("bo")) == {"other-0.txt"}
    async with world.database.as_worker() as conn:
        assert receipt in await list_receipts(conn, tenant_id=None)


async def test_what_is_handed_in_meanwhile_goes_too(world, deletion, ana, in_small_batches):
    await documents_of(world, CANARY, 3)
    with pytest.raises(Stopped):
        await deletion.delete_person(ana, report=stop_after(2))
    await world.upload("late.txt", "Late.", owner=CANARY)
    receipt = await deletion.delete_person(ana, report=quiet)
    assert receipt.documents == 4
    assert await count(world, "document") == 0


async def test_the_partition_of_a_deleted_tenant_goes(world, deletion, urls):
    await documents_of(world, CANARY, 3)
    moving = {"owner_url": urls.owner, "report": quiet, "most": 1}
    await arrange_places(world.database, **moving)
    await deletion.delete_tenant(world.tenant_id, report=quiet)
    with psycopg.connect(urls.owner) as conn:
        assert world.tenant_id in [row[0] for row in conn.execute(LIST_PARTITIONS)]
    await arrange_places(world.database, **moving)
    with psycopg.connect(urls.owner) as conn:
        assert world.tenant_id not in [row[0] for row in conn.execute(LIST_PARTITIONS)]
