"""Are postings merged, and is what has gone taken out of them?"""

import asyncio
from datetime import datetime, timedelta

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.core.clock import now
from roadworthy.corpus.segments import Waiting, find_waiting
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.database import Database

PATIENCE = timedelta(hours=1)


def check_postings(urls: DatabaseUrls, *, patience: timedelta = PATIENCE) -> Check:
    """Tell postings that have waited for the worker longer than `patience`."""
    waiting = asyncio.run(_waiting(urls))
    late = [
        f"{what} since {since:%Y-%m-%d %H:%M} UTC"
        for what, since in (
            ("to be merged", waiting.unmerged_since),
            ("to be taken out, for their documents have gone,", waiting.uncleared_since),
        )
        if _is_late(since, patience)
    ]
    if late:
        return wrong(
            "postings",
            f"Postings wait {' and '.join(late)}; searches find what they should, but slower.",
            "Look into the log of `roadworthy worker`, which does so each minute, or start one.",
        )
    return fine("postings", "Postings are merged, and cleared of what has gone, or soon will be.")


def _is_late(since: datetime | None, patience: timedelta) -> bool:
    return since is not None and since < now() - patience


async def _waiting(urls: DatabaseUrls) -> Waiting:
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=1)
    await database.open()
    try:
        async with database.as_worker() as conn:
            return await find_waiting(conn)
    finally:
        await database.close()
