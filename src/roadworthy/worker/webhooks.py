"""Tell receivers that questions have ended, beside everything else that a worker does."""

import asyncio
from contextlib import AsyncExitStack
from typing import Never

import structlog

from roadworthy.answering import webhooks
from roadworthy.answering.webhooks import WebhookLease
from roadworthy.bootstrap import Services, opened_sender
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.tasks import cancelled
from roadworthy.plumbing.webhooks import Sender
from roadworthy.worker.loops import now_and_then

AT_ONCE = 8
LOOK_EVERY_S = 1.0
GONE = 410  # a receiver that wants to hear no more

log = structlog.get_logger(__name__)


async def tell_receivers(services: Services) -> Never:
    """Tell until cancelled; what is being sent is sent again later."""
    async with AsyncExitStack() as stack:
        if sender := await stack.enter_async_context(opened_sender(services.settings)):
            for _ in range(AT_ONCE):
                task = asyncio.create_task(_tell_on(services.database, sender))
                stack.push_async_callback(cancelled, task)
        await asyncio.Event().wait()
    raise AssertionError("only a cancellation ends it")


async def tell_due(database: Database, sender: Sender) -> None:
    """Tell one receiver after the other until nothing is due.

    Raises:
        Unavailable, Busy: the database does not answer; nothing is lost.
    """
    while True:
        async with database.as_worker() as conn:
            lease = await webhooks.claim(conn, origins=tuple(sender.origins))
        if lease is None:
            return
        await _tell(database, sender, lease)


async def _tell_on(database: Database, sender: Sender) -> Never:
    async def due() -> None:
        await tell_due(database, sender)

    await now_and_then("tell receivers", due, every_s=LOOK_EVERY_S)


async def _tell(database: Database, sender: Sender, lease: WebhookLease) -> None:
    # No connection to the database is held meanwhile; whoever dies here lets it be told again.
    status = None
    if not lease.is_worn_out:
        status = await sender.send(
            lease.url,
            tenant_id=lease.tenant_id,
            message_id=str(lease.question_id),
            body=lease.body,
        )
    async with database.as_worker() as conn:
        if status is not None and status // 100 == 2:
            await webhooks.finish(conn, lease, state="delivered")
            return
        if status == GONE:
            await webhooks.finish(conn, lease, state="failed")
        else:
            await webhooks.put_back(conn, lease)
    log.warning(
        "a receiver was not told",
        question=str(lease.question_id),
        origin=lease.origin,
        status=status,
        attempts=lease.attempts,
    )
