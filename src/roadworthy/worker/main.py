"""Do jobs until told to stop: several at a time, through outages, and none of them twice."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import structlog

from roadworthy.bootstrap import Services
from roadworthy.core.errors import Busy, Unavailable
from roadworthy.ingestion.limits import MIB, Limits
from roadworthy.ingestion.reading import DocumentReader
from roadworthy.ingestion.service import IngestionService
from roadworthy.plumbing import jobs
from roadworthy.worker.spaces import ServedSpaces
from roadworthy.worker.tokenizers import Tokenizers

JOBS_AT_ONCE = 4
POLL_EVERY_S = 2.0  # a retry falls due, a lease runs out: nobody notifies of that
DRAIN_S = 8.0  # a job at hand may end; less than the supervisor's patience
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0
LOCK_FILE = "worker.lock"

log = structlog.get_logger(__name__)


async def work(services: Services, *, listen_url: str, stop: asyncio.Event) -> None:
    """Do the jobs of all tenants until `stop` is set; then end those at hand, within seconds.

    What is not ended by then is done by another worker when its lease has run out.

    Args:
        listen_url: where a connection that waits for new jobs is made.
    """
    async with _ingestion(services) as ingestion:
        wake = asyncio.Event()
        listening = asyncio.create_task(_hear(listen_url, wake))
        loops = [
            asyncio.create_task(_loop(ingestion, wake=wake, stop=stop)) for _ in range(JOBS_AT_ONCE)
        ]
        log.info("working", jobs_at_once=JOBS_AT_ONCE)
        await stop.wait()
        wake.set()
        _, late = await asyncio.wait(loops, timeout=DRAIN_S)
        for task in (*late, listening):
            task.cancel()
        await asyncio.gather(*late, listening, return_exceptions=True)
    log.info("stopped working", left_to_others=len(late))


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


async def _loop(ingestion: IngestionService, *, wake: asyncio.Event, stop: asyncio.Event) -> None:
    pause = FIRST_PAUSE_S
    while not stop.is_set():
        try:
            wake.clear()
            if not await ingestion.do_one():
                await _wait(wake, POLL_EVERY_S)
            pause = FIRST_PAUSE_S
        except (Unavailable, Busy) as error:
            log.warning("the worker waits", problem=error.message, pause_s=pause)
            await _wait(stop, pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        except Exception:  # the last resort: one bad job must not stop the others
            log.exception("a job ended in a bug; it is tried again when its lease has run out")
            await _wait(stop, pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)


async def _hear(url: str, wake: asyncio.Event) -> None:
    """Set `wake` for each new job; while the database is away, polling goes on without us."""
    while True:
        with suppress(psycopg.OperationalError):
            async with await psycopg.AsyncConnection.connect(
                url, autocommit=True, application_name="roadworthy-listener"
            ) as conn:
                await jobs.listen(conn)
                async for _ in conn.notifies():
                    wake.set()
        await asyncio.sleep(POLL_EVERY_S)


async def _wait(event: asyncio.Event, longest_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(longest_s):
            await event.wait()


@asynccontextmanager
async def _ingestion(services: Services) -> AsyncIterator[IngestionService]:
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
        )
    finally:
        await _close(reader)


async def _close(reader: DocumentReader) -> None:
    """Close the reader, though a thread of a cancelled job may still wait for its child."""
    closing = asyncio.create_task(asyncio.to_thread(reader.close))
    _, waiting = await asyncio.wait({closing}, timeout=0.5)
    if waiting:
        for child in psutil.Process().children():
            if "roadworthy.ingestion.parser_process" in child.cmdline():
                child.kill()
    await closing
