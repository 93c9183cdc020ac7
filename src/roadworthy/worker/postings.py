"""Merge postings, now and then, so that a search reads few rows however much there is."""

import asyncio
from typing import Never

import structlog

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.corpus.clearing import clear_tenant
from roadworthy.corpus.directory import tenant_ids
from roadworthy.corpus.merging import merge_tenant
from roadworthy.plumbing.database import Database

LOOK_EVERY_S = 60.0

log = structlog.get_logger(__name__)


async def merge_postings(database: Database) -> Never:
    """Merge what was published, and clear what has gone, until cancelled."""
    while True:
        try:
            merged = await merge_all(database)
            if merged:
                log.info("merged postings", revisions=merged)
        except (Unavailable, Busy) as error:
            log.warning("postings are not merged", problem=error.message)
        await asyncio.sleep(LOOK_EVERY_S)


async def merge_all(database: Database) -> int:
    """Do it once for every tenant; returns how many revisions were merged.

    Raises:
        Unavailable, Busy: of the database; what was done stays done.
    """
    async with database.as_worker() as conn:
        tenants = await tenant_ids(conn)
    merged = 0
    for tenant_id in tenants:
        await clear_tenant(
            database, tenant_id=tenant_id
        )  # first: what came back is merged only after that
        merged += await merge_tenant(database, tenant_id=tenant_id)
    return merged
