"""A dead letter is read, replayed or dropped by who may: its document's owner, or the operator."""

import pytest

from roadworthy.core.errors import Conflict, Missing, Refused, RoadworthyError
from roadworthy.corpus.access import access
from roadworthy.corpus.documents import find_document
from roadworthy.corpus.publishing import mark_failed
from roadworthy.corpus.reindex_jobs import enqueue_reindex
from roadworthy.deletion.holds import add_hold
from roadworthy.ingestion.queue import drop_job, failed_jobs, list_jobs, retry_job
from roadworthy.plumbing import jobs

pytestmark = pytest.mark.anyio

PROBLEM = "it is broken"
CHANGES = [retry_job, drop_job]


async def fail(world, name="plan.txt", text="The plan.", **kwargs):
    """Upload a text whose job fails; give the job's id."""
    await world.upload(name, text, owner="ana", **kwargs)
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    async with world.database.as_worker(world.tenant_id) as conn:
        await mark_failed(conn, lease, problem=PROBLEM)
        await jobs.fail(conn, lease, problem=PROBLEM)
    return lease.id


async def change(world, verb, job_id, *, by="ana"):
    if by is None:
        async with world.database.as_worker(world.tenant_id) as conn:
            await verb(conn, tenant_id=world.tenant_id, job_id=job_id, by=None)
    else:
        async with world.database.write_as(world.person(by)) as conn:
            await verb(conn, tenant_id=world.tenant_id, job_id=job_id, by=by)


async def listed(world, person="ana", **kwargs):
    async with world.database.read_as(world.person(person)) as conn:
        return await list_jobs(conn, tenant_id=world.tenant_id, **kwargs)


async def document(world, job_id):
    async with world.database.as_worker(world.tenant_id) as conn:
        state = await jobs.job_state(conn, tenant_id=world.tenant_id, job_id=job_id)
        return await find_document(conn, tenant_id=world.tenant_id, document_id=state.document_id)


async def test_a_dead_letter_keeps_its_reason(world):
    job_id = await fail(world)
    [letter] = await listed(world, state="failed")
    assert (letter.id, letter.problem, letter.problem_kind) == (job_id, PROBLEM, "invalid")
    assert await listed(world, state="queued") == []


async def test_jobs_are_as_visible_as_their_documents(world):
    await fail(world, readers=access(users=["ana"]))
    assert len(await listed(world, "ana")) == 1
    assert await listed(world, "bo") == []


@pytest.mark.parametrize("by", ["ana", None], ids=["owner", "operator"])
async def test_replayed_it_is_as_new_and_becomes_searchable(world, by):
    job_id = await fail(world)
    await change(world, retry_job, job_id, by=by)
    [again] = await listed(world)
    assert (again.state, again.attempts, again.problem) == ("queued", 0, None)
    assert (await document(world, job_id)).state == "pending"
    await world.publish_all()
    assert (await document(world, job_id)).state == "ready"


@pytest.mark.parametrize("by", ["ana", None], ids=["owner", "operator"])
async def test_dropped_it_is_gone_and_the_document_says_so(world, by):
    job_id = await fail(world)
    found = await document(world, job_id)
    await change(world, drop_job, job_id, by=by)
    assert await listed(world) == []
    async with world.database.as_worker(world.tenant_id) as conn:
        left = await find_document(conn, tenant_id=world.tenant_id, document_id=found.id)
    assert left.state == "failed"
    assert "upload it again" in left.problem


async def test_dropping_an_update_leaves_what_is_searchable(world):
    await world.add("plan.txt", "The plan.", owner="ana")
    job_id = await fail(world, text="The newer plan.")
    found = await document(world, job_id)
    await change(world, drop_job, job_id)
    async with world.database.as_worker(world.tenant_id) as conn:
        left = await find_document(conn, tenant_id=world.tenant_id, document_id=found.id)
    assert (left.state, left.version, left.problem) == ("ready", 1, None)


