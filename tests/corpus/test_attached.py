"""What came attached to a document is read by the same people, and goes when it goes."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import pytest

from roadworthy.core.errors import Conflict, Missing
from roadworthy.corpus.access import access
from roadworthy.corpus.attached import file_attached
from roadworthy.corpus.documents import list_documents
from roadworthy.corpus.ownership import delete, reshare
from roadworthy.corpus.publishing import publish, read_pending
from roadworthy.plumbing import jobs
from tests.world import extract

pytestmark = pytest.mark.anyio

LEGAL, HR = access(groups=["legal"]), access(groups=["hr"])
COUNTED = """
SELECT acl_id, language, analysis, passages, terms FROM passage_count WHERE passages > 0
EXCEPT
SELECT acl_id, language, analysis, count(*), sum(term_count) FROM passage GROUP BY 1, 2, 3
"""
LEFT = """
SELECT (SELECT count(*) FROM document), (SELECT count(*) FROM revision),
       (SELECT count(*) FROM passage), (SELECT count(*) FROM posting),
       (SELECT count(*) FROM embedding), (SELECT coalesce(sum(passages), 0) FROM passage_count)
"""


@dataclass(frozen=True)
class Part:
    name: str
    content: bytes
    media_type: str = "text/plain"


def parts(**texts):
    return [Part(f"{name}.txt", text.encode()) for name, text in texts.items()]


async def rows(world, query):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await (await conn.execute(query)).fetchall()


async def filed(world, mail, files):
    """File what is attached and publish all of it."""
    found = await filing(world, mail, files)
    await world.publish_all()
    return found


async def filing(world, mail, files):
    """File what is attached, as the worker does."""
    async with world.database.as_worker(world.tenant_id) as conn:
        found = await file_attached(conn, files, tenant_id=world.tenant_id, document_id=mail)
        for document_id, revision_id in found.to_read:
            await jobs.enqueue(
                conn,
                tenant_id=world.tenant_id,
                kind="ingest",
                document_id=document_id,
                revision_id=revision_id,
            )
    return found


async def sharing(world, mail, wanted):
    async with world.database.as_worker(world.tenant_id) as conn:
        await reshare(conn, tenant_id=world.tenant_id, document_id=mail, wanted=wanted, by=None)


async def working(world):
    """Do one job, unless it is taken over."""
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    with suppress(Missing, Conflict):
        async with world.database.as_worker(world.tenant_id) as conn:
            if lease is not None:
                pending = await read_pending(conn, lease)
                await publish(conn, lease, extract(pending.content.decode(), world.space))
                await jobs.complete(conn, lease)


@pytest.fixture
async def mail(world):
    """A mail for the group legal with two files."""
    document = await world.add("m.eml", "The mail.", readers=LEGAL, metadata={"deal": "heron"})
    await filed(world, document, parts(offer="The offer.", plan="The plan."))
    return document


async def names(world, *groups):
    who = world.person("ana", groups=groups)
    async with world.database.read_as(who) as conn:
        found = await list_documents(conn, tenant_id=world.tenant_id)
    return sorted(each.name for each in found)


ALL = ["m.eml", "m.eml/offer.txt", "m.eml/plan.txt"]


async def test_an_attachment_has_the_readers_the_owner_and_the_metadata_of_its_mail(world, mail):
    assert (await names(world, "legal"), await names(world, "hr")) == (ALL, [])
    async with world.database.read_as(world.person(groups=["legal"])) as conn:
        found = await list_documents(conn, tenant_id=world.tenant_id)
    attached = [each for each in found if each.parent_id == mail]
    assert [(a.state, a.owner, a.metadata) for a in attached] == [
        ("ready", "operator", {"deal": "heron"})
    ] * 2


async def test_it_is_shared_with_its_mail_and_never_alone(world, mail):
    await sharing(world, mail, HR)
    assert (await names(world, "legal"), await names(world, "hr")) == ([], ALL)
    assert await rows(world, COUNTED) == []
    [[attached]] = await rows(world, "SELECT id FROM document WHERE name = 'm.eml/plan.txt'")
    async with world.database.as_worker(world.tenant_id) as conn:
        with pytest.raises(Conflict, match="attached to document"):
            await reshare(
                conn, tenant_id=world.tenant_id, document_id=attached, wanted=LEGAL, by=None
            )
        with pytest.raises(Conflict, match="attached to document"):
            await delete(conn, tenant_id=world.tenant_id, document_id=attached, by=None)


async def test_an_owner_shares_and_deletes_it_with_his_mail(world):
    ana = world.person("ana", groups=["legal", "hr"])
    await world.put(ana)
    document = await world.add("m.eml", "The mail.", readers=LEGAL, owner="ana")
    await filed(world, document, parts(plan="The plan."))
    async with world.database.write_as(ana) as conn:
        await reshare(conn, tenant_id=world.tenant_id, document_id=document, wanted=HR, by="ana")
    assert await names(world, "hr") == ["m.eml", "m.eml/plan.txt"]
    async with world.database.write_as(ana) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=document, by="ana")
    assert await rows(world, LEFT) == [(0, 0, 0, 0, 0, 0)]


async def test_it_goes_with_its_mail_from_every_table(world, mail):
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=mail, by=None)
    assert await rows(world, LEFT) == [(0, 0, 0, 0, 0, 0)]


async def test_a_new_version_keeps_what_it_still_brings_and_drops_the_rest(world, mail):
    before = await rows(world, "SELECT id FROM document WHERE name = 'm.eml/plan.txt'")
    found = await filed(world, mail, parts(plan="The plan.", offer="A better offer."))
    assert len(found.to_read) == 1
    assert await names(world, "legal") == ALL
    assert await rows(world, "SELECT id FROM document WHERE name = 'm.eml/plan.txt'") == before
    await filed(world, mail, [])
    assert await names(world, "legal") == ["m.eml"]
    assert await rows(world, COUNTED) == []


async def test_a_new_version_for_other_eyes_withdraws_what_the_old_one_brought(world, mail):
    await world.upload("m.eml", "Another mail.", readers=HR)
    assert await names(world, "hr") == ["m.eml"]
    assert await names(world, "legal") == []


async def test_new_metadata_of_a_mail_holds_for_what_is_attached(world, mail):
    again = await world.upload("m.eml", "The mail.", readers=LEGAL, metadata={"deal": "kite"})
    assert again.outcome == "updated"
    assert await rows(world, "SELECT DISTINCT metadata FROM document") == [({"deal": "kite"},)]


async def test_two_mails_may_bring_one_file_and_each_takes_its_own_away(world, mail):
    other = await world.add("n.eml", "Another mail.", readers=LEGAL)
    await filed(world, other, parts(plan="The plan."))
    alone = await world.upload("plan.txt", "The plan.", readers=LEGAL)
    assert alone.outcome == "accepted"
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=mail, by=None)
    assert await names(world, "legal") == ["n.eml", "n.eml/plan.txt", "plan.txt"]


async def test_a_name_that_a_document_has_is_left_to_it(world, mail):
    await world.add("m.eml/note.txt", "Somebody's note.", readers=LEGAL)
    found = await filed(
        world, mail, parts(offer="The offer.", plan="The plan.", note="Another note.")
    )
    assert (found.taken, found.to_read) == (["note.txt"], [])
    assert "m.eml/note.txt" in await names(world, "legal")


async def test_an_upload_never_takes_over_an_attachment(world, mail):
    with pytest.raises(Conflict, match="choose another name"):
        await world.upload("m.eml/plan.txt", "Mine now.", readers=LEGAL)


async def test_what_came_for_a_document_deleted_meanwhile_is_dropped(world, mail):
    async with world.database.as_worker(world.tenant_id) as conn:
        await delete(conn, tenant_id=world.tenant_id, document_id=mail, by=None)
    with pytest.raises(Missing):
        await filed(world, mail, parts(plan="The plan."))


async def test_changes_that_meet_do_not_hold_each_other_up_and_leave_true_counts(world, mail):
    for n in range(12):
        files = parts(plan=f"The plan {n % 3}.", offer="The offer.")
        await asyncio.gather(
            sharing(world, mail, (LEGAL, HR)[n % 2]), filing(world, mail, files), working(world)
        )
    await world.publish_all()
    assert await rows(world, COUNTED) == []
    assert await rows(world, "SELECT count(DISTINCT acl_id), count(*) FROM document") == [(1, 3)]
