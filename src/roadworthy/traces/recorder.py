"""Records interactions: a line on disk at once, a row in the database soon after.

The line survives a kill of this process, the row survives the disk of this machine. Recording
costs the asker one write to the page cache. While the database is down the lines wait.
"""

import asyncio
import contextlib
import fcntl
import os
import time
import uuid
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import psycopg
import structlog
from pydantic import BaseModel, ValidationError

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.core.ids import new_id
from roadworthy.plumbing.database import Database
from roadworthy.traces.records import Begun, Trace, interrupted
from roadworthy.traces.store import add_traces

FLUSH_EVERY_S = 0.25
PAUSE_WHEN_DOWN_S = 2.0
BATCH = 200

log = structlog.get_logger(__name__)


class _Line(BaseModel):
    """One line of the spool: the beginning of an interaction, or all of it."""

    begun: Begun | None = None
    ended: Trace | None = None
    carried: uuid.UUID | None = None  # goes on in a later file


class TraceRecorder:
    """Owns one spool file at a time, and brings the finished ones to the database."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        self._open: dict[uuid.UUID, Begun] = {}
        self._ended = deque[Trace]()  # that are not on disk yet
        self._oldest: dict[Path, float] = {}  # when the first trace of a file of ours ended
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = _SpoolFile.create(folder)
        self._flushing = asyncio.Lock()

    def begin(self, begun: Begun) -> None:
        """Note that somebody asked.

        Raises:
            Unavailable: the disk does not take it; nothing is done of which no trace would tell.
        """
        try:
            self._file.append(_Line(begun=begun))
        except OSError as error:
            log.warning("traces cannot be written", folder=str(self._folder), reason=error.strerror)
            raise Unavailable(
                f"Nothing can be recorded in {self._folder}: {error.strerror}."
            ) from error
        self._open[begun.id] = begun

    def end(self, trace: Trace) -> None:
        """Note how it ended; what the disk does not take now is written when it does."""
        self._ended.append(trace)
        self._oldest.setdefault(self._file.path, time.monotonic())
        with contextlib.suppress(OSError):
            self._write_ended()

    def unstored_s(self) -> float:
        """Say for how long something that ended here has not been stored; 0: all is.

        What others left counts not: a file that can never be read would count for ever.
        """
        self._oldest = {path: at for path, at in self._oldest.items() if path.exists()}
        at = time.monotonic()
        return at - min(self._oldest.values(), default=at)

    async def run(self) -> None:
        """Bring lines to the database until cancelled; then once more."""
        try:
            while True:
                pause = FLUSH_EVERY_S if await self._flushed() else PAUSE_WHEN_DOWN_S
                await asyncio.sleep(pause)
        finally:
            await self._flushed()
            self.close()

    async def _flushed(self) -> bool:
        try:
            return await self.flush()
        except Exception as error:  # noqa: BLE001 - it is said, and tried again
            # Whatever it is may pass, as a full disk does; budgets are held by what is stored.
            log.warning(
                "traces are not stored", folder=str(self._folder), reason=type(error).__name__
            )
            return False

    def close(self) -> None:
        """Leave the spool; lines that were not stored wait there for another."""
        self._file.close_if_empty()

    async def flush(self) -> bool:
        """Store all that has ended, also in files that dead processes left.

        Returns:
            False when not all could be stored: the lines wait.
        """
        # One at a time: who waits for it finds what had ended off the disk.
        async with self._flushing:
            return await self._flush()

    def _write_ended(self) -> None:
        while self._ended:
            self._file.append(_Line(ended=self._ended[0]))
            self._open.pop(self._ended.popleft().begun.id, None)

    async def _flush(self) -> bool:
        try:
            has_room = await self._made_room()
            each_stored = [
                await self._stored(path) for path in sorted(self._folder.glob("*.jsonl"))
            ]
        except (Unavailable, Busy) as error:
            log.warning("traces wait on disk", problem=error.message, folder=str(self._folder))
            return False
        return has_room and all(each_stored)

    async def _made_room(self) -> bool:
        """Leave the file, so that it can be stored; False where the disk is too full for that.

        What has ended is then stored from memory. As nothing begins meanwhile, nothing is open
        soon, and the next file needs no room.
        """
        try:
            self._write_ended()
            if self._file.has_lines:
                self._turn_over()
        except OSError as error:
            log.warning("traces cannot be written", folder=str(self._folder), reason=error.strerror)
        else:
            return True
        while self._ended:
            trace = self._ended[0]
            await self._add([trace])
            if self._ended and self._ended[0] is trace:  # else it found room meanwhile
                self._open.pop(self._ended.popleft().begun.id, None)
        return False

    def _turn_over(self) -> None:
        """Go on in a new file with what is open, or as before where the disk takes not all."""
        new = _SpoolFile.create(self._folder)
        try:
            new.append(*(_Line(begun=begun) for begun in self._open.values()))
            self._file.append(*(_Line(carried=each) for each in self._open))
        except OSError:
            new.discard()
            raise
        full, self._file = self._file, new
        full.release()

    async def _stored(self, path: Path) -> bool:
        """Store a file, or say why not: the files after it wait for the database alone."""
        try:
            await self._store(path)
        except (Unavailable, Busy):
            raise
        except Exception as error:  # noqa: BLE001 - it is said, and tried again
            # Such as a file that another user left, and no file of ours to mend.
            log.warning("a spool file is not stored", file=str(path), reason=type(error).__name__)
            return False
        return True

    async def _store(self, path: Path) -> None:
        with _taken(path) as text:
            if text is None:
                return
            begun, ended = _read(text, path)
            dead = [b for b in begun if b.id not in self._open and b.id not in ended]
            traces = [*ended.values(), *(interrupted(b) for b in dead)]
            for start in range(0, len(traces), BATCH):
                await self._add(traces[start : start + BATCH])
            path.unlink(missing_ok=True)

    async def _add(self, traces: list[Trace]) -> None:
        try:
            await add_traces(self._database, traces)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(traces) == 1:
                log.warning(
                    "a trace cannot be stored",
                    trace=str(traces[0].begun.id),
                    reason=type(error).__name__,
                )
                return
            for trace in traces:
                await self._add([trace])


async def bring_left(folder: Path, database: Database) -> bool:
    """Store what dead processes left in a spool; False when the database could not take it all."""
    recorder = TraceRecorder(folder, database)
    try:
        return await recorder.flush()
    finally:
        recorder.close()


class _SpoolFile:
    """A file that is locked while its process may still write to it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._is_torn = False  # its last line is not whole
        self.has_lines = False

    @classmethod
    def create(cls, folder: Path) -> "_SpoolFile":
        path = folder / f"{new_id()}.jsonl"
        # Until it is locked nobody looks for it: who found it empty would delete it.
        unlocked = path.with_suffix(".new")
        descriptor = os.open(unlocked, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            unlocked.rename(path)
        except OSError:
            os.close(descriptor)
            unlocked.unlink()
            raise
        return cls(path, descriptor)

    def append(self, *lines: _Line) -> None:
        """Write lines, all or none; raises OSError where the disk takes less."""
        left = b"".join(line.model_dump_json(exclude_none=True).encode() + b"\n" for line in lines)
        if not left:
            return
        size, was_torn = os.fstat(self._descriptor).st_size, self._is_torn
        if was_torn:
            left = b"\n" + left  # else the first line would be lost with the torn one
        self.has_lines = self._is_torn = True
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError:
            os.ftruncate(self._descriptor, size)  # where that fails, too, a line stays torn
            self._is_torn = was_torn
            raise
        self._is_torn = False

    def release(self) -> None:
        os.close(self._descriptor)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self.release()

    def close_if_empty(self) -> None:
        if self.has_lines:
            self.release()
        else:
            self.discard()


@contextlib.contextmanager
def _taken(path: Path) -> Iterator[bytes | None]:
    """Read a file that nobody writes to any more; None when somebody does."""
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):
            yield None
        else:
            yield file.read()


def _read(text: bytes, path: Path) -> tuple[list[Begun], dict[uuid.UUID, Trace]]:
    begun: list[Begun] = []
    ended: dict[uuid.UUID, Trace] = {}
    carried: set[uuid.UUID] = set()
    for number, line in enumerate(text.rstrip(b"\n").split(b"\n"), 1):
        try:
            read = _Line.model_validate_json(line)
        except ValidationError:
            # The process was killed, or the disk full, within the write of this line alone.
            log.warning("a spooled trace is cut off", file=str(path), line=number)
            continue
        if read.begun:
            begun.append(read.begun)
        if read.ended:
            ended[read.ended.begun.id] = read.ended
        if read.carried:
            carried.add(read.carried)
    return [each for each in begun if each.id not in carried], ended
