"""Has every deletion come to its end?"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.core.clock import now
from roadworthy.deletion import Receipt, list_open_receipts
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.database import Database

PATIENCE = timedelta(minutes=5)
MOST, MOST_NAMED = 100, 3


def check_deletions(urls: DatabaseUrls, *, patience: timedelta = PATIENCE) -> Check:
    """Tell the deletions that were asked for longer ago than `patience` and are not finished."""
    left = asyncio.run(_left(urls, patience))
    hidden, erased = (
        [each for each in left if (each.erased_at is None) == is_hidden]
        for is_hidden in (True, False)
    )
    if hidden:
        return wrong(
            "deletions",
            f"What these deletions hide is not erased yet: {_named(hidden)}.",
            "If none of them is running, run it again: it goes on where it was cut off.",
        )
    if erased:
        return wrong(
            "deletions",
            f"All rows are gone, but these deletions are not finished: {_named(erased)}.",
            "A running worker finishes them within a minute; if it does not, its log says why, or "
            "a process is still ending what it had begun: restart `serve` and `worker`.",
        )
    return fine("deletions", "Every deletion has come to its end.")


async def _left(urls: DatabaseUrls, patience: timedelta) -> list[Receipt]:
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=1)
    await database.open()
    try:
        async with database.as_worker() as conn:
            opened = await list_open_receipts(conn, before=now() - patience, limit=MOST)
    finally:
        await database.close()
    return [receipt for _, receipt in opened]


def _named(receipts: Sequence[Receipt]) -> str:
    shown = ", ".join(f"{each.scope} ({each.id})" for each in receipts[:MOST_NAMED])
    rest = len(receipts) - MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown
