"""Deletions, uploads, legal holds and each other meet, and none of them is told a lie."""

import asyncio
import uuid

import psycopg
import pytest

from roadworthy.core.clock import now
from roadworthy.core.errors import Busy, Conflict, Invalid, Missing, Refused
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import access
from roadworthy.corpus.ownership import delete
from roadworthy.corpus.people import put_principal
from roadworthy.corpus.reindex_jobs import enqueue_reindex
from roadworthy.deletion import add_hold, lift_hold, list_holds, list_receipts
from roadworthy.plumbing import jobs
from roadworthy.traces.store import add_traces
from tests.deletion.test_attachments import mail, sums
from tests.deletion.test_leaving import (
    Stopped,
    count,
    documents_of,
    found,
    in_small_batches,
    names,
    quiet,
    stop_after,
)
from tests.traces.interactions import answered, begun, passage_of, read
from tests.world import another_world

__all__ = ["in_small_batches"]
pytestmark = pytest.mark.anyio
WAITING = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
async def ana(world):
    person = world.person("ana")
    await world.put(person, world.person("bo"))
    return person


async def hold(world, **target):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await add_hold(
            conn, tenant_id=world.tenant_id, reason="A dispute.", by="operator", **target
        )


async def kill(world, deletion, person, **how):
    with pytest.raises(Stopped):
        await deletion.delete_person(person, report=stop_after(2), **how)


async def until_it_waits(world):
    """Wait until somebody waits for a lock."""
    async with asyncio.timeout(30):
        waiting = 0
        while not waiting:
            async with world.database.as_worker() as conn:
                [[waiting]] = await (await conn.execute(WAITING)).fetchall()


def hers(name="late.txt", content=b"Late."):
    return Upload(name=name, content=content, access=access(), owner="ana")


async def hand_in(world, upload=None, *, corpus=None, by="ana"):
    async with world.database.write_as(world.person(by)) as conn:
        return await accept(
            conn,
            upload or hers(),
            tenant_id=world.tenant_id,
            corpus=corpus or world.corpus,
            by=by,
        )


# Uploads ------------------------------------------------------------------------------------


async def test_who_was_deleted_hands_in_nothing_with_a_key_that_was_looked_at_before(
    world, deletion, ana
):
    await deletion.delete_person(ana, report=quiet)
    with pytest.raises(Refused, match="deleted"):
        await hand_in(world)
    assert await count(world, "document") == 0


async def test_an_upload_that_is_open_at_the_end_goes_with_its_person(world, deletion, ana):
    async with world.database.write_as(ana) as conn:
        await accept(conn, hers(), tenant_id=world.tenant_id, corpus=world.corpus, by="ana")
        going = asyncio.create_task(deletion.delete_person(ana, report=quiet))
        await until_it_waits(world)
        assert not going.done()
    assert (await going).documents == 1
    assert await count(world, "document") == 0


async def test_an_upload_into_a_corpus_that_goes_meanwhile_is_told_so(world, deletion, ana):
    await deletion.delete_corpus(world.corpus, tenant_id=world.tenant_id, report=quiet)
    with pytest.raises(Missing, match="corpus"):
        await hand_in(world)


async def test_what_else_is_added_at_the_end_makes_it_busy(world, deletion, ana):
    new = world.person("late")
    async with world.database.as_worker(world.tenant_id) as conn:
        await put_principal(conn, new)
        going = asyncio.create_task(deletion.delete_tenant(world.tenant_id, report=quiet))
        await until_it_waits(world)
    with pytest.raises(Busy):
        await going
    await deletion.delete_tenant(world.tenant_id, report=quiet)


# The worker and the operator ------------------------------------------------------------------


async def test_the_operator_sees_nothing_of_what_is_hidden(world, deletion, ana, in_small_batches):
    await documents_of(world, "ana", 4)
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute("SELECT id FROM document ORDER BY id DESC LIMIT 1")
        [[hidden]] = await rows.fetchall()
    await kill(world, deletion, ana)
    for table in ("document", "revision", "passage", "embedding", "posting", "job"):
        assert await count(world, table) == 0, table
    with pytest.raises(Missing):
        await deletion.delete_document(hidden, tenant_id=world.tenant_id, by=None)
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(Missing):
            await delete(conn, tenant_id=world.tenant_id, document_id=hidden, by=None)
        assert not await enqueue_reindex(conn, tenant_id=world.tenant_id, corpus_id=world.corpus.id)
    await deletion.delete_person(ana, report=quiet)
    assert await sums(world) == (0, 0)


async def test_what_is_handed_in_anew_is_not_called_a_copy_of_what_is_hidden(
    world, deletion, ana, in_small_batches
):
    await documents_of(world, "ana", 4)
    await kill(world, deletion, ana)
    for name in ("ana-3.txt", "other.txt"):
        with pytest.raises(Conflict, match="being deleted"):
            await world.upload(name, "ana wrote 3.")


async def test_work_on_hidden_documents_is_not_begun(world, deletion, ana, in_small_batches):
    await documents_of(world, "ana", 4)
    await world.upload("ana-3.txt", "A newer version.", owner="ana")
    await kill(world, deletion, ana, documents_only=True)
    async with world.database.as_worker() as conn:
        assert await jobs.claim(conn) is None


# Attachments and traces -------------------------------------------------------------------------


async def test_what_its_owner_may_not_see_goes_with_the_mail_and_is_counted(world, deletion, ana):
    outer, inner, innermost = await mail(world)
    secret = access(groups=["board"])
    other = await world.add("board.txt", "Of the board.", readers=secret, owner="ana")
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE document SET parent_id = %s WHERE id = %s", (outer, other))
    start = begun(world.tenant_id)
    passage = await passage_of(world, other)
    await add_traces(world.database, [answered(start, passages=(passage,))])
    receipt = await deletion.delete_document(outer, tenant_id=world.tenant_id, by=ana)
    assert (receipt.documents, set(receipt.attachments)) == (4, {inner, innermost, other})
    assert {e.store: e.count for e in receipt.stores}["trace_answer"] == 1
    assert await sums(world) == (0, 0)
    assert (await read(world, start.id))[0].answer is None


@pytest.mark.parametrize("which", [1, 2])
async def test_what_came_in_a_held_mail_is_held(world, urls, which):
    ids = await mail(world)
    await hold(world, document_id=ids[0])
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(psycopg.errors.RestrictViolation):
            await conn.execute("DELETE FROM document WHERE id = %s", (ids[which],))
        await conn.rollback()


# Holds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", ["person", "corpus", "document"])
async def test_a_hold_that_is_placed_meanwhile_waits_for_the_deletion_and_keeps_the_rest(
    world, deletion, ana, on
):
    await documents_of(world, "ana", 1)
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute("SELECT id FROM document")
        [[document]] = await rows.fetchall()
        await delete(conn, tenant_id=world.tenant_id, document_id=document, by=None)
        target = {
            "person": {"user_id": "ana"},
            "corpus": {"corpus_id": world.corpus.id},
            "document": {"document_id": document},
        }[on]
        holding = asyncio.create_task(hold(world, **target))
        await asyncio.sleep(0.3)
        assert not holding.done()
    if on == "document":
        with pytest.raises(Missing):
            await holding
    else:
        await holding


async def test_a_deletion_waits_for_a_hold_that_is_being_placed(world, deletion, ana):
    await documents_of(world, "ana", 1)
    async with world.database.as_worker(world.tenant_id) as conn:
        await add_hold(
            conn, tenant_id=world.tenant_id, reason="?", by="operator", corpus_id=world.corpus.id
        )
        going = [
            asyncio.create_task(deletion.delete_person(ana, report=quiet)),
            asyncio.create_task(world.upload("ana-0.txt", "A new version.", owner="ana")),
        ]
        await asyncio.sleep(0.3)
        assert not any(each.done() for each in going)
    for each in going:
        with pytest.raises(Conflict, match="legal hold"):
            await each
    assert await names(world, ana) == {"ana-0.txt"}


async def test_a_hold_on_what_is_hidden_gives_it_back_and_the_rest_goes(
    world, deletion, ana, in_small_batches
):
    await documents_of(world, "ana", 6)
    await documents_of(world, "bo", 1)
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute("SELECT id FROM document WHERE owner = 'ana' ORDER BY id DESC")
        kept = [document for (document,) in (await rows.fetchall())[:2]]
    await world.upload("ana-5.txt", "A newer version.", owner="ana")
    await kill(world, deletion, ana)
    placed = [await hold(world, document_id=document) for document in kept]
    with pytest.raises(Conflict, match=str(placed[0])):
        await deletion.delete_person(ana, report=quiet)
    bo = world.person("bo")
    assert await names(world, bo) == {"ana-4.txt", "ana-5.txt", "bo-0.txt"}
    assert (await found(world, bo)).visible_passages == 3
    assert await sums(world) == (3, 3)
    async with world.database.as_worker() as conn:
        assert await jobs.claim(conn) is not None  # the newer version waited, and goes on
    async with world.database.as_worker(world.tenant_id) as conn:
        for each in placed:
            await lift_hold(conn, tenant_id=world.tenant_id, hold_id=each, by="operator")
    receipt = await deletion.delete_person(ana, report=quiet)
    assert receipt.documents == {e.store: e.count for e in receipt.stores}["document"] == 6
    assert await names(world, bo) == {"bo-0.txt"}


