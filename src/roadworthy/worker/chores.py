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
from roadworthy.ingestion.scoring import Scoring
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
        with telling("postings wait", tenant_id):
            # First: what came back is merged only after that.
            await clear_tenant(database, tenant_id=tenant_id)
        with telling("postings wait", tenant_id):
            merged += await merge_tenant(database, tenant_id=tenant_id)
    if merged:
        log.info("merged postings", revisions=merged)
    return merged


async def score_passages(database: Database, scoring: Scoring) -> int:
    """Score some of what came without a score, or with an earlier classifier's; gives how many.

    What one tenant's meet is told, and keeps no other's from their turn.

    Raises:
        Unavailable, Busy: the tenants cannot be listed.
    """
    async with database.as_worker() as conn:
        tenants = await tenant_ids(conn)
    scored = 0
    for tenant_id in tenants:
        with telling("passages wait for their scores", tenant_id):
            scored += await scoring.of_tenant(tenant_id)
    if scored:
        log.info("scored passages for the guards", passages=scored)
    return scored


async def arrange(database: Database, *, owner_url: str, most: int = EXACT_MOST) -> None:
    """Keep the vectors of each tenant where searching them is fast.

    Args:
        owner_url: where the owner of the tables connects.
        most: passages that a tenant is searched in without an index.
    """
    await arrange_places(database, owner_url=owner_url, report=log.info, most=most)


@contextmanager
def telling(event: str, tenant_id: int) -> Iterator[None]:
    """Go on after what the chore of one tenant meets, and tell of it."""
    try:
        yield
    except (RoadworthyError, psycopg.Error) as error:
        log.warning(event, tenant=tenant_id, problem=str(error))
