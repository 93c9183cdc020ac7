"""Who asks for later may be told when it is there: signed, at least once, at allowed places."""

import asyncio
import json
import re
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from roadworthy.answering import later, webhooks
from roadworthy.api.app import create_app
from roadworthy.plumbing import webhooks as sending
from roadworthy.plumbing.webhooks import Sender, secret_of
from roadworthy.worker.questions import answer_next
from roadworthy.worker.webhooks import tell_due
from tests.doubles.receiver import ENDLESS, HANG, running_receiver

pytestmark = pytest.mark.anyio

DOCS = Path(__file__).parents[2] / "docs" / "reference" / "answers.md"
KEY = "drawn by chance, of 32 characters"
LATER = {"question": "What is the plan?", "async": True}
HUSH = "hush-hush"
DUE = "UPDATE webhook SET run_at = now() WHERE run_at IS NOT NULL"
ROWS = "SELECT url, state, attempts FROM webhook WHERE tenant_id = %s"


@pytest.fixture(autouse=True)
async def _nothing_waits(opened_services):
    async with opened_services.database.as_worker() as conn:
        await conn.execute("DELETE FROM kept_question")


@pytest.fixture
def receiver():
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def door(door, receiver):
    told = {"webhook_origins": (receiver.origin,), "webhook_key": SecretStr(KEY)}
    settings = door.services.settings.model_copy(update=told)
    services = replace(door.services, settings=settings)
    return replace(door, services=services, app=create_app(services))


@pytest.fixture
async def sender(receiver):
    sender = Sender(key=KEY, origins=(receiver.origin,))
    yield sender
    await sender.close()


async def left(client, receiver, **also) -> str:
    webhook = {"url": f"{receiver.origin}/answers?token={HUSH}"}
    response = await client.post("/v1/answers", json=LATER | {"webhook": webhook} | also)
    assert (response.status_code, response.json()["webhook"]) == (202, "waiting")
    return response.headers["location"]


async def answered(door):
    assert await answer_next(door.services)


async def tell(door, sender, *, at_once=True):
    """Let the time of all pauses pass, and tell."""
    async with door.services.database.as_worker() as conn:
        if at_once:
            await conn.execute(DUE)
    await tell_due(door.services.database, sender)


async def state(client, kept) -> str:
    return (await client.get(kept)).json()["webhook"]


async def rows(door) -> list[tuple]:
    async with door.services.database.as_worker() as conn:
        return await (await conn.execute(ROWS, [door.world.tenant_id])).fetchall()


