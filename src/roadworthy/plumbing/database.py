"""Connections whose every transaction says who asks.

PostgreSQL decides what that person may see (sql/repeatable/permissions.sql). A transaction that
forgot to say so sees nothing.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NewType
from weakref import WeakKeyDictionary

import psycopg
import psycopg_pool
from psycopg.conninfo import make_conninfo

from roadworthy.core.errors import Busy, Conflict, Unavailable
from roadworthy.core.identity import Principal

Connection = psycopg.AsyncConnection
# A connection bound to one principal: it sees what he may see, in one snapshot.
ReadConnection = NewType("ReadConnection", psycopg.AsyncConnection)
# The same, and it may change what he may change.
WriteConnection = NewType("WriteConnection", psycopg.AsyncConnection)
# A connection bound to one tenant, or to none: for preparing documents and for the operator.
WorkerConnection = NewType("WorkerConnection", psycopg.AsyncConnection)

TRUSTED_S = 1.0

SPEAK_FOR = """
SELECT set_config('roadworthy.tenant', %(tenant)s, true),
       set_config('roadworthy.user', %(user)s, true),
       set_config('roadworthy.subjects', %(subjects)s::text[]::text, true),
       set_config('roadworthy.clearance', %(clearance)s, true),
       set_config('roadworthy.pseudonym', %(pseudonym)s, true)
"""
SPEAK_FOR_TENANT = "SELECT set_config('roadworthy.tenant', %(tenant)s, true)"
DELETING = "SET LOCAL roadworthy.deleting = 'on'"


class Database:
    """Two pools over one database: as the app role and as the worker role."""

    def __init__(self, *, app_url: str, worker_url: str, connections: int) -> None:
        self._app = _pool(app_url, connections, "app")
        self._worker = _pool(worker_url, connections, "worker")

    async def open(self) -> None:
        """Connect lazily: a database that is down is met by the first transaction."""
        await self._app.open()
        await self._worker.open()

    async def close(self) -> None:
        """Return all connections."""
        await self._app.close()
        await self._worker.close()

    @asynccontextmanager
    async def read_as(
        self, principal: Principal, *, pseudonym: str = ""
    ) -> AsyncIterator[ReadConnection]:
        """Open a read-only transaction that sees what `principal` may see, in one snapshot.

        It is a pipeline: statements travel together until somebody fetches rows, so who needs two
        answers executes both before fetching the first.

        Raises:
            Unavailable: the database does not answer.
        """
        async with _transaction(self._app, snapshot=True) as conn:
            await conn.execute(SPEAK_FOR, _as(principal, pseudonym))
            yield ReadConnection(conn)

    @asynccontextmanager
    async def write_as(self, principal: Principal) -> AsyncIterator[WriteConnection]:
        """Open a transaction that sees and changes what `principal` may see and change.

        Raises:
            Unavailable: the database does not answer.
            Busy: its changes met those of another.
        """
        async with _transaction(self._app) as conn:
            await conn.execute(SPEAK_FOR, _as(principal, ""))
            yield WriteConnection(conn)

    @asynccontextmanager
    async def as_stranger(self) -> AsyncIterator[Connection]:
        """Lend a connection of nobody: it sees no row. Each statement is a transaction."""
        async with _transaction(self._app, autocommit=True) as conn:
            yield conn

    @asynccontextmanager
    async def as_recorder(self, tenant_id: int) -> AsyncIterator[Connection]:
        """Open a transaction that may record what happened in a tenant, and read nothing of it."""
        async with _transaction(self._app) as conn:
            await conn.execute(SPEAK_FOR_TENANT, {"tenant": str(tenant_id)})
            yield conn

    @asynccontextmanager
    async def as_worker(
        self, tenant_id: int | None = None, *, deleting: bool = False
    ) -> AsyncIterator[WorkerConnection]:
        """Open a transaction of the worker role inside one tenant.

        Without a tenant it sees the job table and the names of tenants, nothing else. Documents
        that are being deleted are seen by who deletes alone.

        Raises:
            Unavailable: the database does not answer.
            Busy: its changes met those of another.
        """
        async with _transaction(self._worker) as conn:
            if tenant_id is not None:
                await conn.execute(SPEAK_FOR_TENANT, {"tenant": str(tenant_id)})
            if deleting:
                await conn.execute(DELETING)
            yield WorkerConnection(conn)


@asynccontextmanager
async def _transaction(
    pool: psycopg_pool.AsyncConnectionPool, *, snapshot: bool = False, autocommit: bool = False
) -> AsyncIterator[Connection]:
    try:
        async with pool.connection() as conn:
            await conn.set_isolation_level(
                psycopg.IsolationLevel.REPEATABLE_READ if snapshot else None
            )
            await conn.set_read_only(snapshot or None)
            await conn.set_autocommit(autocommit)
            if snapshot:
                async with conn.pipeline():
                    yield conn
                    await conn.commit()
            else:
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


def guarded(error: psycopg.errors.RestrictViolation) -> str:
    """Give what a guard of the database said (sql/repeatable/retention_holds.sql), word by word."""
    return error.diag.message_primary or "The database keeps this as it is."


def _as(principal: Principal, pseudonym: str) -> dict[str, object]:
    return {
        "tenant": str(principal.tenant_id),
        "user": principal.user_id,
        "subjects": principal.subjects,
        "clearance": str(principal.clearance),
        "pseudonym": pseudonym,
    }


_last_used: WeakKeyDictionary[psycopg.AsyncConnection, float] = WeakKeyDictionary()


async def _check_when_idle(conn: psycopg.AsyncConnection) -> None:
    """Notice before it is lent that a connection died with its server.

    One that was used a moment ago is lent unseen: a question asked of the server for each
    transaction would be a tenth of an answer's cost.
    """
    now = time.monotonic()
    if now - _last_used.get(conn, 0) > TRUSTED_S:
        await psycopg_pool.AsyncConnectionPool.check_connection(conn)
    _last_used[conn] = now


def _pool(url: str, connections: int, name: str) -> psycopg_pool.AsyncConnectionPool:
    return psycopg_pool.AsyncConnectionPool(
        url,
        min_size=1,
        max_size=connections,
        open=False,
        timeout=10,
        name=f"roadworthy-{name}",
        check=_check_when_idle,
        kwargs={
            "application_name": f"roadworthy-{name}",
            "options": "-c statement_timeout=30s -c lock_timeout=10s"
            " -c idle_in_transaction_session_timeout=60s -c jit=off",
        },
    )


def with_role(url: str, *, user: str, password: str) -> str:
    """Name the same database for another role."""
    return make_conninfo(url, user=user, password=password)
