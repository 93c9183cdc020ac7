"""What a worker does beside its jobs: nobody waits for it, and it is left where it was cut off."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import structlog

from roadworthy.core.errors import RoadworthyError
from roadworthy.corpus.clearing import clear_tenant
from roadworthy.corpus.directory import tenant_ids
from roadworthy.corpus.merging import merge_tenant
from roadworthy.corpus.moving import arrange_places
from roadworthy.corpus.places import EXACT_MOST
from roadworthy.deletion import DeletionService
from roadworthy.plumbing.database import Database

log = structlog.get_logger(__name__)


async def finish_deletions(deletion: DeletionService) -> None:
    """Finish the receipts of processes that died before they could."""
    if finished := await deletion.finish_left():
        log.info("finished deletions that were cut off", receipts=finished)


async def merge_postings(database: Database) -> int:
    """Merge what was published, and clear what has gone; returns how many revisions were merged.

    What one tenant's meet is told, and keeps no other's from their turn.

    Raises:
        Unavailable, Busy: the tenants cannot be listed.
    """
    async with database.as_worker() as conn:
        tenants = await tenant_ids(conn)
    merged = 0
    for tenant_id in tenants:
        with _told(tenant_id):
            # First: what came back is merged only after that.
            await clear_tenant(database, tenant_id=tenant_id)
        with _told(tenant_id):
            merged += await merge_tenant(database, tenant_id=tenant_id)
    if merged:
        log.info("merged postings", revisions=merged)
    return merged


async def arrange(database: Database, *, owner_url: str, most: int = EXACT_MOST) -> None:
    """Keep the vectors of each tenant where searching them is fast.

    Args:
        owner_url: where the owner of the tables connects.
        most: passages that a tenant is searched in without an index.
    """
    await arrange_places(database, owner_url=owner_url, report=log.info, most=most)


@contextmanager
def _told(tenant_id: int) -> Iterator[None]:
    """Go on after what the postings of a tenant meet."""
    try:
        yield
    except (RoadworthyError, psycopg.Error) as error:
        log.warning("postings wait", tenant=tenant_id, problem=str(error))
