"""Answer the questions that nobody waits for on a connection, several at a time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from typing import cast

import structlog

from roadworthy.answering import later
from roadworthy.answering.later import LEASE, QuestionLease
from roadworthy.answering.records import Answer, Event
from roadworthy.bootstrap import Services
from roadworthy.core.errors import Busy, Conflict, Refused, RoadworthyError, Unavailable
from roadworthy.corpus.directory import tenant_ids
from roadworthy.corpus.people import find_principal, is_valid_key
from roadworthy.gateway.calls import Call
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.deadlines import Deadline
from roadworthy.plumbing.retries import BUG
from roadworthy.plumbing.tasks import cancelled
from roadworthy.worker.chores import telling

AT_ONCE = 4
LOOK_EVERY_S = 1.0
PAUSE_WHEN_DOWN_S = 5.0

log = structlog.get_logger(__name__)


async def answer_questions(services: Services, *, stop: asyncio.Event) -> None:
    """Answer until `stop` is set; what is being answered may end, or is given back if cancelled."""
    async with AsyncExitStack() as stack:
        answering = [asyncio.create_task(_answer_on(services, stop)) for _ in range(AT_ONCE)]
        for task in answering:
            stack.push_async_callback(cancelled, task)
        await asyncio.wait(answering)


async def drop_old_questions(database: Database) -> None:
    """Delete what was kept long enough, of each tenant whatever another's meets."""
    async with database.as_worker() as conn:
        tenants = await tenant_ids(conn)
    for tenant_id in tenants:
        with telling("old questions stay", tenant_id):
            async with database.as_worker(tenant_id) as conn:
                await later.drop_old(conn, tenant_id=tenant_id)


async def _answer_on(services: Services, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            pause = 0.0 if await answer_next(services) else LOOK_EVERY_S
        except (Unavailable, Busy) as error:
            log.warning("questions wait", problem=error.message)
            pause = PAUSE_WHEN_DOWN_S
        except Exception:  # the last resort: a loop that ends is missed by nobody
            log.exception("a mistake of ours; questions are answered on")
            pause = PAUSE_WHEN_DOWN_S
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def answer_next(services: Services) -> bool:
    """Answer the question whose turn it is; tell whether there was one."""
    async with services.database.as_worker() as conn:
        lease = await later.claim(conn)
    if lease is None:
        return False
    calls: list[Call] = []
    if later.is_worn_out(lease):
        await _put_back(services.database, lease, kind=BUG, calls=calls)
        return True
    try:
        async with _prolonged(services.database, lease):
            await _answer(services, lease, on_call=calls.append)
    except asyncio.CancelledError:
        await _put_back(services.database, lease, kind=None, calls=calls)
        raise
    except Conflict:  # it was made from what has changed or gone: answered again from what is there
        await _put_back(services.database, lease, kind=Busy.kind, calls=calls)
    except RoadworthyError as error:
        told = error.facts.get("retry_after_s")
        told_s = told if isinstance(told, int | float) else 0.0
        await _put_back(services.database, lease, kind=error.kind, calls=calls, told_s=told_s)
    except Exception:  # the last resort: one bad question must not stop the others
        log.exception("a question ended in a bug", question=str(lease.id))
        await _put_back(services.database, lease, kind=BUG, calls=calls)
    return True


async def _answer(
    services: Services, lease: QuestionLease, *, on_call: Callable[[Call], None]
) -> None:
    tenant_id, key_id = lease.tenant_id, lease.question.key_id
    async with services.database.as_worker(tenant_id) as conn:
        if key_id and not await is_valid_key(conn, tenant_id=tenant_id, key_id=key_id):
            raise Refused("The key that asked has been revoked or has expired; ask with another.")
        # As he is now: a group that he has left since admits him no more.
        asker = await find_principal(conn, tenant_id=tenant_id, user_id=lease.user_id)
    deadline = Deadline.after(services.settings.later_timeout_s)
    events = services.answering.answer(asker, lease.question, deadline=deadline, on_call=on_call)
    answer = None
    async with aclosing(cast("AsyncGenerator[Event]", events)) as told:
        async for event in told:
            if isinstance(event, Answer):
                answer = event
    assert answer is not None, "the last event is the answer"
    async with services.database.as_worker(tenant_id) as conn:
        await later.complete(conn, lease, answer)


@asynccontextmanager
async def _prolonged(database: Database, lease: QuestionLease) -> AsyncIterator[None]:
    """Hold a question while the block runs, however long; cancel the block when it is lost.

    Raises:
        Conflict: another worker has taken it over.
    """
    held = asyncio.timeout(None)

    async def prolong() -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            try:
                async with database.as_worker() as conn:
                    if await later.prolong(conn, lease):
                        continue
            except (Unavailable, Busy) as error:
                log.warning("a question is not held", problem=error.message)
                continue
            held.reschedule(asyncio.get_running_loop().time())
            return

    try:
        async with held:
            prolonging = asyncio.create_task(prolong())
            try:
                yield
            finally:
                await cancelled(prolonging)
    except TimeoutError as error:
        if not held.expired():
            raise
        raise Conflict("The question was taken over by another worker.") from error


async def _put_back(
    database: Database,
    lease: QuestionLease,
    *,
    kind: str | None,
    calls: Sequence[Call],
    told_s: float = 0.0,
) -> None:
    with suppress(Conflict):  # another worker has it
        async with database.as_worker() as conn:
            if kind is None:
                await later.give_back(conn, lease)
            else:
                is_paid = any(call.is_taken_up for call in calls)
                await later.put_back(conn, lease, kind=kind, is_paid=is_paid, told_s=told_s)
