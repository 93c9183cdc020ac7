"""Are the vectors of large tenants where searching them is fast?"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.core.clock import now
from roadworthy.corpus.directory import tenants
from roadworthy.corpus.places import (
    EXACT_MOST,
    OwnPlace,
    count_passages,
    find_place,
    has_more,
)
from roadworthy.corpus.spaces import list_spaces
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.database import Database, WorkerConnection

PATIENCE = timedelta(hours=1)
MOST_NAMED = 3


def check_places(
    urls: DatabaseUrls, *, most: int = EXACT_MOST, patience: timedelta = PATIENCE
) -> Check:
    """Tell the tenants of more than `most` passages that nobody gives an index, or not in time."""
    waiting, late = asyncio.run(_looked(urls, most, patience))
    if waiting and urls.owner is None:
        return wrong(
            "vectors",
            f"{_named(waiting)} have outgrown exact search, and no process here may make the "
            "partition that they need.",
            "Set database_url, the owner's, for the worker; or run `roadworthy space arrange` now "
            "and then where it is set.",
        )
    if late:
        return wrong(
            "vectors",
            f"The vectors of {_named(late)} have been on the way to their partition, or back, for "
            "long; searches find all, but slowly.",
            "Look into the log of `roadworthy worker`, which moves them; `roadworthy space arrange`"
            " goes on at once.",
        )
    return fine("vectors", "The vectors of every tenant are where they belong, or on the way.")


async def _looked(
    urls: DatabaseUrls, most: int, patience: timedelta
) -> tuple[list[str], list[str]]:
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=1)
    await database.open()
    waiting, late = [], []
    try:
        async with database.as_worker() as conn:
            known = await tenants(conn)
            spaces = [space.id for space in await list_spaces(conn)]
        for tenant_id, name in known:
            async with database.as_worker(tenant_id) as conn:
                place = await find_place(conn, tenant_id=tenant_id)
                passages = await count_passages(conn, tenant_id=tenant_id)
                is_settled = place and await _is_settled(conn, place, spaces=spaces, most=most)
            if place is None and passages > most:
                waiting.append(name)
            if place and not is_settled and place.changed_at < now() - patience:
                late.append(name)
    finally:
        await database.close()
    return waiting, late


async def _is_settled(
    conn: WorkerConnection, place: OwnPlace, *, spaces: Sequence[int], most: int
) -> bool:
    """Say whether all vectors are there, and an index for each space of many."""
    if place.state != "own":
        return False
    for space_id in set(spaces) - set(place.indexed):
        # Twice as many: what has outgrown it only now is given its index within minutes.
        if await has_more(conn, 2 * most, tenant_id=place.tenant_id, space_id=space_id):
            return False
    return True


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    rest = len(names) - MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown
