"""Parse in a child process, so that a file that crashes or hangs the parser harms only itself."""

import contextlib
import json
import math
import os
import resource
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import psutil
from pydantic import TypeAdapter

from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.ingestion.limits import MIB, Limits
from roadworthy.ingestion.records import NeedsRecognition, ParsedDocument, Report

LENGTH = struct.Struct(">QQ")  # of a message's head (JSON) and of its body
START_TIMEOUT_S = 60.0
MOST_KILLS = 3  # of a kernel that runs out of memory, over one document
RECYCLE_DOCUMENTS = 500  # memory that a parser leaks comes back with a new child
DOCUMENT = TypeAdapter(ParsedDocument)


class _Died(Exception):
    """The child ended in the middle of a document."""


class ParserProcess:
    """Parses one document at a time in one long-lived child; starts another when it dies.

    May be called from several threads; they wait for each other. The child ends with its parent.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 120.0,
        memory_mb: int = 1024,
        max_bytes: int = 100 * MIB,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        recycle_mb: int = 300,
    ) -> None:
        self._timeout_s = timeout_s  # of a document, and of each page that is recognised
        self._limits = limits
        self._memory_mb = memory_mb  # that one document may add to what an idle child needs
        self._max_bytes = max_bytes
        self._recycle_mb = recycle_mb  # a child that keeps more than this is replaced
        self._child: subprocess.Popen[bytes] | None = None
        self._parsed = 0
        self._is_closing = False
        self._one_at_a_time = threading.Lock()

    def parse(
        self,
        content: bytes,
        *,
        name: str,
        media_type: str | None = None,
        report: Report | None = None,
    ) -> ParsedDocument:
        """Read a file into text, as `roadworthy.ingestion.parse.parse` does.

        Args:
            report: is told how many pages of pictures are recognised; None: they are not to be.

        Raises:
            Invalid: as `parse`; also too large, too slow, or it crashed the parser.
            NeedsRecognition: pages have to be recognised, and `report` is None.
            Unavailable: no child can be started, or text recognition is damaged.
        """
        if len(content) > self._max_bytes:
            raise Invalid(
                f"{name} is larger than {self._max_bytes // MIB} MiB; split it, or raise "
                "max_upload_mb",
                name=name,
                reason="too_large",
                size_bytes=len(content),
            )
        asked = {"name": name, "media_type": media_type, "recognise": report is not None}
        with self._one_at_a_time:
            try:
                head, body = self._ask(asked, content, report)
            except TimeoutError as error:
                self._end()
                raise Invalid(
                    f"{name} took longer than {self._timeout_s:g} s to read; split it, or raise "
                    "parse_timeout_s",
                    name=name,
                    reason="too_slow",
                ) from error
            except _Died as error:
                self._end()
                raise Invalid(
                    f"{name} crashed the parser or needs more than {self._memory_mb} MiB to read; "
                    "save it again in its own program, split it, or raise parse_memory_mb",
                    name=name,
                    reason="crashed",
                ) from error
            self._recycle()
        if "refused" in head:
            raise Invalid(head["refused"], **head["facts"])
        if "unavailable" in head:
            raise Unavailable(head["unavailable"], **head["facts"])
        if "needs_recognition" in head:
            raise NeedsRecognition
        return _unpacked(body, sizes=head["sizes"])

    def close(self) -> None:
        """End the child, with the file that it reads; a later `parse` starts another."""
        self._is_closing = True
        child = self._child
        if child is not None:
            child.kill()
        with self._one_at_a_time:
            self._end()
            self._is_closing = False

    def _ask(
        self, head: dict[str, object], body: bytes, report: Report | None
    ) -> tuple[dict[str, Any], bytes]:
        """Ask the child; another one, when it was killed from outside: that tells nothing yet."""
        for _ in range(MOST_KILLS):
            try:
                return self._ask_child(head, body, report)
            except _Died:
                if self._is_closing or not self._was_killed():
                    raise
        raise _Died

    def _was_killed(self) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._child is not None and self._child.wait(1) == -signal.SIGKILL
        return False

    def _ask_child(
        self, head: dict[str, object], body: bytes, report: Report | None
    ) -> tuple[dict[str, Any], bytes]:
        child = self._running()
        assert child.stdin is not None
        try:
            _send(child.stdin, head, body)
        except BrokenPipeError as error:
            raise _Died from error
        while True:
            answer, content = _receive(child, time.monotonic() + self._timeout_s)
            if "done" not in answer:
                return answer, content
            if report is not None:
                report(answer["done"], answer["total"])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        # -P: a file in the working directory must not stand in for one of our modules.
        command = [sys.executable, "-P", "-m", "roadworthy.ingestion.parser_process"]
        bounds = [str(self._memory_mb), str(math.ceil(self._timeout_s) + 1)]
        self._child = subprocess.Popen(
            [*command, *bounds, json.dumps(asdict(self._limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what libraries print says nothing that we could act on
        )
        self._parsed = 0
        try:
            _receive(self._child, time.monotonic() + START_TIMEOUT_S)
        except (_Died, TimeoutError) as error:
            self._end()
            raise Unavailable(
                "the parser does not start; run `python -m roadworthy.ingestion.parser_process "
                "1024 60 {}` to see why"
            ) from error
        return self._child

    def _recycle(self) -> None:
        self._parsed += 1
        if self._child is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            kept = psutil.Process(self._child.pid).memory_info().rss
            if kept > self._recycle_mb * MIB or self._parsed >= RECYCLE_DOCUMENTS:
                self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(BrokenPipeError):  # what was not yet sent is given up
                assert pipe is not None
                pipe.close()


def _send(pipe: IO[bytes], head: object, body: bytes) -> None:
    written = json.dumps(head).encode()
    pipe.write(LENGTH.pack(len(written), len(body)))
    pipe.write(written)
    pipe.write(body)
    pipe.flush()


def _receive(child: subprocess.Popen[bytes], deadline: float) -> tuple[dict[str, Any], bytes]:
    assert child.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)

        def exactly(size: int) -> bytes:
            parts = bytearray()
            while len(parts) < size:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError
                part = os.read(descriptor, min(size - len(parts), MIB))
                if not part:
                    raise _Died
                parts += part
            return bytes(parts)

        descriptor = child.stdout.fileno()
        head_size, body_size = LENGTH.unpack(exactly(LENGTH.size))
        return json.loads(exactly(head_size)), exactly(body_size)


def _packed(document: ParsedDocument) -> tuple[list[int], bytes]:
    """Write a document as JSON, and what is attached to it behind."""
    contents = [each.content for each in document.attachments]
    bare = replace(
        document, attachments=tuple(replace(a, content=b"") for a in document.attachments)
    )
    written = json.dumps(asdict(bare), default=_written).encode()
    return [len(written), *map(len, contents)], b"".join([written, *contents])


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else ""


def _unpacked(body: bytes, *, sizes: list[int]) -> ParsedDocument:
    written, *contents = _cut(body, sizes)
    document = DOCUMENT.validate_json(written)
    attachments = zip(document.attachments, contents, strict=True)
    return replace(
        document,
        attachments=tuple(replace(each, content=content) for each, content in attachments),
    )


def _cut(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    start = 0
    for size in sizes:
        yield body[start : start + size]
        start += size


def _serve(*, memory_mb: int, patience_s: int, limits: Limits) -> None:
    """Answer documents from standard input until it closes: be the child."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    from roadworthy.ingestion.parse import parse  # noqa: PLC0415 (the parent must not load it)

    def report(done: int, total: int) -> None:
        signal.alarm(patience_s)
        _send(answers, {"done": done, "total": total}, b"")

    def answer(content: bytes, *, recognise: bool, **asked: str) -> tuple[dict[str, Any], bytes]:
        told = report if recognise else None
        try:
            document = parse(content, limits=limits, report=told, **asked)
        except Invalid as refusal:
            return {"refused": refusal.message, "facts": refusal.facts}, b""
        except Unavailable as missing:
            return {"unavailable": missing.message, "facts": missing.facts}, b""
        except NeedsRecognition:
            return {"needs_recognition": True}, b""
        sizes, body = _packed(document)
        return {"sizes": sizes}, body

    _send(answers, {}, b"")
    for asked, content in _questions(sys.stdin.buffer):
        _limit_memory(memory_mb)
        signal.alarm(patience_s)  # ends a child that hangs after its parent has died
        _send(answers, *answer(content, **asked))
        signal.alarm(0)


def _questions(pipe: IO[bytes]) -> Iterator[tuple[dict[str, Any], bytes]]:
    while sizes := pipe.read(LENGTH.size):
        head_size, body_size = LENGTH.unpack(sizes)
        yield json.loads(pipe.read(head_size)), pipe.read(body_size)


def _limit_memory(memory_mb: int) -> None:
    """Allow so much address space above what is mapped now; macOS has no such limit."""
    if sys.platform != "linux":
        return
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + memory_mb * MIB, hard))


if __name__ == "__main__":
    _serve(
        memory_mb=int(sys.argv[1]),
        patience_s=int(sys.argv[2]),
        limits=Limits(**json.loads(sys.argv[3])),
    )
