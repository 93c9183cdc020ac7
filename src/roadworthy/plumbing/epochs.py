"""Know when whatever was begun before a moment is over, in every process.

A process that keeps what it read holds a number, the epoch, as a shared advisory lock. Whoever
deleted something begins the next epoch and waits until nobody holds an older one. A process that
hears of it takes the new number, ends or forgets what it had begun, and only then lets the old
number go; one that dies lets go by dying. One that lost the lock with its connection holds nobody
up, so it ends and forgets all of it at once, and begins nothing until it holds an epoch again.

Source: epoch-based reclamation, K. Fraser, Practical lock-freedom, 2004, section 5.2.3.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import psycopg
import structlog
from psycopg.conninfo import make_conninfo

from roadworthy.plumbing.database import Database

CHANNEL = "roadworthy_epoch"
LOCK_CLASS = 0x52574550  # any number of our own: the first half of the advisory locks' key
POLL_EVERY_S = 1.0  # a notification may be lost with a connection
LOOK_EVERY_S = 0.01
PAUSE_WHEN_DOWN_S = 1.0
# A process that is cut off has to notice before the server does, which then lets its lock go: a
# server's own limit is two hours unless it is told otherwise.
NOTICE_QUICKLY = {
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 2,
    "tcp_user_timeout": 4000,  # ms
}

CURRENT = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM epoch"
BEGIN = "SELECT nextval('epoch')"
TELL = "SELECT pg_notify(%(channel)s, '')"
HOLD = "SELECT pg_advisory_lock_shared(%(class)s, %(epoch)s)"
LET_GO = "SELECT pg_advisory_unlock_shared(%(class)s, %(epoch)s)"
# pg_locks is open to every role; the lock's numbers are unsigned there.
HELD = """
SELECT count(*)
  FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
 WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 2
   AND classid = %(class)s AND objid::bigint < %(epoch)s
"""

log = structlog.get_logger(__name__)


async def is_past(database: Database, *, patience_s: float) -> bool:
    """Begin an epoch and wait until nobody holds an older one; False when patience ran out.

    What was committed before is then known to every process: nothing that it had begun before
    goes on, and nothing that it read before is kept.

    Raises:
        Unavailable: the database does not answer.
    """
    async with database.as_stranger() as conn:
        [(epoch,)] = await (await conn.execute(BEGIN)).fetchall()
        await conn.execute(TELL, {"channel": CHANNEL})
    until = time.monotonic() + patience_s
    while True:
        async with database.as_stranger() as conn:
            held = await conn.execute(HELD, {"class": LOCK_CLASS, "epoch": epoch})
            if await held.fetchone() == (0,):
                return True
        if time.monotonic() > until:
            return False
        await asyncio.sleep(LOOK_EVERY_S)


class EpochHolder:
    """Holds the epoch of this process, and moves on when another has begun.

    Args:
        url: where a connection of its own is made; locks and notifications belong to it.
        leave: ends or forgets all that was begun before it is called; False: not possible yet. It
            is called with an epoch held, so that what begins from now on is waited for.
        lose: ends and forgets all of it at once, and lets nothing begin before `leave` is called.
    """

    def __init__(
        self, url: str, *, leave: Callable[[], Awaitable[bool]], lose: Callable[[], None]
    ) -> None:
        self._url = make_conninfo(url, **NOTICE_QUICKLY)
        self._leave = leave
        self._lose = lose
        self.is_holding = asyncio.Event()

    async def run(self) -> None:
        """Hold and move on until cancelled; a connection that was lost is made again.

        What `leave` raises ends it: nothing is begun from then on, and the process had better end.
        """
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._url, autocommit=True, application_name="roadworthy-epochs"
                ) as conn:
                    try:
                        await self._hold(conn)
                    finally:
                        self.is_holding.clear()
                        self._lose()
            except psycopg.Error:
                log.warning("the epoch of this process is not held: the database is down")
                await asyncio.sleep(PAUSE_WHEN_DOWN_S)

    async def _hold(self, conn: psycopg.AsyncConnection) -> None:
        await conn.execute("LISTEN roadworthy_epoch")
        held = await _take(conn)
        self.is_holding.set()
        await self._left()  # what was begun on a connection before this one
        while True:
            async for _ in conn.notifies(timeout=POLL_EVERY_S, stop_after=1):
                pass
            current = await _current(conn)
            if current != held:
                before, held = held, await _take(conn)
                await self._left()
                await conn.execute(LET_GO, {"class": LOCK_CLASS, "epoch": before})

    async def _left(self) -> None:
        while True:
            if await self._leave():
                return
            await asyncio.sleep(PAUSE_WHEN_DOWN_S)


async def _take(conn: psycopg.AsyncConnection) -> int:
    """Take the current epoch; one that began meanwhile is met by the next look."""
    current = await _current(conn)
    await conn.execute(HOLD, {"class": LOCK_CLASS, "epoch": current})
    return current


async def _current(conn: psycopg.AsyncConnection) -> int:
    [(current,)] = await (await conn.execute(CURRENT)).fetchall()
    return current
