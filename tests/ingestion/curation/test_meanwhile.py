"""Between looking at a document and publishing it, others come, go, and change their readers."""

import asyncio

import pytest

from roadworthy.corpus.access import access
from roadworthy.corpus.alikes import enter
from roadworthy.corpus.ownership import reshare
from roadworthy.corpus.quarantine import read_subject
from roadworthy.corpus.reviews import decide, held_back
from roadworthy.corpus.verdicts import list_verdicts
from roadworthy.deletion.holds import add_hold
from roadworthy.ingestion.curation.service import examine, make_way, write
from roadworthy.plumbing.jobs import Turn, enqueue
from tests.ingestion.curation.documents import document, edition, prose
from tests.ingestion.curation.looking import count, shown, state, verdict

pytestmark = pytest.mark.anyio

LEGAL = access(groups=["legal"])
SECRET = "\nPassword: Tr0ub4dor&3zz\n"


async def claimed(intake, name, text, **kwargs):
    """Hand a document in, and claim its job, whatever other tests have left."""
    receipt = await intake.world.upload(name, text, **kwargs)
    while (lease := await intake.service.claim(Turn.URGENT)).document_id != receipt.document_id:
        pass
    return receipt.document_id, lease


async def examined(intake, lease, text):
    return await examine(intake.world.database, lease, document(text))


async def written(intake, lease, curation):
    async with intake.world.database.as_worker(intake.world.tenant_id) as conn:
        await make_way(conn, lease, curation)
        await write(conn, lease, curation)


async def moved(intake, document_id, *, readers=LEGAL):
    world = intake.world
    async with world.database.as_worker(world.tenant_id) as conn:
        await reshare(
            conn, tenant_id=world.tenant_id, document_id=document_id, wanted=readers, by=None
        )


async def released(intake, document_id):
    of = {"tenant_id": intake.world.tenant_id, "document_id": document_id}
    async with intake.world.database.as_worker(intake.world.tenant_id) as conn:
        revision_id = await decide(conn, **of, decision="release", reason="Both.", by="operator")
        await enqueue(conn, **of, kind="ingest", revision_id=revision_id)
    await intake.work()


async def held(intake, document_id):
    async with intake.world.database.as_worker(intake.world.tenant_id) as conn:
        await add_hold(
            conn,
            tenant_id=intake.world.tenant_id,
            reason="A case.",
            by="operator",
            document_id=document_id,
        )


async def test_the_later_of_two_waits_for_the_earlier_and_sees_it(intake):
    leases = [(await claimed(intake, f"{n}.txt", edition(n)))[1] for n in (1, 2)]
    world = intake.world
    async with world.database.as_worker(world.tenant_id) as conn:
        acl_id = (await read_subject(conn, leases[0])).acl_id
        of = {"acl_id": acl_id, "bands": [1, 2], "packed": b"x", "dated_at": None}

        async def enter_later():
            async with world.database.as_worker(world.tenant_id) as other:
                return await enter(
                    other, tenant_id=world.tenant_id, revision_id=leases[1].revision_id, **of
                )

        await enter(conn, tenant_id=world.tenant_id, revision_id=leases[0].revision_id, **of)
        later = asyncio.create_task(enter_later())
        done, _ = await asyncio.wait({later}, timeout=0.3)
        assert not done
    assert [found.revision_id for found in await later] == [leases[0].revision_id]


async def test_of_two_that_are_read_at_once_one_is_left(intake):
    made = [await claimed(intake, f"{n}.txt", edition(n)) for n in range(4)]
    await asyncio.gather(*(intake.service.do(lease) for _, lease in made))
    states = [await state(intake.world, document_id) for document_id, _ in made]
    assert sorted(states) == ["quarantined"] * 3 + ["ready"]


async def test_a_version_that_was_withdrawn_goes_when_a_newer_is_published(intake):
    old = await intake.add("a.txt", edition(1))
    _, newer = await claimed(intake, "a.txt", prose(7))
    _, rival = await claimed(intake, "b.txt", edition(2))
    await intake.service.do(rival)
    assert await state(intake.world, old) == "quarantined"
    await intake.service.do(newer)
    assert await count(intake.world, "revision", old) == 1
    async with intake.world.database.as_worker(intake.world.tenant_id) as conn:
        assert await held_back(conn, [old], tenant_id=intake.world.tenant_id) == {}


@pytest.mark.parametrize("which", ["winner", "loser"])
async def test_who_has_other_readers_by_now_keeps_its_place(intake, which):
    loser = await intake.add("a.txt", edition(1))
    winner, lease = await claimed(intake, "b.txt", edition(2))
    curation = await examined(intake, lease, edition(2))
    await moved(intake, {"winner": winner, "loser": loser}[which])
    await written(intake, lease, curation)
    assert await state(intake.world, loser) == "ready"


