"""Pools of connections, and transactions over them that fail in our words."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import psycopg_pool
import structlog
from psycopg.pq import TransactionStatus

from roadworthy.core.errors import Busy, Conflict, Unavailable
from roadworthy.core.identity import Principal

TRUSTED_S = 1.0
PATIENCE_S = 10.0  # for a connection
# Tries to connect grow apart for so long; then whoever needs a connection begins anew.
RECONNECT_S = 3.0
DEAF_S = 70.0  # no server lets an ordinary statement of ours go on for so long
CANCEL_S = 1.0  # to tell a server that a statement is not waited for any more
TAKE_TIME = "SELECT set_config('statement_timeout', %(ms)s, true)"

SPEAK_FOR = """
SELECT set_config('roadworthy.tenant', %(tenant)s, true),
       set_config('roadworthy.user', %(user)s, true),
       set_config('roadworthy.subjects', %(subjects)s::text[]::text, true),
       set_config('roadworthy.clearance', %(clearance)s, true),
       set_config('roadworthy.pseudonym', %(pseudonym)s, true)
"""

log = structlog.get_logger(__name__)

Pool = psycopg_pool.AsyncConnectionPool


class _Impatient(psycopg.AsyncConnection):
    """A connection that waits for no server that is deaf: not to begin with, nor to stop."""

    async def wait(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - psycopg's own
        """Wait for the server; see psycopg.

        Raises:
            OperationalError: it says nothing, not even that it took too long.
        """
        try:
            async with asyncio.timeout(_patience.get(self, 0) + DEAF_S):
                return await super().wait(*args, **kwargs)
        except TimeoutError as error:
            raise psycopg.OperationalError("the server says nothing") from error

    async def _try_cancel(self, *, timeout: float = CANCEL_S) -> None:  # noqa: ARG002, ASYNC109
        # psycopg would wait for 5 s, and for as long again: longer than who waits has.
        try:
            await self.cancel_safe(timeout=CANCEL_S)
        except psycopg.Error:
            hang_up(self)


def hang_up(conn: psycopg.AsyncConnection) -> None:
    """End a connection without a word to its server, which may be deaf."""
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(conn.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def pool(url: str, connections: int, name: str) -> Pool:
    """Make a pool, to be opened by the caller, that waits for a server which is away a while."""
    return Pool(
        url,
        connection_class=_Impatient,
        min_size=1,
        max_size=connections,
        open=False,
        timeout=PATIENCE_S,
        reconnect_timeout=RECONNECT_S,
        name=f"roadworthy-{name}",
        check=_check_when_idle,
        kwargs=session(name),
    )


def session(name: str, *, statement_timeout: str = "30s") -> dict[str, str]:
    """Name what a connection is to be like."""
    return {
        "application_name": f"roadworthy-{name}",
        "options": f"-c statement_timeout={statement_timeout} -c lock_timeout=10s"
        " -c idle_in_transaction_session_timeout=60s -c jit=off",
    }


@asynccontextmanager
async def transaction(
    pool: Pool, *, snapshot: bool = False, autocommit: bool = False
) -> AsyncIterator[psycopg.AsyncConnection]:
    """Lend a connection for one transaction, or with autocommit for some of one statement each.

    Args:
        snapshot: read only, as of one moment, in a pipeline.

    Raises:
        Unavailable: the database does not answer.
        Busy: its changes met those of another.
        Conflict: a guard of the database refuses.
    """
    try:
        async with pool.connection() as conn:
            if snapshot:
                async with as_snapshot(conn):
                    yield conn
            else:
                await conn.set_isolation_level(None)
                await conn.set_read_only(None)
                await conn.set_autocommit(autocommit)
                yield conn
    except (
        psycopg.errors.DeadlockDetected,
        psycopg.errors.LockNotAvailable,
        psycopg.errors.SerializationFailure,
    ) as error:
        raise Busy("Two changes met; try again.") from error
    except psycopg.errors.RestrictViolation as error:
        raise Conflict(guarded(error)) from error
    except (psycopg.OperationalError, psycopg_pool.PoolTimeout, psycopg_pool.PoolClosed) as error:
        raise Unavailable(
            "The database does not answer; `roadworthy doctor` says why. Try again."
        ) from error


@asynccontextmanager
async def as_snapshot(conn: psycopg.AsyncConnection) -> AsyncIterator[None]:
    """Make the block a read-only transaction that sees one moment, and a pipeline."""
    await conn.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
    await conn.set_read_only(True)
    await conn.set_autocommit(False)
    async with conn.pipeline():
        yield
        await conn.commit()


async def take_time(conn: psycopg.AsyncConnection, seconds: float) -> None:
    """Let statements of the rest of the transaction take longer than ordinary ones may."""
    _patience[conn] = seconds
    await conn.execute(TAKE_TIME, {"ms": f"{seconds * 1000:.0f}ms"})


async def speak_for(
    conn: psycopg.AsyncConnection, principal: Principal, *, pseudonym: str = ""
) -> None:
    """Say for the rest of the transaction who asks."""
    await conn.execute(
        SPEAK_FOR,
        {
            "tenant": str(principal.tenant_id),
            "user": principal.user_id,
            "subjects": principal.subjects,
            "clearance": str(principal.clearance),
            "pseudonym": pseudonym,
        },
    )


def guarded(error: psycopg.errors.RestrictViolation) -> str:
    """Give what a guard of the database said (sql/repeatable/retention_holds.sql), word by word."""
    return error.diag.message_primary or "The database keeps this as it is."


_patience: WeakKeyDictionary[psycopg.AsyncConnection, float] = WeakKeyDictionary()
_last_used: WeakKeyDictionary[psycopg.AsyncConnection, float] = WeakKeyDictionary()


async def _check_when_idle(conn: psycopg.AsyncConnection) -> None:
    """Notice before it is lent that a connection died with its server, or is not ours to use.

    Somebody who was cancelled may have left a statement behind; the pool then closes it. Of one
    that was used a moment ago the server is not asked: for each transaction that would be a tenth
    of an answer's cost.
    """
    _patience.pop(conn, None)  # of the transaction before
    if conn.info.transaction_status is not TransactionStatus.IDLE:
        log.warning("a connection was not idle", status=conn.info.transaction_status.name)
        raise psycopg.OperationalError("the connection is not idle")
    now = time.monotonic()
    if now - _last_used.get(conn, 0) > TRUSTED_S:
        await Pool.check_connection(conn)
    _last_used[conn] = now
