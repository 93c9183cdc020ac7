"""Is accepted work done?"""

import asyncio
from datetime import timedelta

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.core.errors import RoadworthyError
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.plumbing.backlog import Pile, due_for, is_taken, piles
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.retries import BUG

PATIENCE = timedelta(minutes=5)


def check_work(urls: DatabaseUrls, *, patience: timedelta = PATIENCE) -> Check:
    """Tell due jobs that nobody takes, and jobs that failed by a mistake of ours."""
    try:
        found, nobody = asyncio.run(_found(urls, patience))
    except RoadworthyError as error:
        return wrong("work", error.message, "Run `roadworthy doctor` again.")
    waiting, failed = _sum(found, "queued"), _sum(found, "failed")
    if nobody:
        return wrong(
            "work",
            f"{waiting} jobs wait, the oldest for {due_for(found)}, and no worker takes any.",
            "Start `roadworthy worker` (`roadworthy up` does), or look into its log.",
        )
    if bugs := sum(each.jobs for each in found if _is_bug(each)):
        return wrong(
            "work",
            f"{bugs} jobs failed by a mistake of ours, or killed their workers.",
            "Read `roadworthy job list --state failed` and the worker's log; then retry or drop "
            "them.",
        )
    return fine("work", f"{waiting} jobs wait; {failed} failed by what they were for.")


async def _found(urls: DatabaseUrls, patience: timedelta) -> tuple[list[Pile], bool]:
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=1)
    await database.open()
    try:
        async with database.as_worker() as conn:
            found = await piles(conn)
            is_late = due_for(found) > patience
            return found, is_late and not await is_taken(conn, within=patience)
    finally:
        await database.close()


def _sum(found: list[Pile], state: str) -> int:
    return sum(each.jobs for each in found if each.state == state)


def _is_bug(pile: Pile) -> bool:
    return (pile.state, pile.problem_kind) == ("failed", BUG)