async def test_a_hold_is_lifted_by_who_no_longer_sees_its_document(world, deletion, ana):
    document = await world.add("a.txt", "Alpha.", owner="ana")
    lea = world.person("lea", groups=["legal-hold"])
    async with world.database.write_as(lea) as conn:
        placed = await add_hold(
            conn, tenant_id=world.tenant_id, reason="?", by="lea", document_id=document
        )
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE acl_grant SET subject = 'group:board'")
    async with world.database.write_as(lea) as conn:
        await lift_hold(conn, tenant_id=world.tenant_id, hold_id=placed, by="lea")
    async with world.database.as_worker(world.tenant_id) as conn:
        assert await list_holds(conn, tenant_id=world.tenant_id) == []


# Two deletions ----------------------------------------------------------------------------------


async def test_the_wider_deletion_ends_the_narrower(world, deletion, ana, in_small_batches):
    await documents_of(world, "ana", 6)
    await kill(world, deletion, ana, documents_only=True)
    receipt = await deletion.delete_person(ana, report=quiet)
    assert receipt.documents == 4
    async with world.database.as_worker(world.tenant_id) as conn:
        receipts = await list_receipts(conn, tenant_id=world.tenant_id)
    assert [each.finished_at is None for each in receipts] == [False, False]


async def test_the_narrower_deletion_leaves_the_wider_open(world, deletion, ana, in_small_batches):
    await documents_of(world, "ana", 4)
    await kill(world, deletion, ana)
    await deletion.delete_person(ana, documents_only=True, report=quiet)
    async with world.database.as_worker(world.tenant_id) as conn:
        receipts = await list_receipts(conn, tenant_id=world.tenant_id)
    assert {each.scope: each.finished_at is None for each in receipts} == {
        "person": True,
        "documents of a person": False,
    }
    await deletion.delete_person(ana, report=quiet)


async def test_deletions_that_overlap_end_all(world, deletion, ana, in_small_batches):
    await documents_of(world, "ana", 6)
    await documents_of(world, "bo", 6)
    receipts = await asyncio.gather(
        deletion.delete_person(ana, documents_only=True, report=quiet),
        deletion.delete_corpus(world.corpus, tenant_id=world.tenant_id, report=quiet),
        deletion.delete_person(world.person("bo"), report=quiet),
    )
    counts = [{e.store: e.count for e in each.stores}.get("document", 0) for each in receipts]
    assert sum(counts) == 12
    assert await count(world, "document", deleting=True) == 0


# What a role may do --------------------------------------------------------------------------


def as_ana(world, url):
    conn = psycopg.connect(url)
    for name, value in (
        ("tenant", str(world.tenant_id)),
        ("user", "ana"),
        ("subjects", "{user:ana,group:everyone}"),
        ("clearance", "1000"),
    ):
        conn.execute("SELECT set_config(%s, %s, false)", [f"roadworthy.{name}", value])
    return conn


async def test_nobody_writes_a_receipt_himself(world, urls, ana):
    with as_ana(world, urls.app) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(
            "INSERT INTO deletion_receipt (tenant_id, id, scope, subject, requested_by,"
            " requested_at, documents, attachments, stores, finished_at)"
            " VALUES (%s, %s, 'document', '', 'ana', now(), 1, '{}', '[]', now())",
            [world.tenant_id, uuid.uuid4()],
        )


async def test_of_holds_in_another_tenant_nothing_is_told(world, urls, ana, deletion):
    other = await another_world(world.database)
    document = await other.add("a.txt", "Alpha.")
    await hold(other, document_id=document)
    with as_ana(world, urls.app) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(
            "INSERT INTO revision (tenant_id, id, document_id, corpus_id, acl_id, content_hash,"
            " content, state, created_at)"
            " VALUES (%s, %s, %s, 1, 1, sha256(''), '', 'pending', %s)",
            [other.tenant_id, uuid.uuid4(), document, now()],
        )


@pytest.mark.parametrize("name", ["operator", "(deleted)"])
async def test_nobody_is_called_what_receipts_call_others(world, name):
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(Invalid, match="nobody may be called"):
            await put_principal(conn, world.person(name))
        await conn.rollback()
