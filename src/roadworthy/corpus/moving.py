"""Give tenants that outgrow exact search a partition with an index, and take it back.

Reads and writes go on meanwhile. Each step looks at what there is, so whoever comes after one that
was killed goes on where that ended. One process does this at a time; one that does not notice that
another took its turn is refused its next step.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import psycopg

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.directory import tenants
from roadworthy.corpus.partitions import (
    drop_index,
    drop_partition,
    ensure_index,
    ensure_partition,
    has_index,
    list_partitions,
)
from roadworthy.corpus.places import (
    EXACT_MOST,
    SHARED,
    OwnPlace,
    State,
    count_passages,
    enter_place,
    find_place,
    has_more,
    is_empty,
    leave_place,
    move_some,
    note_indexed,
    turn_place,
)
from roadworthy.corpus.spaces import list_spaces
from roadworthy.corpus.withdrawal import any_withdrawn
from roadworthy.plumbing.database import Connection, Database, WorkerConnection

PAUSE_S = 1.0  # for documents that others work on
BE_THE_ONE = "SELECT pg_try_advisory_lock(hashtext('roadworthy partitions'))"
Report = Callable[[str], None]


async def arrange_places(
    database: Database, *, owner_url: str, report: Report, most: int = EXACT_MOST
) -> bool:
    """Bring the place of every tenant in line with how many passages it has.

    One of more than `most` gets a partition, and in it an index for each space with more than
    that. The partition is taken back, and an index dropped, below half of that.

    Args:
        owner_url: where the owner of the tables connects.
        report: hears of each step, in a sentence.

    Returns: False when another process is doing this.

    Raises:
        Unavailable, Busy: something was in the way; the next call goes on where this one ended.
    """
    async with _the_one(owner_url) as owner:
        if owner is None:
            return False
        mover = _Mover(database=database, owner=owner, report=report, most=most)
        async with database.as_worker() as conn:
            known = await tenants(conn)
        problems: list[Exception] = []
        for tenant_id, name in known:
            with _kept_to_itself(name, report=report, problems=problems):
                await mover.arrange(tenant_id, name)
        for tenant_id in await list_partitions(owner):
            with _kept_to_itself(f"partition {tenant_id}", report=report, problems=problems):
                await mover.drop_if_left(tenant_id)
        if problems:
            raise problems[0]
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mover:
    """Arranges one tenant after the other."""

    database: Database
    owner: Connection
    report: Report
    most: int

    async def arrange(self, tenant_id: int, name: str) -> None:
        async with self._tenant(tenant_id) as conn:
            passages = await count_passages(conn, tenant_id=tenant_id)
            place = await find_place(conn, tenant_id=tenant_id)
            is_deleting = await any_withdrawn(conn, tenant_id=tenant_id)
        if place is None and passages > self.most:
            self.report(f"{name} has {passages} passages: its vectors move to a partition.")
            await ensure_partition(self.owner, tenant_id)
            place = await self._enter(tenant_id)
        if place and place.state in {"filling", "own"}:
            # A worker of an earlier version knows one place only, and may still write there.
            await self._move(tenant_id, place=SHARED, to=tenant_id)
        if place and place.state == "filling":
            place = await self._turn(place, "own")
        # What is being deleted is out of the counts already, and would only be copied to be erased.
        is_small = passages < self.most // 2 and not is_deleting
        if place and place.state == "own" and is_small:
            self.report(f"{name} has {passages} passages: its vectors move back.")
            place = await self._turn(place, "returning")
        if place and place.state == "own":
            await self._index(place, name)
        elif place:
            await self._move(tenant_id, place=tenant_id, to=SHARED)
            async with self._tenant(tenant_id) as conn:
                await leave_place(conn, tenant_id=tenant_id)

    async def drop_if_left(self, tenant_id: int) -> None:
        """Drop a partition that nothing is kept in: its tenant shrank, or is deleted."""

        async def is_left() -> bool:
            async with self._tenant(tenant_id) as conn:
                place = await find_place(conn, tenant_id=tenant_id)
                return place is None and await is_empty(conn, tenant_id=tenant_id, place=tenant_id)

        if await is_left() and await drop_partition(self.owner, tenant_id, is_left=is_left):
            self.report(f"The partition of tenant {tenant_id} is dropped.")

    async def _enter(self, tenant_id: int) -> OwnPlace:
        try:
            async with self._tenant(tenant_id) as conn:
                return await enter_place(conn, tenant_id=tenant_id)
        except psycopg.errors.ForeignKeyViolation as error:
            raise Busy("The tenant was deleted meanwhile.") from error

    async def _turn(self, place: OwnPlace, state: State) -> OwnPlace:
        async with self._tenant(place.tenant_id) as conn:
            return await turn_place(
                conn, tenant_id=place.tenant_id, before=place.state, state=state
            )

    async def _move(self, tenant_id: int, *, place: int, to: int) -> None:
        """Move all rows; nothing is added to the place any more."""
        while not await self._is_empty(tenant_id, place=place):
            after: int | None = 0
            while after is not None:
                async with self._tenant(tenant_id) as conn:
                    after = await move_some(
                        conn, tenant_id=tenant_id, place=place, to=to, after=after
                    )
            await asyncio.sleep(PAUSE_S)

    async def _is_empty(self, tenant_id: int, *, place: int) -> bool:
        async with self._tenant(tenant_id) as conn:
            return await is_empty(conn, tenant_id=tenant_id, place=place)

    async def _index(self, place: OwnPlace, name: str) -> None:
        async with self.database.as_worker() as conn:
            spaces = await list_spaces(conn)
        indexed = set(place.indexed)
        for space in spaces:
            is_needed = await self._needs_index(place, space)
            if not (is_needed and await has_index(self.owner, place.tenant_id, space)):
                indexed.discard(space.id)
                await self._note(place, indexed)  # first: nobody is to look for it
            if not is_needed:
                await drop_index(self.owner, place.tenant_id, space)
                continue
            if await ensure_index(self.owner, place.tenant_id, space):
                self.report(f"{name} has an index for the space {space.name}.")
            indexed.add(space.id)
            await self._note(place, indexed)

    async def _needs_index(self, place: OwnPlace, space: EmbeddingSpace) -> bool:
        least = self.most // 2 if space.id in place.indexed else self.most
        async with self._tenant(place.tenant_id) as conn:
            return await has_more(conn, least, tenant_id=place.tenant_id, space_id=space.id)

    async def _note(self, place: OwnPlace, indexed: set[int]) -> None:
        async with self._tenant(place.tenant_id) as conn:
            await note_indexed(conn, tenant_id=place.tenant_id, indexed=sorted(indexed))

    @asynccontextmanager
    async def _tenant(self, tenant_id: int) -> AsyncIterator[WorkerConnection]:
        # Also what is being deleted moves: a legal hold may bring it back.
        async with self.database.as_worker(tenant_id, deleting=True) as conn:
            yield conn


@contextmanager
def _kept_to_itself(name: str, *, report: Report, problems: list[Exception]) -> Iterator[None]:
    """Let what is in the way of one tenant keep no other from its turn."""
    try:
        yield
    except (Unavailable, Busy) as error:
        report(f"{name} waits: {error.message}")
        problems.append(error)
    except psycopg.Error as error:  # such as a full disk
        report(f"{name} waits: {error.diag.message_primary or 'the database does not answer'}")
        problems.append(error)


@asynccontextmanager
async def _the_one(owner_url: str) -> AsyncIterator[Connection | None]:
    """Connect as the owner; None while another process is connected so."""
    try:
        async with await psycopg.AsyncConnection.connect(
            owner_url, autocommit=True, application_name="roadworthy-owner"
        ) as conn:
            row = await (await conn.execute(BE_THE_ONE)).fetchone()
            yield conn if row and row[0] else None
    except psycopg.Error as error:
        said = error.diag.message_primary or "it does not answer"
        raise Unavailable(f"The database refuses to make a partition: {said}.") from error
