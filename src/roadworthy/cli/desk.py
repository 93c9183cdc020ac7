"""What a command works with: the database, or all services, opened for its lifetime."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import typer

from roadworthy.bootstrap import DatabaseUrls, Services, services
from roadworthy.cli.logbook import logged
from roadworthy.cli.options import Everywhere, told
from roadworthy.cli.people import found_principal, found_tenant
from roadworthy.core.errors import Refused
from roadworthy.core.identity import Principal
from roadworthy.corpus.approvals import GROUP, use_or_ask
from roadworthy.deletion.receipts import OPERATOR
from roadworthy.installation import Installation, local_installation, running_database
from roadworthy.plumbing.database import Connection, Database
from roadworthy.plumbing.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The operator's place: the database, and in whose name he works."""

    settings: Settings
    database: Database
    urls: DatabaseUrls
    everywhere: Everywhere

    async def tenant(self) -> int:
        """Find the tenant that is meant.

        Raises:
            Missing: there is none of that name, or none at all.
            Invalid: there are several and none is named.
        """
        async with self.database.as_worker() as conn:
            return (await found_tenant(conn, self.everywhere.tenant))[0]

    async def operator(self) -> int:
        """Find the tenant, for what only the operator may do or see.

        Raises:
            Refused: --as names somebody.
            Missing, Invalid: as above.
        """
        self.check_operator()
        return await self.tenant()

    def check_operator(self) -> None:
        """Refuse to do in a person's name what only the operator does; raises as above."""
        if self.everywhere.user is not None:
            raise Refused("The operator does this, in nobody else's name; leave --as out.")

    async def principal(self) -> Principal | None:
        """Find the person that --as names; None: the operator himself."""
        if self.everywhere.user is None:
            return None
        return await self.asker()

    async def asker(self) -> Principal:
        """Find the person that --as names, or the only one of the tenant.

        Raises:
            Invalid: there are several and none is named.
            Missing: there is nobody of that name, or nobody at all.
        """
        tenant_id = await self.tenant()
        async with self.database.as_worker(tenant_id) as conn:
            return await found_principal(conn, tenant_id=tenant_id, user=self.everywhere.user)

    async def check_approved(
        self, operation: str, subject: str, *, tenant_id: int | None = None
    ) -> None:
        """Let a sensitive operation go on that somebody else has granted, where that is asked for.

        A grant is for one try. The request stays when this refuses.

        Raises:
            Refused: nobody has yet.
            Missing, Invalid: as above.
        """
        if not self.settings.second_person:
            return
        principal = await self.principal()
        tenant_id = tenant_id or await self.tenant()
        async with self.database.as_worker(tenant_id) as conn:
            waiting = await use_or_ask(
                conn,
                tenant_id=tenant_id,
                operation=operation,
                subject=subject,
                by=principal.user_id if principal else OPERATOR,
            )
        if waiting is not None:
            raise Refused(
                f"This takes a second person, of the group {GROUP!r}: `roadworthy approval grant "
                f"{waiting} --as USER` within a day of the asking; then do it again."
            )

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[tuple[Connection, int]]:
        """Open a transaction that sees what the person, or the operator, may see."""
        principal = await self.principal()
        if principal is None:
            tenant_id = await self.tenant()
            async with self.database.as_worker(tenant_id) as conn:
                yield conn, tenant_id
        else:
            async with self.database.read_as(principal) as conn:
                yield conn, principal.tenant_id

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[tuple[Connection, int, str | None]]:
        """Open a transaction that may change what the person, or the operator, may change."""
        principal = await self.principal()
        if principal is None:
            tenant_id = await self.tenant()
            async with self.database.as_worker(tenant_id) as conn:
                yield conn, tenant_id, None
        else:
            async with self.database.write_as(principal) as conn:
                yield conn, principal.tenant_id, principal.user_id


def with_database(ctx: typer.Context, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Do `work` with the database alone; no model is needed."""
    everywhere = told(ctx)
    settings = everywhere.settings()
    with logged(settings), running_database(settings) as urls:

        async def at_desk() -> T:
            database = Database(app_url=urls.app, worker_url=urls.worker, connections=2)
            await database.open()
            try:
                desk = Desk(settings=settings, database=database, urls=urls, everywhere=everywhere)
                return await work(desk)
            finally:
                await database.close()

        return asyncio.run(at_desk())


def with_services(
    ctx: typer.Context, work: Callable[[Desk, Services, Installation], Awaitable[T]]
) -> T:
    """Do `work` with everything; an engine is started unless one runs."""
    everywhere = told(ctx)
    settings = everywhere.settings()
    with logged(settings), local_installation(settings) as place:

        async def at_desk() -> T:
            async with services(settings, urls=place.urls, engine=place.engine) as opened:
                desk = Desk(
                    settings=settings,
                    database=opened.database,
                    urls=place.urls,
                    everywhere=everywhere,
                )
                return await work(desk, opened, place)

        return asyncio.run(at_desk())
