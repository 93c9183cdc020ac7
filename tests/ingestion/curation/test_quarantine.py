"""What is kept back is not found, is listed with its reason, and waits for a person."""

import pytest

from roadworthy.core.errors import Conflict, Missing, Refused
from roadworthy.corpus.access import access
from roadworthy.corpus.documents import find_document, list_documents
from roadworthy.corpus.reviews import decide, held_back, list_reviews
from roadworthy.corpus.verdicts import list_removals, list_verdicts
from roadworthy.plumbing.jobs import enqueue
from tests.ingestion.curation.documents import prose

pytestmark = pytest.mark.anyio

SECRET = f"{prose(1)}\nPassword: Tr0ub4dor&3zz\n"
BANNER = "We use cookies to improve your visit.\nAccept all cookies or choose your settings."


async def found(world, word="harbour"):
    """Say in how many passages a word is found, by words and by vectors."""
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await conn.execute(
            "SELECT (SELECT count(*) FROM posting WHERE tenant_id = %(tenant)s),"
            "       (SELECT count(*) FROM embedding WHERE tenant_id = %(tenant)s),"
            "       (SELECT count(*) FROM passage WHERE tenant_id = %(tenant)s"
            "                                       AND text ~ %(word)s),"
            "       (SELECT coalesce(sum(passages), 0) FROM passage_count"
            "         WHERE tenant_id = %(tenant)s)",
            {"tenant": world.tenant_id, "word": word},
        )
        return list(await rows.fetchone())


async def document(world, document_id):
    async with world.database.as_worker(world.tenant_id) as conn:
        return await find_document(conn, tenant_id=world.tenant_id, document_id=document_id)


async def review(intake, document_id, decision, *, by="operator", person=None):
    world = intake.world
    of = {"tenant_id": world.tenant_id, "document_id": document_id}
    opened = (
        world.database.write_as(person) if person else world.database.as_worker(world.tenant_id)
    )
    async with opened as conn:
        revision_id = await decide(conn, **of, decision=decision, reason="I say so.", by=by)
        if revision_id:
            await enqueue(conn, **of, kind="ingest", revision_id=revision_id)
    await intake.work()


async def test_what_is_kept_back_is_found_nowhere(intake):
    kept = await intake.add("a.txt", SECRET)
    assert await found(intake.world) == [0, 0, 0, 0]
    shown = await document(intake.world, kept)
    assert shown.state == "quarantined"
    assert "1 password" in shown.problem
    assert "Tr0ub4dor" not in repr(shown)
    async with intake.world.database.as_worker(intake.world.tenant_id) as conn:
        stored = await conn.execute("SELECT text FROM revision WHERE document_id = %s", (kept,))
        assert await stored.fetchall() == [(None,)]


async def test_every_check_has_its_verdict(intake):
    kept = await intake.add("a.txt", SECRET)
    async with intake.world.database.as_worker(intake.world.tenant_id) as conn:
        said = await list_verdicts(conn, tenant_id=intake.world.tenant_id, document_id=kept)
        [listed] = await list_documents(conn, tenant_id=intake.world.tenant_id, state="quarantined")
        why = await held_back(conn, [kept], tenant_id=intake.world.tenant_id)
    assert [each.check for each in said] == sorted(
        ["boilerplate", "exact_duplicates", "injection", "language", "near_duplicates",
         "personal_data", "quality", "secrets"]
    )  # fmt: skip
    assert all(each.reason for each in said)
    assert listed.id == kept
    assert "1 password" in why[kept]


async def test_what_is_released_is_found_and_stays_so(intake):
    kept = await intake.add("a.txt", SECRET)
    await review(intake, kept, "release")
    assert (await document(intake.world, kept)).state == "ready"
    assert (await found(intake.world))[2] > 0
    async with intake.world.database.as_worker(intake.world.tenant_id) as conn:
        of = {"tenant_id": intake.world.tenant_id, "document_id": kept}
        [decided] = await list_reviews(conn, **of)
        said = {each.check: each for each in await list_verdicts(conn, **of)}
    assert (decided.overruled, decided.decided_by) == (["secrets"], "operator")
    assert said["secrets"].outcome == "flagged"


