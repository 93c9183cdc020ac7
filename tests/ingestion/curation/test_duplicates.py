"""Of nearly the same documents one stays, and nobody learns of one that he may not read."""

import json

import pytest

from roadworthy.corpus.access import access
from roadworthy.corpus.documents import find_document, list_documents
from roadworthy.corpus.ownership import reshare
from roadworthy.corpus.verdicts import list_verdicts
from roadworthy.deletion.holds import add_hold
from tests.ingestion.curation.documents import edition, prose
from tests.ingestion.curation.looking import passages, state, verdict

pytestmark = pytest.mark.anyio


async def test_the_newer_of_one_owner_takes_the_place(intake):
    world = intake.world
    old, new = [await intake.add(f"{n}.txt", edition(n)) for n in (1, 2)]
    assert [await state(world, each) for each in (old, new)] == ["quarantined", "ready"]
    lost, won = await verdict(world, old), await verdict(world, new)
    assert (lost.outcome, won.outcome) == ("quarantined", "flagged")
    assert (lost.about, won.about) == (new, old)
    assert "newer" in lost.reason
    assert await passages(world, old) == 0


async def test_the_better_source_stays(intake):
    await intake.policy(keep="source", sources=["official/"])
    best = await intake.add("official/a.txt", edition(1))
    worse = await intake.add("drafts/a.txt", edition(2))
    assert await state(intake.world, best) == "ready"
    assert await state(intake.world, worse) == "quarantined"
    assert "better source" in (await verdict(intake.world, worse)).reason


async def test_nobody_withdraws_the_document_of_another(intake):
    first = await intake.add("a.txt", edition(1), owner="ana")
    second = await intake.add("b.txt", edition(2), owner="bo")
    assert await state(intake.world, first) == "ready"
    assert await state(intake.world, second) == "quarantined"


async def test_what_came_in_a_held_mail_stays(intake):
    world = intake.world
    mail, attached = await intake.add("mail.txt", prose(3)), await intake.add("a.txt", edition(1))
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE document SET parent_id = %s WHERE id = %s", (mail, attached))
        held = {"tenant_id": world.tenant_id, "document_id": mail}
        await add_hold(conn, **held, reason="a dispute", by="operator")
    newer = await intake.add("b.txt", edition(2))
    assert [await state(world, each) for each in (attached, newer)] == ["ready", "quarantined"]
    assert "legal hold" in (await verdict(world, newer)).reason


MAIL = (
    "From: ana@example.org\nSubject: The plan\nMIME-Version: 1.0\n"
    'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\n'
    "{}\n--b\nContent-Type: text/plain\n"
    'Content-Disposition: attachment; filename="plan.txt"\n\n{}\n--b--\n'
)


async def test_what_came_with_a_mail_stays_with_it(intake):
    world = intake.world
    for number in (1, 2):
        await intake.add(f"{number}.eml", MAIL.format(f"Mail {number}.", edition(number)))
    await intake.add("3.eml", MAIL.format(prose(9), prose(9)))
    async with world.database.as_worker(world.tenant_id) as conn:
        found = await list_documents(conn, tenant_id=world.tenant_id)
    assert {each.name: each.state for each in found} == dict.fromkeys(
        ("1.eml", "1.eml/plan.txt", "2.eml", "2.eml/plan.txt", "3.eml", "3.eml/plan.txt"), "ready"
    )


async def test_other_texts_and_other_readers_are_no_duplicates(intake):
    made = [
        await intake.add("a.txt", edition(1)),
        await intake.add("b.txt", prose(2)),
        await intake.add("c.txt", edition(2), readers=access(groups=["legal"])),
    ]
    assert {await state(intake.world, each) for each in made} == {"ready"}
    assert (await verdict(intake.world, made[2])).reason == "No near duplicate was found."


async def test_a_new_version_of_a_document_is_no_duplicate_of_it(intake):
    document = await intake.add("a.txt", edition(1))
    assert await intake.add("a.txt", edition(2)) == document
    assert await state(intake.world, document) == "ready"


@pytest.mark.parametrize(("policy", "outcome"), [("flag", "flagged"), ("allow", "pass")])
async def test_both_stay_when_the_policy_says_so(intake, policy, outcome):
    await intake.policy(near_duplicates=policy)
    made = [await intake.add(f"{n}.txt", edition(n)) for n in (1, 2)]
    assert {await state(intake.world, each) for each in made} == {"ready"}
    assert (await verdict(intake.world, made[1])).outcome == outcome


async def test_of_many_that_wait_together_one_is_left(intake):
    receipts = [await intake.world.upload(f"{n}.txt", edition(n)) for n in range(5)]
    await intake.work()
    states = [await state(intake.world, each.document_id) for each in receipts]
    assert states == ["quarantined"] * 4 + ["ready"]


async def test_who_reads_one_of_two_later_learns_nothing_of_the_other(intake):
    """A document changes hands after it was found to be nearly the same as another."""
    world, legal = intake.world, access(groups=["legal"])
    old, new = [await intake.add(f"{n}.txt", edition(n), readers=legal) for n in (1, 2)]
    async with world.database.as_worker(world.tenant_id) as conn:
        await reshare(conn, tenant_id=world.tenant_id, document_id=old, wanted=access(), by=None)
    seen = {}
    for groups in ((), ("legal",)):
        of = {"tenant_id": world.tenant_id, "document_id": old}
        async with world.database.read_as(world.person("eve", groups=groups)) as conn:
            document = await find_document(conn, **of)
            found = await list_verdicts(conn, **of)
        seen[groups] = (document.problem, {each.check: each for each in found})
    assert "near_duplicates" not in seen[()][1]
    assert str(new) not in repr(seen[()])
    assert "same" not in json.dumps(seen[()][0])
    assert seen[("legal",)][1]["near_duplicates"].about == new


async def test_a_copy_is_stored_once_and_counted(intake):
    first = await intake.add("a.txt", prose(1))
    assert (await verdict(intake.world, first, "exact_duplicates")).figures == {"copies": 0}
    for name in ("b.txt", "c.txt"):
        receipt = await intake.world.upload(name, prose(1))
        assert (receipt.outcome, receipt.document_id) == ("duplicate", first)
    found = await verdict(intake.world, first, "exact_duplicates")
    assert found.figures == {"copies": 2}
    assert "other names" in found.reason
