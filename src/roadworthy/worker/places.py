"""Keep the vectors of each tenant where searching them is fast, now and then."""

import asyncio
from typing import Never

import structlog

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.corpus.moving import arrange_places
from roadworthy.corpus.places import EXACT_MOST
from roadworthy.plumbing.database import Database

LOOK_EVERY_S = 60.0

log = structlog.get_logger(__name__)


async def keep_places(
    database: Database, *, owner_url: str | None, most: int = EXACT_MOST
) -> Never:
    """Move the vectors of tenants that have grown or shrunk, until cancelled.

    Args:
        owner_url: where the owner of the tables connects; None: nothing is moved here, and doctor
            says which tenants wait for `roadworthy space arrange`.
        most: passages that a tenant is searched in without an index.
    """
    if owner_url is None:
        await asyncio.get_running_loop().create_future()
    while True:
        try:
            await arrange_places(database, owner_url=str(owner_url), report=log.info, most=most)
        except (Unavailable, Busy) as error:
            log.warning("vectors are not moved", problem=error.message)
        await asyncio.sleep(LOOK_EVERY_S)