async def test_a_waiting_job_may_be_dropped(world):
    await world.upload("plan.txt", "The plan.", owner="ana")
    [waiting] = await listed(world)
    await change(world, drop_job, waiting.id)
    assert await listed(world) == []


@pytest.mark.parametrize("verb", CHANGES)
async def test_who_is_not_the_owner_changes_nothing(world, verb):
    job_id = await fail(world)
    with pytest.raises(Refused):
        await change(world, verb, job_id, by="bo")
    [letter] = await listed(world)
    assert letter.state == "failed"


@pytest.mark.parametrize("verb", CHANGES)
async def test_what_may_not_be_read_does_not_exist(world, verb):
    job_id = await fail(world, readers=access(users=["ana"]))
    with pytest.raises(Missing):
        await change(world, verb, job_id, by="bo")


@pytest.mark.parametrize("verb", CHANGES)
async def test_a_job_that_runs_or_is_done_is_left_alone(world, verb):
    await world.upload("plan.txt", "The plan.", owner="ana")
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    with pytest.raises(Conflict):
        await change(world, verb, lease.id)


async def test_the_operators_work_is_not_the_owners_to_drop(world):
    await world.add("plan.txt", "The plan.", owner="ana")
    async with world.database.as_worker(world.tenant_id) as conn:
        await enqueue_reindex(conn, tenant_id=world.tenant_id, corpus_id=world.corpus.id)
    [job] = await listed(world, state="queued")
    with pytest.raises(Refused, match="operator"):
        await change(world, drop_job, job.id)
    await change(world, drop_job, job.id, by=None)
    assert await listed(world, state="queued") == []


async def test_what_was_kept_back_meanwhile_does_not_fail(world):
    """A review of it waits for a decision, and a failure would take it off the list."""
    await world.upload("plan.txt", "The plan.", owner="ana")
    async with world.database.as_worker() as conn:
        lease = await jobs.claim(conn)
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE revision SET state = 'quarantined'")
        await conn.execute("UPDATE document SET state = 'quarantined'")
        await mark_failed(conn, lease, problem=PROBLEM)
        states = await conn.execute("SELECT revision.state, document.state FROM revision, document")
        assert await states.fetchall() == [("quarantined", "quarantined")]


async def test_a_replay_makes_no_second_copy_of_what_is_stored_by_now(world):
    job_id = await fail(world)
    await world.add("other.txt", "The plan.", owner="ana")
    with pytest.raises(Conflict, match="another name"):
        await change(world, retry_job, job_id)


@pytest.mark.parametrize("by", ["ana", None], ids=["owner", "operator"])
async def test_what_is_under_legal_hold_is_not_dropped(world, by):
    job_id = await fail(world)
    found = await document(world, job_id)
    async with world.database.as_worker(world.tenant_id) as conn:
        await add_hold(
            conn, tenant_id=world.tenant_id, document_id=found.id, reason="a dispute", by="operator"
        )
    with pytest.raises(RoadworthyError, match="legal hold"):
        await change(world, drop_job, job_id, by=by)
    assert len(await listed(world)) == 1


async def test_policies_bind_whom_the_code_lets_pass(world):
    """The owner check of the code is not the only one."""
    job_id = await fail(world)
    async with world.database.write_as(world.person("bo")) as conn:
        changed = await conn.execute("UPDATE job SET state = 'queued' WHERE id = %s", [job_id])
        assert changed.rowcount == 0
        for change_ in ("UPDATE revision SET state = 'pending'", "DELETE FROM job"):
            assert (await conn.execute(change_)).rowcount == 0


async def test_all_dead_letters_of_an_owner_are_named(world):
    mine = await fail(world)
    async with world.database.as_worker(world.tenant_id) as conn:
        asked = {"tenant_id": world.tenant_id}
        assert await failed_jobs(conn, owner="ana", **asked) == [mine]
        assert await failed_jobs(conn, owner="bo", **asked) == []
        assert await failed_jobs(conn, owner=None, **asked) == [mine]
