"""A replica of the database that may lag, hang or die, and is read only where it shows what is.

Each transaction that changes what a tenant's people may find draws a new mark for that tenant
(sql/repeatable/replicas.sql). A snapshot of the replica that holds the mark which the primary has
at this moment holds all that led to it, and nothing else; in any other nobody looks. So lag costs
time, never truth: no clock, position in the log or memory of who wrote what is asked.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

import psycopg
import psycopg_pool
import structlog

from roadworthy.core.identity import Principal
from roadworthy.plumbing.breaker import Breaker
from roadworthy.plumbing.transactions import Pool, as_snapshot, hang_up, session, speak_for

PATIENCE_S = 1.0  # with one read, from its first statement to its last
# The server gives up by itself, a little sooner: it would not notice that we have gone.
STATEMENT_TIMEOUT = "900ms"
CONNECT_S = 0.25
CONTENTS = "SELECT contents_of(%(tenant_id)s)"
# How a read ended; the last two were not even tried.
OUTCOMES = ("served", "behind", "conflict", "slow", "failed", "busy", "resting")

T = TypeVar("T")
Look = Callable[[psycopg.AsyncConnection], Awaitable[T]]
log = structlog.get_logger(__name__)


class TurnedAway(Exception):
    """The replica did not serve this read; the primary is to be asked."""


class Replica:
    """A pool over a replica, and what is known of how it does.

    Args:
        url: of the app role.
        connections: the most at a time; who finds them all in use is turned away.
    """

    def __init__(self, url: str, *, connections: int) -> None:
        self._pool = Pool(
            url,
            min_size=1,
            max_size=connections,
            open=False,
            timeout=CONNECT_S,
            reconnect_timeout=CONNECT_S,  # whoever comes after a rest makes it try again
            name="roadworthy-replica",
            kwargs=session("replica", statement_timeout=STATEMENT_TIMEOUT) | {"connect_timeout": 2},
        )
        self._connections = connections
        self._reading = self._lent = 0
        self._breaker = Breaker()
        # By tenant: what is slow for one, such as a search of very much, is not for the others.
        self._breakers: defaultdict[int, Breaker] = defaultdict(Breaker)
        self._outcomes: Counter[str] = Counter()

    @property
    def outcomes(self) -> dict[str, int]:
        """Count how reads have ended so far."""
        return {outcome: self._outcomes[outcome] for outcome in OUTCOMES}

    async def open(self) -> None:
        """Connect lazily."""
        await self._pool.open()

    async def close(self) -> None:
        """Return all connections."""
        await self._pool.close(timeout=CONNECT_S)

    async def read(
        self, principal: Principal, look: Look[T], *, contents: Callable[[], Awaitable[str | None]]
    ) -> T:
        """Look at what `principal` may see, in one snapshot that shows what the primary does.

        Args:
            contents: asks the primary for the mark of the tenant.

        Raises:
            TurnedAway: the replica lags, is busy or too slow, or failed.
        """
        if self._reading >= self._connections:
            raise self._turned_away("busy")
        of_tenant = self._breakers[principal.tenant_id]
        looked_at = of_tenant.attempt()
        attempt = self._breaker.attempt() if looked_at is not None else None
        if looked_at is None or attempt is None:
            raise self._turned_away("resting")
        self._reading += 1
        try:
            found = await self._tried(attempt, principal, look, contents=contents)
        except TimeoutError as error:
            of_tenant.failed(looked_at)
            raise self._turned_away("slow") from error
        finally:
            self._reading -= 1
        of_tenant.succeeded(looked_at)
        self._outcomes["served"] += 1
        return found

    async def _tried(
        self,
        attempt: float,
        principal: Principal,
        look: Look[T],
        *,
        contents: Callable[[], Awaitable[str | None]],
    ) -> T:
        mark = await contents()
        try:
            found = await self._read(principal, look, mark=mark)
        except (TurnedAway, TimeoutError):
            self._answered(attempt)
            raise
        except psycopg.errors.SerializationFailure as error:
            self._answered(attempt)
            raise self._turned_away("conflict") from error  # with what is being replayed
        except psycopg.Error as error:
            if isinstance(error, psycopg_pool.PoolTimeout) and self._lent:
                raise self._turned_away("busy") from error  # it connects to one after the other
            await self._failed(attempt, error)
            raise self._turned_away("failed") from error
        self._answered(attempt)
        return found

    async def _read(self, principal: Principal, look: Look[T], *, mark: str | None) -> T:
        """Look, for as long as there is patience.

        Raises:
            TimeoutError: that was not enough, though the replica answers.
        """
        answers = asyncio.Event()

        async def begun(conn: psycopg.AsyncConnection) -> T:
            answers.set()
            return await look(conn)

        conn = await self._pool.getconn()
        self._lent += 1
        try:
            reading = asyncio.ensure_future(self._look(conn, principal, begun, mark=mark))
            if not await _in_time(reading, conn) and answers.is_set():
                raise TimeoutError
            return reading.result()
        except psycopg.errors.QueryCanceled as error:
            raise TimeoutError from error
        finally:
            self._lent -= 1
            await self._pool.putconn(conn)

    async def _look(
        self,
        conn: psycopg.AsyncConnection,
        principal: Principal,
        look: Look[T],
        *,
        mark: str | None,
    ) -> T:
        async with conn, as_snapshot(conn):
            await speak_for(conn, principal)
            shown = await conn.execute(CONTENTS, {"tenant_id": principal.tenant_id})
            if mark is not None and await shown.fetchone() == (mark,):
                return await look(conn)
        raise self._turned_away("behind")

    def _turned_away(self, outcome: str) -> TurnedAway:
        self._outcomes[outcome] += 1
        return TurnedAway(outcome)

    def _answered(self, attempt: float) -> None:
        if not self._breaker.is_well:
            log.info("the replica answers again")
        self._breaker.succeeded(attempt)

    async def _failed(self, attempt: float, error: Exception) -> None:
        """Let it rest, and keep no connection to what may have been another server."""
        if self._breaker.is_well:
            log.warning("the replica fails: searches go to the primary", problem=str(error))
        self._breaker.failed(attempt)
        with suppress(psycopg_pool.PoolClosed):
            await self._pool.drain()


async def _in_time(reading: asyncio.Future[T], conn: psycopg.AsyncConnection) -> bool:
    """Wait until it is over or patience is, and end it then; tell whether it ended by itself."""
    try:
        await asyncio.wait({reading}, timeout=PATIENCE_S)
    finally:
        is_late = not reading.done()
        if is_late:
            # Not cancelled: psycopg would ask the server to stop, and wait for an answer.
            hang_up(conn)
            await asyncio.wait({reading})
            reading.exception()
    return not is_late
