"""A question may be left here: a worker answers it as its asker, who alone reads the answer."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from roadworthy.answering import later
from roadworthy.core.clock import now
from roadworthy.corpus.access import access
from roadworthy.corpus.people import list_keys, revoke_key
from roadworthy.gateway.lanes import Rate
from roadworthy.plumbing.tasks import cancelled
from roadworthy.traces import budgets
from roadworthy.traces.budgets import Budget, put_budget
from roadworthy.worker import questions
from roadworthy.worker.questions import (
    AT_ONCE,
    answer_next,
    answer_questions,
    drop_old_questions,
)
from tests.api.conftest import open_services
from tests.doubles.model_server import Behaviour

pytestmark = pytest.mark.anyio

LATER = {"question": "What is the plan?", "async": True}
WAIT = "SELECT run_at - now() FROM kept_question"
NO_OTHER_LIMIT = {"soft_usd": None, "hard_usd": None, "soft_tokens": None}
FINISHED_LONG_AGO = "UPDATE kept_question SET finished_at = %s WHERE id = %s"


@pytest.fixture(autouse=True)
async def _nothing_waits(opened_services):
    """Let no test answer what another one asked."""
    async with opened_services.database.as_worker() as conn:
        await conn.execute("DELETE FROM kept_question")


async def left(client, asked=LATER) -> str:
    response = await client.post("/v1/answers", json=asked)
    assert response.status_code == 202
    assert response.headers["location"] == f"/v1/answers/{response.json()['id']}"
    return response.headers["location"]


async def read(client, kept) -> dict:
    return (await client.get(kept)).json()


async def tried(door, client, kept, *, times) -> dict:
    for _ in range(times):
        assert (await read(client, kept))["state"] == "queued"
        async with door.services.database.as_worker() as conn:
            await conn.execute("UPDATE kept_question SET run_at = now()")
        await answer_next(door.services)
    return await read(client, kept)


async def test_it_is_answered_like_any_other(client, door, plan):
    kept = await left(client)
    assert (await read(client, kept))["state"] == "queued"
    assert await answer_next(door.services)
    found = await read(client, kept)
    assert found["state"] == "done"
    assert found["answer"]["citations"][0]["document_id"] == str(plan)
    at_once = (await client.post("/v1/answers", json={"question": LATER["question"]})).json()
    assert found["answer"]["text"] == at_once["text"]


async def test_only_its_asker_reads_it(client, door, plan):
    kept = await left(client)
    await answer_next(door.services)
    async with door.client(await door.key("ben")) as other:
        assert (await other.get(kept)).status_code == 404


async def test_what_the_asker_may_no_longer_read_is_kept_from_him(door, world):
    await world.add(
        "secret.txt", "The plan is to leave.", owner="eve", readers=access(groups=["a"])
    )
    async with door.client(await door.key("ana", groups=["a"])) as client:
        kept = await left(client)
        await answer_next(door.services)
        assert (await read(client, kept))["answer"]["citations"]
        await world.put(world.person("ana"))
        found = await read(client, kept)
    assert (found["state"], found["answer"]) == ("done", None)


async def test_a_group_that_was_left_before_it_is_answered_admits_no_more(door, world):
    await world.add(
        "secret.txt", "The plan is to leave.", owner="eve", readers=access(groups=["a"])
    )
    async with door.client(await door.key("ana", groups=["a"])) as client:
        kept = await left(client)
        await world.put(world.person("ana"))
        await answer_next(door.services)
        assert (await read(client, kept))["answer"]["outcome"] == "abstained"


async def test_a_deletion_takes_the_answer_along(client, door, plan, world):
    kept = await left(client)
    await answer_next(door.services)
    receipt = (await client.delete(f"/v1/documents/{plan}")).json()
    assert {each["store"]: each["count"] for each in receipt["stores"]}["kept_answer"] == 1
    assert (await read(client, kept))["answer"] is None
    async with world.database.as_worker(world.tenant_id) as conn:
        rows = await (await conn.execute("SELECT body FROM kept_answer")).fetchall()
    assert rows == []


async def test_what_is_wrong_with_it_is_told_by_its_kind(client, door, plan):
    kept = await left(client, LATER | {"release": "none"})
    await answer_next(door.services)
    found = await read(client, kept)
    assert (found["state"], found["problem_kind"], found["answer"]) == ("failed", "missing", None)


async def test_while_a_model_is_down_it_waits(client, door, plan, models, generating, world):
    models.pieces = []  # an empty answer is no answer
    kept = await left(client, LATER | {"release": generating})
    await answer_next(door.services)
    assert (await read(client, kept))["state"] == "queued"
    models.pieces = ["The plan [1]."]
    async with world.database.as_worker() as conn:
        await conn.execute("UPDATE kept_question SET run_at = now()")
    await answer_next(door.services)
    assert (await read(client, kept))["answer"]["text"] == "The plan [1]."


@pytest.mark.parametrize(
    ("limits", "state"),
    [({"answer_timeout_s": 1}, "done"), ({"later_timeout_s": 1}, "queued")],
)
async def test_it_may_take_longer_than_anybody_waits_but_not_for_ever(
    client, door, plan, models, generating, urls, model_server, limits, state
):
    models.pieces, models.pause_s = ["The plan ", "[1]."], 2
    kept = await left(client, LATER | {"release": generating})
    home = door.services.settings.home
    async with open_services(urls, model_server.url, home, **limits) as opened:
        assert await answer_next(opened)
    assert (await read(client, kept))["state"] == state


async def test_a_worker_that_is_stopped_gives_it_back(client, door, plan, models, generating):
    models.pieces, models.pause_s = ["The plan is to leave [1]. "] * 600, 0.1
    kept = await left(client, LATER | {"release": generating})
    answering = asyncio.create_task(answer_next(door.services))
    async with asyncio.timeout(30):
        while (await read(client, kept))["state"] != "running":  # noqa: ASYNC110 (of the database)
            await asyncio.sleep(0.01)
    await cancelled(answering)
    assert (await read(client, kept))["state"] == "queued"
    models.pieces, models.pause_s = ["The plan [1]."], 0
    assert await answer_next(door.services)
    assert (await read(client, kept))["state"] == "done"


async def test_what_a_dead_worker_had_begun_is_answered_by_another(client, door, plan, world):
    kept = await left(client)
    async with world.database.as_worker() as conn:
        lost = await later.claim(conn)
        assert not await answer_next(door.services)
        await conn.execute("UPDATE kept_question SET leased_until = now() - interval '1 s'")
    assert await answer_next(door.services)
    assert (await read(client, kept))["state"] == "done"
    async with world.database.as_worker() as conn:
        assert not await later.prolong(conn, lost)


async def test_who_has_lost_it_to_another_stops_writing(
    client, door, plan, models, generating, monkeypatch
):
    monkeypatch.setattr(questions, "LEASE", timedelta(seconds=0.3))
    models.pieces, models.pause_s = ["The plan is to leave [1]. "] * 600, 0.1
    await left(client, LATER | {"release": generating})
    answering = asyncio.create_task(answer_next(door.services))
    asked = await models.until_asked("/chat/completions")
    async with door.services.database.as_worker() as conn:
        await conn.execute("UPDATE kept_question SET lease = gen_random_uuid()")
    async with asyncio.timeout(5):
        assert await answering
        assert await asyncio.to_thread(asked.is_left.wait, 5)


async def test_a_key_that_was_revoked_since_asks_no_model(
    client, door, plan, models, generating, world
):
    kept = await left(client, LATER | {"release": generating})
    async with world.database.as_worker(world.tenant_id) as conn:
        [key] = await list_keys(conn, tenant_id=world.tenant_id)
        await revoke_key(conn, tenant_id=world.tenant_id, key_id=key.id)
    await answer_next(door.services)
    async with door.client(await door.key()) as with_another_key:
        found = await read(with_another_key, kept)
    assert (found["state"], found["problem_kind"]) == ("failed", "refused")
    assert not models.requests("/chat/completions")


async def test_a_key_that_has_expired_since_is_none_either(client, door, plan, world):
    kept = await left(client)
    async with world.database.as_worker(world.tenant_id) as conn:
        await conn.execute("UPDATE api_key SET expires_at = now()")
    await answer_next(door.services)
    async with door.client(await door.key()) as with_another_key:
        assert (await read(with_another_key, kept))["problem_kind"] == "refused"


async def test_no_more_wait_than_there_is_room_for(client, monkeypatch):
    monkeypatch.setattr(later, "MOST_WAITING", 1)
    await left(client)
    refused = await client.post("/v1/answers", json=LATER)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "15")


async def test_it_is_kept_for_some_days(client, door, plan, world):
    kept = await left(client)
    await answer_next(door.services)
    await drop_old_questions(world.database)
    assert (await client.get(kept)).status_code == 200
    async with world.database.as_worker() as conn:
        await conn.execute(FINISHED_LONG_AGO, (now() - later.KEPT, uuid.UUID(kept[-36:])))
    await drop_old_questions(world.database)
    assert (await client.get(kept)).status_code == 404


@pytest.mark.parametrize("also", [{"stream": True}, {"timeout_s": 5}])
async def test_who_does_not_wait_has_no_stream_and_no_patience(client, also):
    assert (await client.post("/v1/answers", json=LATER | also)).status_code == 422


async def test_what_has_cost_something_is_tried_five_times(client, door, plan, models, generating):
    models.pieces = []  # an empty answer is no answer
    kept = await left(client, LATER | {"release": generating})
    found = await tried(door, client, kept, times=5)
    assert (found["state"], found["problem_kind"]) == ("failed", "unavailable")
    assert len(models.requests("/chat/completions")) == 5


async def test_what_costs_nothing_is_tried_more_often(client, door, plan, models, generating):
    models.key = "another"
    kept = await left(client, LATER | {"release": generating})
    assert (await tried(door, client, kept, times=7))["state"] == "queued"


@pytest.fixture
def spent_minute(door, monkeypatch):
    """Let the model endpoint be asked as much as it may be, for a minute."""
    rate = Rate(1)
    rate.spend()
    monkeypatch.setattr(door.services.router.lanes["chat"], "_rate", rate)


async def test_however_often_its_turn_has_not_come_it_stays_in_line(
    client, door, plan, generating, spent_minute
):
    kept = await left(client, LATER | {"release": generating})
    assert (await tried(door, client, kept, times=35))["state"] == "queued"
    assert not await answer_next(door.services)
    async with door.services.database.as_worker() as conn:
        [(wait,)] = await (await conn.execute(WAIT)).fetchall()
    assert wait > timedelta(seconds=30)  # as the endpoint's limit told


@pytest.mark.parametrize(
    ("period", "ends_in", "state"),
    [("day", timedelta(hours=2), "queued"), ("month", timedelta(days=9), "failed")],
)
async def test_the_end_of_a_spent_budget_is_waited_for_where_it_is_near(
    client, door, plan, generating, world, monkeypatch, period, ends_in, state
):
    end = now() + ends_in
    monkeypatch.setattr(budgets, "period_end", lambda *_: end)
    budget = Budget(scope="tenant", name="", period=period, hard_tokens=0, **NO_OTHER_LIMIT)
    async with world.database.as_worker(world.tenant_id) as conn:
        await put_budget(conn, budget, tenant_id=world.tenant_id)
    kept = await left(client, LATER | {"release": generating})
    assert (await tried(door, client, kept, times=1))["state"] == state
    async with door.services.database.as_worker() as conn:
        [(wait,)] = await (await conn.execute(WAIT)).fetchall()
    assert state == "failed" or wait > timedelta(hours=1)


async def test_nobody_stands_in_line_for_longer_than_a_day(
    client, door, plan, generating, spent_minute
):
    kept = await left(client, LATER | {"release": generating})
    async with door.services.database.as_worker() as conn:
        await conn.execute("UPDATE kept_question SET created_at = %s", [now() - later.IN_LINE])
    found = await tried(door, client, kept, times=1)
    assert (found["state"], found["problem_kind"]) == ("failed", "busy")


async def test_one_that_nobody_understands_keeps_no_other_waiting(client, door, plan, world):
    odd = await left(client)
    async with world.database.as_worker() as conn:
        await conn.execute("UPDATE kept_question SET asked = '{}'")
    kept = await left(client)
    assert await answer_next(door.services)
    assert await answer_next(door.services)
    assert [(await read(client, each))["state"] for each in (odd, kept)] == ["queued", "done"]


async def test_what_no_database_holds_is_replaced(client, door, models, generating, plan):
    models.pieces = ["The\0plan [1]."]
    kept = await left(client, LATER | {"release": generating})
    await answer_next(door.services)
    assert (await read(client, kept))["answer"]["text"] == "The\ufffdplan [1]."


async def test_who_is_told_to_stop_begins_no_further_question(client, door, plan, models):
    models.plan.append(Behaviour(delay_s=1))
    kept, stop = [await left(client) for _ in range(AT_ONCE + 1)], asyncio.Event()
    answering = asyncio.create_task(answer_questions(door.services, stop=stop))
    await models.until_asked("/embeddings")
    stop.set()
    await answering
    states = [(await read(client, each))["state"] for each in kept]
    assert sorted(states) == ["done"] * AT_ONCE + ["queued"]
