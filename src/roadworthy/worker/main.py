"""Do jobs until told to stop: several at a time, through outages, and none of them twice."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from roadworthy.bootstrap import Services
from roadworthy.ingestion.limits import MIB, Limits
from roadworthy.ingestion.reading import DocumentReader
from roadworthy.ingestion.scoring import Scoring
from roadworthy.ingestion.service import IngestionService
from roadworthy.plumbing.tasks import cancelled
from roadworthy.plumbing.transports import receiver
from roadworthy.worker.chores import arrange, finish_deletions, merge_postings, score_passages
from roadworthy.worker.loops import now_and_then, take_turns
from roadworthy.worker.questions import answer_questions, drop_old_questions
from roadworthy.worker.spaces import ServedSpaces
from roadworthy.worker.tokenizers import Tokenizers
from roadworthy.worker.webhooks import tell_receivers

JOBS_AT_ONCE = 4
LOCK_FILE = "worker.lock"

log = structlog.get_logger(__name__)


async def work(
    services: Services, *, listen_url: str, owner_url: str | None, stop: asyncio.Event
) -> None:
    """Do the jobs of all tenants until `stop` is set; then end those at hand, within seconds.

    What is not ended by then is given back, and done by another worker.

    Args:
        listen_url: where a connection that waits for new jobs is made.
        owner_url: where the owner of the tables connects; None: nothing is moved here, and doctor
            says which tenants wait for `roadworthy space arrange`.
    """
    heard = receiver(services.settings, listen_url=listen_url, prefetch=JOBS_AT_ONCE)
    async with (
        ingestion(services) as doing,
        AsyncExitStack() as beside,
    ):
        for name, chore in _chores(services, owner_url=owner_url).items():
            await beside.enter_async_context(_beside(now_and_then(name, chore)))
        await beside.enter_async_context(_beside(answer_questions(services, stop=stop)))
        await beside.enter_async_context(_beside(tell_receivers(services)))
        log.info("working", jobs_at_once=JOBS_AT_ONCE)
        late = await take_turns(doing, heard, at_once=JOBS_AT_ONCE, stop=stop)
    log.info("stopped working", given_back=late)


@contextmanager
def present(home: Path) -> Iterator[None]:
    """Show, for a block, that a worker of this home is there, however it may end."""
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def is_working(home: Path) -> bool:
    """Tell whether a worker of this home is there."""
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


@asynccontextmanager
async def ingestion(services: Services) -> AsyncIterator[IngestionService]:
    """Open what reads documents, and close it in the end."""
    settings = services.settings
    embedders = ServedSpaces(services)
    reader = DocumentReader(
        timeout_s=settings.parse_timeout_s,
        memory_mb=settings.parse_memory_mb,
        max_bytes=settings.max_upload_mb * MIB,
        limits=Limits(
            pages=settings.max_pages,
            scanned_pages=settings.max_scanned_pages,
            unpacked_bytes=settings.max_unpacked_mb * MIB,
            attachments=settings.max_attachments,
        ),
    )
    try:
        yield IngestionService(
            database=services.database,
            reader=reader,
            embedders=embedders,
            tokenizers=await asyncio.to_thread(Tokenizers, settings, embedders),
            passage_tokens=settings.passage_tokens,
            overlap_tokens=settings.passage_overlap_tokens,
            classifier=services.background_classifier,
        )
    finally:
        await asyncio.to_thread(reader.close)


def _chores(
    services: Services, *, owner_url: str | None
) -> dict[str, Callable[[], Awaitable[object]]]:
    database = services.database
    found: dict[str, Callable[[], Awaitable[object]]] = {
        "finish deletions": partial(finish_deletions, services.deletion),
        "merge postings": partial(merge_postings, database),
        "drop old questions": partial(drop_old_questions, database),
    }
    if services.background_classifier is not None:
        scoring = Scoring(database, services.background_classifier)
        found["score passages"] = partial(score_passages, database, scoring)
    if owner_url is not None:
        found["arrange vectors"] = partial(arrange, database, owner_url=owner_url)
    return found


@asynccontextmanager
async def _beside(chore: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do something while the block runs; what it raises is raised when that ends."""
    doing = asyncio.create_task(chore)
    try:
        yield
    finally:
        await cancelled(doing)