def is_genuine(told, tenant_id) -> bool:
    """Check it as the documentation says."""
    example = re.findall(r"```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)[-1]
    names = {}
    exec(example, names)  # noqa: S102 - our own documentation
    return names["is_genuine"](told.headers, told.body, secret_of(KEY, tenant_id=tenant_id))


async def test_the_receiver_is_told_that_it_is_there(client, door, plan, receiver, sender):
    kept = await left(client, receiver)
    await tell(door, sender)
    assert receiver.told == []  # it has not ended
    await answered(door)
    await tell_due(door.services.database, sender)
    [told] = receiver.told
    body, found = json.loads(told.body), (await client.get(kept)).json()
    ended = {"id": kept[-36:], "state": "done", "problem_kind": None}
    assert body == {"type": "answer.done", "timestamp": found["finished_at"], "data": ended}
    assert (told.headers["webhook-id"], found["webhook"]) == (kept[-36:], "delivered")
    assert is_genuine(told, door.world.tenant_id)
    assert not is_genuine(told, door.world.tenant_id + 1)
    assert not is_genuine(replace(told, body=told.body + b" "), door.world.tenant_id)


async def test_what_failed_is_told_too(client, door, receiver, sender):
    await left(client, receiver, release="none")
    await answered(door)
    await tell(door, sender)
    body = json.loads(receiver.told[0].body)
    assert (body["type"], body["data"]["problem_kind"]) == ("answer.failed", "missing")


@pytest.mark.parametrize("status", [500, 404, 429, 302, 307, HANG])
async def test_it_is_told_again_until_it_works(
    client, door, plan, receiver, sender, status, monkeypatch
):
    monkeypatch.setattr(sending, "SEND_S", 0.3)
    receiver.plan.extend([status, status])
    kept = await left(client, receiver)
    await answered(door)
    for seen in ("waiting", "waiting", "delivered"):
        await tell(door, sender)
        assert await state(client, kept) == seen
    assert [each.path for each in receiver.told] == [f"/answers?token={HUSH}"] * 3
    assert {each.headers["webhook-id"] for each in receiver.told} == {kept[-36:]}
    assert len({each.body for each in receiver.told}) == 1


async def test_between_two_tries_is_a_pause(client, door, plan, receiver, sender):
    receiver.plan.append(500)
    await left(client, receiver)
    await answered(door)
    await tell(door, sender)
    async with door.services.database.as_worker() as conn:
        await conn.execute("UPDATE webhook SET run_at = greatest(run_at, now() + interval '1 s')")
    await tell(door, sender, at_once=False)
    assert len(receiver.told) == 1


async def test_trying_has_an_end(client, door, plan, receiver, sender):
    receiver.plan.extend([500] * 99)
    kept = await left(client, receiver)
    await answered(door)
    for _ in range(20):
        await tell(door, sender)
    assert (len(receiver.told), await state(client, kept)) == (17, "failed")


async def test_one_that_kills_its_workers_is_given_up(client, door, plan, receiver, sender):
    kept = await left(client, receiver)
    await answered(door)
    async with door.services.database.as_worker() as conn:
        await conn.execute("UPDATE webhook SET attempts = 17")
    await tell(door, sender)
    assert (receiver.told, await state(client, kept)) == ([], "failed")


async def test_a_receiver_that_wants_no_more_hears_no_more(client, door, plan, receiver, sender):
    receiver.plan.append(410)
    kept = await left(client, receiver)
    await answered(door)
    await tell(door, sender)
    await tell(door, sender)
    assert (len(receiver.told), await state(client, kept)) == (1, "failed")


async def test_what_follows_the_status_is_not_read(client, door, plan, receiver, sender):
    receiver.plan.append(ENDLESS)
    kept = await left(client, receiver)
    await answered(door)
    await tell(door, sender)
    assert await state(client, kept) == "delivered"


async def test_a_sender_that_is_stopped_sends_it_again(client, door, plan, receiver, sender):
    receiver.plan.append(HANG)
    kept = await left(client, receiver)
    await answered(door)
    telling = asyncio.create_task(tell_due(door.services.database, sender))
    await asyncio.to_thread(receiver.came.wait, 10)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    await tell_due(door.services.database, sender)
    assert len(receiver.told) == 1  # it may be on its way yet
    await tell(door, sender)
    assert await state(client, kept) == "delivered"
    assert [each.headers["webhook-id"] for each in receiver.told] == [kept[-36:]] * 2


async def test_who_told_it_late_takes_nothing_back(client, door, plan, receiver, sender):
    receiver.plan.append(500)
    kept = await left(client, receiver)
    await answered(door)
    async with door.services.database.as_worker() as conn:
        lost = await webhooks.claim(conn, origins=[receiver.origin])
    receiver.plan.clear()
    await tell(door, sender)
    async with door.services.database.as_worker() as conn:
        await webhooks.put_back(conn, lost)
        await webhooks.finish(conn, lost, state="failed")
    assert await state(client, kept) == "delivered"


async def test_slow_receivers_keep_no_other_waiting(door, plan, receiver):
    with running_receiver() as other:
        allowed = (receiver.origin, other.origin)
        settings = door.services.settings.model_copy(update={"webhook_origins": allowed})
        services = replace(door.services, settings=settings)
        async with replace(door, app=create_app(services)).client(await door.key()) as client:
            for where in (*[receiver] * 5, other):
                await left(client, where)
        for _ in range(6):
            await answered(door)
    taken = []
    async with door.services.database.as_worker() as conn:
        while lease := await webhooks.claim(conn, origins=allowed):
            taken.append(lease.origin)
    assert sorted(taken[:2]) == sorted(allowed)
    assert sorted(taken) == sorted([receiver.origin, other.origin, receiver.origin])


async def test_what_is_allowed_no_more_is_not_told(client, door, plan, receiver):
    kept = await left(client, receiver)
    await answered(door)
    sender = Sender(key=KEY, origins=("https://hooks.example.com",))
    await tell(door, sender)
    await sender.close()
    assert (receiver.told, await state(client, kept)) == ([], "waiting")


async def test_the_address_is_forgotten_and_never_logged(
    client, door, plan, receiver, sender, capsys
):
    receiver.plan.append(500)
    await left(client, receiver)
    await answered(door)
    await tell(door, sender)
    assert [each[1:] for each in await rows(door)] == [("waiting", 1)]
    await tell(door, sender)
    assert await rows(door) == [(None, "delivered", 2)]
    logged = capsys.readouterr().out
    assert '"status": 500' in logged
    assert HUSH not in logged
    assert KEY not in logged
    assert "whsec" not in logged


async def test_it_goes_with_its_asker(client, door, plan, receiver):
    await left(client, receiver)
    async with door.services.database.as_worker(door.world.tenant_id) as conn:
        await conn.execute("DELETE FROM api_key")
        await conn.execute("DELETE FROM principal WHERE user_id = 'ana'")
    assert await rows(door) == []


async def test_it_goes_with_the_answer(client, door, plan, receiver, monkeypatch):
    await left(client, receiver)
    await answered(door)
    async with door.services.database.as_worker() as conn:
        await conn.execute("UPDATE kept_question SET finished_at = finished_at - interval '9 days'")
        await later.drop_old(conn, tenant_id=door.world.tenant_id)
    assert await rows(door) == []


async def test_nobody_sees_where_others_are_told(client, door, receiver):
    await left(client, receiver)
    ben = door.world.person("ben")
    async with door.services.database.read_as(ben) as conn:
        assert await (await conn.execute("SELECT state FROM webhook")).fetchall() == []
    async with door.services.database.write_as(ben) as conn:
        [row] = await rows(door)
        assert row
        with pytest.raises(Exception, match="row-level security"):
            await webhooks.keep(conn, ben, question_id=uuid.uuid4(), url="x", origin="y")


@pytest.mark.parametrize(
    "also",
    [
        {"webhook": {"url": "https://hooks.example.com/"}},
        {"webhook": {"url": "http://169.254.169.254/latest/meta-data"}},
        {"webhook": {"url": ""}},
        {"webhook": {}},
        {"webhook": "https://hooks.example.com/"},
    ],
)
async def test_what_is_not_allowed_is_refused_and_not_kept(client, door, also):
    assert (await client.post("/v1/answers", json=LATER | also)).status_code == 422
    async with door.services.database.as_worker() as conn:
        assert await later.claim(conn) is None


async def test_who_waits_is_not_told(client, receiver):
    asked = {"question": "What is the plan?", "webhook": {"url": receiver.origin}}
    assert (await client.post("/v1/answers", json=asked)).status_code == 422


async def test_it_is_off_until_it_is_allowed(opened_services, door):
    app = create_app(opened_services)
    async with replace(door, app=app).client(await door.key()) as client:
        asked = LATER | {"webhook": {"url": "https://hooks.example.com/"}}
        refused = await client.post("/v1/answers", json=asked)
    assert (refused.status_code, "webhook_origins" in refused.text) == (422, True)