async def test_new_readers_are_told_nothing_of_whom_it_was_compared_with(intake):
    world = intake.world
    await intake.add("a.txt", edition(1), readers=LEGAL)
    winner, lease = await claimed(intake, "b.txt", edition(2), readers=LEGAL)
    curation = await examined(intake, lease, edition(2))
    await moved(intake, winner, readers=access())
    await written(intake, lease, curation)
    async with world.database.read_as(world.person("eve")) as conn:
        seen = await list_verdicts(conn, tenant_id=world.tenant_id, document_id=winner)
    assert "secrets" in {each.check for each in seen}
    assert "near_duplicates" not in {each.check for each in seen}


async def test_what_comes_under_a_hold_meanwhile_stays_and_so_does_the_newer(intake):
    loser = await intake.add("a.txt", edition(1))
    winner, lease = await claimed(intake, "b.txt", edition(2))
    curation = await examined(intake, lease, edition(2))
    await held(intake, loser)
    await written(intake, lease, curation)
    assert await state(intake.world, loser) == "ready"
    assert (await verdict(intake.world, winner)).outcome == "flagged"


async def test_of_two_held_ones_the_newer_stays_whoever_asks(intake):
    old, first = await claimed(intake, "a.txt", edition(1))
    new, second = await claimed(intake, "b.txt", edition(2))
    for document_id in (old, new):
        await held(intake, document_id)
    await examined(intake, first, edition(1))
    assert not (await examined(intake, second, edition(2))).is_kept_back
    assert (await examined(intake, first, edition(1))).is_kept_back


async def test_what_is_kept_back_itself_takes_nobodys_place(intake):
    old, first = await claimed(intake, "a.txt", prose(1))
    new, second = await claimed(intake, "b.txt", prose(1) + SECRET)
    assert (await examined(intake, second, prose(1) + SECRET)).is_kept_back
    await intake.service.do(first)
    assert await state(intake.world, old) == "ready"
    await intake.service.do(second)
    assert [await state(intake.world, each) for each in (old, new)] == ["ready", "quarantined"]


async def test_who_gave_way_to_one_that_fails_is_read_again(intake):
    old, first = await claimed(intake, "a.txt", edition(1))
    new, second = await claimed(intake, "b.txt", edition(2))
    await examined(intake, second, edition(2))
    await intake.service.do(first)
    assert await state(intake.world, old) == "quarantined"
    await intake.service.put_back(second, kind="invalid", problem="Its model refuses it.")
    await intake.work()
    assert [await state(intake.world, each) for each in (old, new)] == ["ready", "failed"]


async def test_what_was_released_gives_way_to_no_later_version(intake):
    old = await intake.add("a.txt", edition(1))
    new = await intake.add("b.txt", edition(2))
    await released(intake, old)
    await intake.add("b.txt", edition(3))
    third = await intake.add("c.txt", edition(4))
    states = [await state(intake.world, each) for each in (old, new, third)]
    assert states == ["ready", "quarantined", "ready"]


async def test_releases_for_different_reasons_add_up(intake):
    old = await intake.add("a.txt", prose(1) + SECRET)
    await released(intake, old)
    await intake.add("b.txt", prose(1))
    assert await state(intake.world, old) == "quarantined"
    await released(intake, old)
    assert await state(intake.world, old) == "ready"
    said = [await verdict(intake.world, old, each) for each in ("secrets", "near_duplicates")]
    assert [each.outcome for each in said] == ["flagged", "flagged"]


async def test_of_what_is_withdrawn_no_text_is_left(intake):
    head = "The harbour works of Acme\n\n"
    framed = [
        f"We thank our sponsors and their many partners.\n\n{prose(n)}" for n in range(20, 26)
    ]
    for number, text in enumerate(framed):
        await intake.add(f"frame/{number}.txt", text)
    text = f"We thank our sponsors and their many partners.\n\n{head}{edition(1)}"
    old = await intake.add("folder/a.md", text)
    world = intake.world
    assert await count(world, "removal", old) == 1
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE document SET authors = '{Ada}' WHERE id = %s", (old,))
    await intake.add("folder/b.md", f"{head}{edition(2)}")
    found = await shown(world, old)
    assert (found.state, found.title, list(found.authors)) == ("quarantined", "a.md", [])
    for table in ("passage", "posting", "embedding", "removal", "golden_probe"):
        assert await count(world, table, old) == 0, table
