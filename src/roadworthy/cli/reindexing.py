"""Follow the jobs that bring the documents of a corpus in line."""

import asyncio
import uuid

from rich.progress import Progress as Bar

from roadworthy.cli import show
from roadworthy.core.clock import now
from roadworthy.core.errors import Invalid
from roadworthy.corpus.documents import Corpus
from roadworthy.corpus.reindex_jobs import MOST_AT_ONCE, enqueue_reindex, unfinished
from roadworthy.plumbing.database import Database

LOOK_EVERY_S = 0.3


async def queue_all(database: Database, *, tenant_id: int, corpus: Corpus) -> int:
    """Add a job for each published document of a corpus, some in each transaction.

    Returns: how many; documents whose job waits already are not counted.
    """
    added = 0
    after: uuid.UUID | None = None
    while True:
        async with database.as_worker(tenant_id) as conn:
            some = await enqueue_reindex(
                conn, tenant_id=tenant_id, corpus_id=corpus.id, after=after
            )
        added += len(some)
        if len(some) < MOST_AT_ONCE:
            return added
        after = some[-1]


async def follow(database: Database, *, tenant_id: int, corpus: Corpus) -> None:
    """Show a bar until no such job of the corpus is left.

    Raises:
        Invalid: one failed meanwhile; the sentence says why.
    """
    began, total = now(), 0
    with Bar(console=show.ERR, transient=True, disable=not show.ERR.is_terminal) as bar:
        task = bar.add_task("documents", total=None)
        while True:
            async with database.as_worker(tenant_id) as conn:
                left = await unfinished(conn, tenant_id=tenant_id, corpus_id=corpus.id, since=began)
            if left.problem is not None:
                raise Invalid(f"A document could not be brought in line: {left.problem}")
            total = max(total, left.jobs)
            done = total - left.jobs
            bar.update(task, total=total, completed=done, description=left.stage or "waiting")
            if not left.jobs:
                return
            await asyncio.sleep(LOOK_EVERY_S)
