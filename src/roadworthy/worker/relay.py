"""Tell the broker of accepted work: after its transaction, at least once, and later if need be.

One relay at a time works, by a lock that ends with its connection; others stand by. A relay that
dies between telling and noting it tells again: a doubled message, which does no harm.
"""

import asyncio

import psycopg
import structlog

from roadworthy.core.errors import Busy, RoadworthyError, Unavailable
from roadworthy.plumbing import jobs, outbox
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.transports import Publisher

AT_ONCE = 200
LOOK_EVERY_S = 1.0  # a retry falls due, a notification is lost
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
BE_THE_ONE = "SELECT pg_try_advisory_lock(hashtext('roadworthy relay'))"

log = structlog.get_logger(__name__)


async def relay(database: Database, publisher: Publisher, *, listen_url: str) -> None:
    """Announce jobs until cancelled, through outages of the database and of the broker."""
    pause = FIRST_PAUSE_S
    while True:
        began = asyncio.get_running_loop().time()
        try:
            await _relay(database, publisher, listen_url=listen_url)
        except (Unavailable, Busy, psycopg.OperationalError) as error:
            problem = str(error) if isinstance(error, RoadworthyError) else "the database is away"
            if asyncio.get_running_loop().time() - began > LONGEST_PAUSE_S:
                pause = FIRST_PAUSE_S
            log.warning("the relay waits", problem=problem, pause_s=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)


async def announce_due(database: Database, publisher: Publisher) -> int:
    """Tell the broker of some due jobs; returns of how many.

    Raises:
        Unavailable: the database or the broker is away; what was not noted is told again.
    """
    async with database.as_worker() as conn:
        due = await outbox.to_announce(conn, most=AT_ONCE)
    if due:
        # No transaction is open meanwhile: a broker that hangs holds up nobody's claim.
        await publisher.publish(due)
        async with database.as_worker() as conn:
            await outbox.mark_announced(conn, due)
    return len(due)


async def _relay(database: Database, publisher: Publisher, *, listen_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(
        listen_url, autocommit=True, application_name="roadworthy-relay"
    ) as conn:
        while not await _is_the_one(conn):  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(LOOK_EVERY_S)
        await jobs.listen(conn)  # only now: what nobody reads the client would keep for ever
        log.info("relaying")
        while True:
            if await announce_due(database, publisher) < AT_ONCE:
                async for _ in conn.notifies(timeout=LOOK_EVERY_S, stop_after=1):
                    pass


async def _is_the_one(conn: psycopg.AsyncConnection) -> bool:
    row = await (await conn.execute(BE_THE_ONE)).fetchone()
    return bool(row and row[0])
