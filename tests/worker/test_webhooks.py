"""A worker that is killed while it tells a receiver lets another one tell it: at least once."""

import signal
from dataclasses import replace

import anyio
import pytest

from roadworthy.answering import later, webhooks
from roadworthy.answering.records import Asked
from roadworthy.gateway.chat import Message
from tests.doubles.receiver import HANG, running_receiver
from tests.worker.test_worker import rows, until

__all__ = ["rows"]
pytestmark = pytest.mark.anyio

# Of no release: it ends at once.
ASKED = Asked(
    turns=[Message(role="user", content="What is the plan?")], surface="answers", release="none"
)
EXPIRE = "UPDATE webhook SET run_at = now() WHERE run_at IS NOT NULL RETURNING 1"
STATES = "SELECT state, attempts FROM webhook"


@pytest.fixture
def receiver():
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def cli(cli, receiver):
    told = {
        "ROADWORTHY_WEBHOOK_ORIGINS": receiver.origin,
        "ROADWORTHY_WEBHOOK_KEY": "drawn by chance, of 32 characters",
    }
    return replace(cli, environ=cli.environ | told)


async def test_killed_while_it_tells_it_is_told_again(cli, world, rows, receiver):
    ana = world.person()
    await world.put(ana)
    receiver.plan.append(HANG)
    async with world.database.write_as(ana) as conn:
        kept = await later.keep(conn, ana, ASKED)
        url = f"{receiver.origin}/answers"
        await webhooks.keep(conn, ana, question_id=kept, url=url, origin=receiver.origin)
    with cli.running("worker") as worker:
        assert await anyio.to_thread.run_sync(receiver.came.wait, 40)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert rows(STATES) == [("waiting", 1)]
    rows(EXPIRE)
    with cli.running("worker"):
        await until(lambda: rows(STATES) == [("delivered", 2)])
    assert [each.headers["webhook-id"] for each in receiver.told] == [str(kept)] * 2
