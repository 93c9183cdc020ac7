"""Take jobs one after the other, several at a time: when told of one, and now and then unasked."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Never, Protocol, TypeVar

import structlog

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.plumbing.jobs import Lease, Turn
from roadworthy.plumbing.retries import BUG
from roadworthy.plumbing.tasks import cancelled
from roadworthy.plumbing.transports import Delivery, Inbox, Receiver

# A retry falls due, a lease runs out, a message is lost, a broker is away: nobody tells of that.
LOOK_EVERY_S = 2.0
# The job that we were told of is held for a moment by the relay, which notes that it told.
LOOK_AGAIN_S = 0.1
# Bulk messages fill what a worker may hold, so the express loop looks unasked.
EXPRESS_EVERY_S = 1.0
TURNS = (*[Turn.URGENT] * 7, Turn.OLDEST)
CHORE_EVERY_S = 60.0
DRAIN_S = 8.0  # a job at hand may end; less than the supervisor's patience
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Work(Protocol):
    """What the loops do: jobs of one kind."""

    async def claim(self, turn: Turn) -> Lease | None:
        """Take the job whose turn it is; None when none is due."""
        ...

    async def do(self, lease: Lease) -> None:
        """Do a job to its end, its failure included; cancelled, give it back."""
        ...

    async def put_back(self, lease: Lease, *, kind: str, problem: str) -> None:
        """Let a job wait by the kind of its problem, or fail for good."""
        ...


async def take_turns(
    work: Work,
    heard: Receiver,
    *,
    at_once: int,
    express: int = 1,
    stop: asyncio.Event,
    look_every_s: float = LOOK_EVERY_S,
    drain_s: float = DRAIN_S,
) -> int:
    """Do jobs until `stop` is set; then let those at hand end, and cancel what takes too long.

    Args:
        express: more that are done at once, of urgent jobs only: an upload that somebody waits
            for begins though large documents of a bulk load keep all others busy.

    Returns:
        How many were cancelled, and so given back.
    """
    inbox, nothing = Inbox(most=at_once), Inbox(most=1)
    listening = asyncio.create_task(_listen(heard, inbox))
    loops = [
        *(_loop(work, inbox, TURNS, stop=stop, look_every_s=look_every_s) for _ in range(at_once)),
        *(
            _loop(work, nothing, (Turn.EXPRESS,), stop=stop, look_every_s=EXPRESS_EVERY_S)
            for _ in range(express)
        ),
    ]
    loops = [asyncio.create_task(each) for each in loops]
    await stop.wait()
    _, late = await asyncio.wait(loops, timeout=drain_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    await cancelled(listening)
    return len(late)


async def now_and_then(
    name: str, chore: Callable[[], Awaitable[object]], *, every_s: float = CHORE_EVERY_S
) -> Never:
    """Do what nobody waits for, again and again until cancelled, whatever it meets."""
    while True:
        try:
            await chore()
        except (Unavailable, Busy) as error:
            log.warning("a chore waits", chore=name, problem=error.message)
        except Exception:  # the last resort: a chore that ends is missed by nobody
            log.exception("a mistake of ours; the chore is tried again", chore=name)
        await asyncio.sleep(every_s)


async def _loop(
    work: Work, inbox: Inbox, turns: Sequence[Turn], *, stop: asyncio.Event, look_every_s: float
) -> None:
    following = itertools.cycle(turns)
    pause = FIRST_PAUSE_S
    wait_s = 0.0  # some may have come while nobody listened
    while not stop.is_set():
        try:
            delivery = await _unless(stop, inbox.get(wait_s=wait_s))
            if stop.is_set():
                return
            if await _take(work, delivery, next(following)):
                wait_s = 0.0
            else:
                wait_s = look_every_s if delivery is None else LOOK_AGAIN_S
        except (Unavailable, Busy) as error:
            log.warning("the worker waits", problem=error.message, pause_s=pause)
        except Exception:  # the last resort: a loop that ends is missed by nobody
            log.exception("a mistake of ours; the worker goes on", pause_s=pause)
        else:
            pause = FIRST_PAUSE_S
            continue
        await _unless(stop, asyncio.sleep(pause))
        pause = min(pause * 2, LONGEST_PAUSE_S)


async def _take(work: Work, delivery: Delivery | None, turn: Turn) -> bool:
    """Do the job whose turn it is; tell whether there was one."""
    try:
        lease = await work.claim(turn)
    finally:
        # A lost message changes nothing; one that is kept takes the place of the next.
        if delivery is not None:
            await delivery.ack()
    if lease is None:
        return False
    try:
        await work.do(lease)
    except (Unavailable, Busy):
        raise
    except Exception as error:  # the last resort: one bad job must not stop the others
        log.exception("a job ended in a bug", job=str(lease.id))
        problem = f"A mistake of ours ({type(error).__name__}); the log of the worker tells more."
        await work.put_back(lease, kind=BUG, problem=problem)
    return True


async def _listen(heard: Receiver, inbox: Inbox) -> Never:
    """Listen again whenever the connection was lost; meanwhile the loops look unasked."""
    pause = FIRST_PAUSE_S
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await heard.listen(inbox)
        except Unavailable as error:
            if asyncio.get_running_loop().time() - began > LONGEST_PAUSE_S:
                pause = FIRST_PAUSE_S
            log.warning("not told of jobs", problem=error.message, pause_s=pause)
        except Exception:  # the last resort: a worker that is deaf looks healthy
            log.exception("a mistake of ours; the worker listens again", pause_s=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


async def _unless(stop: asyncio.Event, waiting: Coroutine[Any, Any, T]) -> T | None:
    """Wait, but not beyond `stop`; None when that came first."""
    task, stopping = asyncio.create_task(waiting), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, stopping):
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each
