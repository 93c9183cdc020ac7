"""Connections whose every transaction says who asks.

PostgreSQL decides what that person may see (sql/repeatable/permissions.sql). A transaction that
forgot to say so sees nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import NewType, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo

from roadworthy.core.identity import Principal
from roadworthy.plumbing.replica import CONTENTS, Replica, TurnedAway
from roadworthy.plumbing.transactions import pool, speak_for, transaction

Connection = psycopg.AsyncConnection
# A connection bound to one principal: it sees what he may see, in one snapshot.
ReadConnection = NewType("ReadConnection", psycopg.AsyncConnection)
# The same, and it may change what he may change.
WriteConnection = NewType("WriteConnection", psycopg.AsyncConnection)
# A connection bound to one tenant, or to none: for preparing documents and for the operator.
WorkerConnection = NewType("WorkerConnection", psycopg.AsyncConnection)

T = TypeVar("T")

SPEAK_FOR_TENANT = "SELECT set_config('roadworthy.tenant', %(tenant)s, true)"
# Told to its own people: one statement, which is a transaction, is one of them.
CONTENTS_OF_TENANT = f"{CONTENTS} FROM set_config('roadworthy.tenant', %(tenant)s, true)"
DELETING = "SET LOCAL roadworthy.deleting = 'on'"


class Database:
    """Two pools over one database: as the app role and as the worker role.

    Args:
        read_url: of a replica of it, as the app role; None: there is none.
    """

    def __init__(
        self, *, app_url: str, worker_url: str, connections: int, read_url: str | None = None
    ) -> None:
        self._app = pool(app_url, connections, "app")
        self._worker = pool(worker_url, connections, "worker")
        self.replica = Replica(read_url, connections=connections) if read_url else None

    async def open(self) -> None:
        """Connect lazily: a database that is down is met by the first transaction."""
        await self._app.open()
        await self._worker.open()
        if self.replica is not None:
            await self.replica.open()

    async def close(self) -> None:
        """Return all connections."""
        await self._app.close()
        await self._worker.close()
        if self.replica is not None:
            await self.replica.close()

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
        async with transaction(self._app, snapshot=True) as conn:
            await speak_for(conn, principal, pseudonym=pseudonym)
            yield ReadConnection(conn)

    async def look_as(
        self, principal: Principal, look: Callable[[ReadConnection], Awaitable[T]]
    ) -> T:
        """Let `look` see what `principal` may see, in one snapshot as of this moment or later.

        That is one of the replica where it shows what the primary does, else one of the primary.
        `look` may be begun twice.

        Raises:
            Unavailable: the database does not answer; the replica may do as it likes.
        """
        if self.replica is not None:
            contents = partial(self._contents, principal.tenant_id)
            try:
                return await self.replica.read(
                    principal, lambda conn: look(ReadConnection(conn)), contents=contents
                )
            except TurnedAway:
                pass
        async with self.read_as(principal) as conn:
            return await look(conn)

    @asynccontextmanager
    async def write_as(self, principal: Principal) -> AsyncIterator[WriteConnection]:
        """Open a transaction that sees and changes what `principal` may see and change.

        Raises:
            Unavailable: the database does not answer.
            Busy: its changes met those of another.
        """
        async with transaction(self._app) as conn:
            await speak_for(conn, principal)
            yield WriteConnection(conn)

    @asynccontextmanager
    async def as_stranger(self) -> AsyncIterator[Connection]:
        """Lend a connection of nobody: it sees no row. Each statement is a transaction."""
        async with transaction(self._app, autocommit=True) as conn:
            yield conn

    @asynccontextmanager
    async def as_recorder(self, tenant_id: int) -> AsyncIterator[Connection]:
        """Open a transaction that may record what happened in a tenant, and read nothing of it."""
        async with transaction(self._app) as conn:
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
        async with transaction(self._worker) as conn:
            if tenant_id is not None:
                await conn.execute(SPEAK_FOR_TENANT, {"tenant": str(tenant_id)})
            if deleting:
                await conn.execute(DELETING)
            yield WorkerConnection(conn)

    async def _contents(self, tenant_id: int) -> str | None:
        async with self.as_stranger() as conn:
            asked = {"tenant_id": tenant_id, "tenant": str(tenant_id)}
            found = await (await conn.execute(CONTENTS_OF_TENANT, asked)).fetchone()
        return found[0] if found else None


def with_role(url: str, *, user: str, password: str) -> str:
    """Name the same database for another role."""
    return make_conninfo(url, user=user, password=password)