async def test_what_is_rejected_stays_out_also_when_it_is_handed_in_again(intake):
    kept = await intake.add("a.txt", SECRET)
    await review(intake, kept, "reject")
    await intake.add("a.txt", prose(2))
    await intake.add("a.txt", SECRET)
    shown = await document(intake.world, kept)
    assert (shown.state, "I say so." in shown.problem) == ("ready", True)
    assert (await found(intake.world, "Tr0ub4dor"))[2] == 0


@pytest.mark.parametrize("decision", [None, "reject"])
@pytest.mark.parametrize(("name", "owner"), [("a.txt", "operator"), ("b.txt", "bo")])
async def test_whoever_hands_in_what_is_kept_back_is_told_so(intake, decision, name, owner):
    kept = await intake.add("a.txt", SECRET)
    if decision:
        await review(intake, kept, decision)
    receipt = await intake.world.upload(name, SECRET, owner=owner)
    assert (receipt.outcome, receipt.document_id) == ("quarantined", kept)


async def test_the_version_before_stays_while_a_newer_one_waits(intake):
    kept = await intake.add("a.txt", prose(3))
    before = await found(intake.world)
    await intake.add("a.txt", SECRET)
    shown = await document(intake.world, kept)
    assert (shown.state, shown.problem.startswith("The newer version: ")) == ("ready", True)
    assert await found(intake.world) == before
    await review(intake, kept, "release")
    assert (await document(intake.world, kept)).problem is None
    assert (await found(intake.world, "Tr0ub4dor"))[2] == 1


async def test_its_owner_and_reviewers_decide_and_nobody_else(intake):
    world = intake.world
    await intake.policy(reviewers=["audit"])
    kept = [
        await intake.add(f"{n}.txt", SECRET + prose(n + 10), owner="ana", readers=access())
        for n in range(3)
    ]
    with pytest.raises(Refused):
        await review(intake, kept[0], "release", by="bo", person=world.person("bo"))
    auditor = world.person("cy", groups={"audit"})
    await review(intake, kept[0], "release", by="cy", person=auditor)
    await review(intake, kept[1], "reject", by="ana", person=world.person("ana"))
    assert [(await document(world, each)).state for each in kept] == [
        "ready",
        "rejected",
        "quarantined",
    ]
    with pytest.raises(Conflict):
        await review(intake, kept[0], "release", by="cy", person=auditor)


async def test_who_may_not_read_it_may_not_decide(intake):
    world = intake.world
    await intake.policy(reviewers=["audit"])
    kept = await intake.add("a.txt", SECRET, readers=access(groups=["legal"]))
    with pytest.raises(Missing):
        await review(intake, kept, "release", by="cy", person=world.person("cy", groups={"audit"}))


async def test_frames_of_files_are_taken_out_and_recorded(intake):
    made = [
        await intake.add(f"{n}.txt", f"{BANNER}\n\n{prose(n)}\n\n{prose(n + 100)}")
        for n in range(7)
    ]
    world = intake.world
    async with world.database.as_worker(world.tenant_id) as conn:
        taken = await list_removals(conn, tenant_id=world.tenant_id, document_id=made[-1])
    assert "\n".join(removal.text for removal in taken) == BANNER
    assert (await found(world, "cookies"))[2] == 5  # of the files before it was known for a frame


async def test_masked_values_are_found_nowhere(intake):
    await intake.policy(contact_data="mask", secrets="mask")
    await intake.add("a.txt", SECRET + "Write to ada@example.org.")
    assert (await found(intake.world, "Tr0ub4dor|ada@"))[2] == 0
    assert (await found(intake.world, r"\[email\]"))[2] == 1


async def test_another_language_than_expected_is_kept_back(intake):
    await intake.policy(languages=["fr"])
    kept = await intake.add("a.txt", "The council decided to repair the old bridge. " * 5)
    assert "expects fr" in (await document(intake.world, kept)).problem
