"""Clients that want vectors have places and a line of their own, and a limit, as who asks does."""

import asyncio
from dataclasses import replace

import pytest

from roadworthy.answering.admission import Admission
from roadworthy.api.app import create_app
from tests.doubles.model_server import Behaviour
from tests.waiting import until
from tests.world import another_world

pytestmark = pytest.mark.anyio
ASKED = {"model": "words", "input": "a"}


def bounded(door, **bounds):
    """Give a door to the same services that does less at once."""
    services = replace(door.services, bounds=replace(door.services.bounds, **bounds))
    return replace(door, services=services, app=create_app(services))


def ask(client):
    return asyncio.create_task(client.post("/v1/embeddings", json=ASKED))


async def test_without_a_place_a_client_is_told_when_to_come_again(door):
    full = Admission(places=0, waiting=0, patience_s=5)
    async with bounded(door, embeddings=full).client(await door.key()) as client:
        response = await ask(client)
    assert (response.status_code, response.headers["retry-after"]) == (429, "5")


async def test_so_many_are_at_the_model_and_the_others_wait(door, client, models):
    models.plan.extend([Behaviour(delay_s=2)] * 2)
    admission = door.services.bounds.embeddings
    asking = [ask(client) for _ in range(5)]
    await until(lambda: (admission.running, admission.waiting) == (2, 3))
    told = (await client.get("/metrics")).text
    assert 'roadworthy_running{what="embeddings"} 2.0' in told
    assert 'roadworthy_waiting{what="embeddings"} 3.0' in told
    assert {(await each).status_code for each in asking} == {200}
    assert (admission.running, admission.waiting) == (0, 0)


async def test_who_asks_for_too_much_sends_away_its_own(door):
    line = Admission(places=0, waiting=2, patience_s=1)
    one = bounded(door, embeddings=line)
    other = replace(one, world=await another_world(door.services.database))
    async with one.client(await one.key()) as many, other.client(await other.key()) as few:
        waits = ask(few)
        await until(lambda: line.waiting)
        asking = [ask(many) for _ in range(2)]
        done, _ = await asyncio.wait({waits, *asking}, return_when=asyncio.FIRST_COMPLETED)
        assert done < {*asking}
        await asyncio.wait({waits, *asking})


async def test_at_the_deadline_the_model_is_left(door, models):
    models.plan.append(Behaviour(delay_s=60))
    async with bounded(door, timeout_s=0.5).client(await door.key()) as client:
        response = await ask(client)
    assert response.status_code == 503
    assert "within 0.5 s" in response.json()["error"]["message"]
    [asked] = models.requests("/embeddings")
    assert await asyncio.to_thread(asked.is_left.wait, 5)


async def test_the_line_counts_towards_the_deadline(door):
    never = Admission(places=0, waiting=1, patience_s=60)
    async with bounded(door, embeddings=never, timeout_s=0.5).client(await door.key()) as client:
        response = await asyncio.wait_for(ask(client), 10)
    assert response.status_code == 503
