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
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import psutil
from pydantic import TypeAdapter

from roadworthy.core.errors import Invalid, Unavailable
from roadworthy.ingestion.records import ParsedDocument

MIB = 1024 * 1024
LENGTH = struct.Struct(">QQ")  # of a message's head (JSON) and of its body
START_TIMEOUT_S = 60.0
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
        recycle_mb: int = 300,
    ) -> None:
        self._timeout_s = timeout_s
        self._memory_mb = memory_mb  # that one document may add to what an idle child needs
        self._max_bytes = max_bytes
        self._recycle_mb = recycle_mb  # a child that keeps more than this is replaced
        self._child: subprocess.Popen[bytes] | None = None
        self._parsed = 0
        self._one_at_a_time = threading.Lock()

    def parse(self, content: bytes, *, name: str, media_type: str | None = None) -> ParsedDocument:
        """Read a file into text, as `roadworthy.ingestion.parse.parse` does.

        Raises:
            Invalid: as `parse`; also too large, too slow, or it crashed the parser.
            Unavailable: no child can be started.
        """
        if len(content) > self._max_bytes:
            raise Invalid(
                f"{name} is larger than {self._max_bytes // MIB} MiB; split it, or raise the limit",
                name=name,
                reason="too_large",
                size_bytes=len(content),
            )
        asked = {"name": name, "media_type": media_type}
        with self._one_at_a_time:
            try:
                head, body = self._ask(asked, content)
            except TimeoutError as error:
                self._end()
                raise Invalid(
                    f"{name} took longer than {self._timeout_s:g} s to read; split it, or raise "
                    "the limit",
                    name=name,
                    reason="too_slow",
                ) from error
            except _Died as error:
                self._end()
                raise Invalid(
                    f"{name} crashed the parser or needs more than {self._memory_mb} MiB to read; "
                    "save it again in its own program, or split it",
                    name=name,
                    reason="broken",
                ) from error
            self._recycle()
        if "refused" in head:
            raise Invalid(head["refused"], **head["facts"])
        return DOCUMENT.validate_json(body)

    def close(self) -> None:
        """End the child; a later `parse` starts another."""
        with self._one_at_a_time:
            self._end()

    def _ask(self, head: dict[str, str | None], body: bytes) -> tuple[dict[str, Any], bytes]:
        child = self._running()
        assert child.stdin is not None
        try:
            _send(child.stdin, head, body)
        except BrokenPipeError as error:
            raise _Died from error
        return _receive(child, time.monotonic() + self._timeout_s)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._end()
        # -P: a file in the working directory must not stand in for one of our modules.
        command = [sys.executable, "-P", "-m", "roadworthy.ingestion.parser_process"]
        limits = [str(self._memory_mb), str(math.ceil(self._timeout_s) + 1)]
        self._child = subprocess.Popen(
            [*command, *limits],
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
                "1024 60` to see why"
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


def _serve(*, memory_mb: int, patience_s: int) -> None:
    """Answer documents from standard input until it closes: be the child."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up among the answers
    from roadworthy.ingestion.parse import parse  # noqa: PLC0415 (the parent must not load it)

    _send(answers, {}, b"")
    questions = sys.stdin.buffer
    while sizes := questions.read(LENGTH.size):
        head_size, body_size = LENGTH.unpack(sizes)
        asked = json.loads(questions.read(head_size))
        content = questions.read(body_size)
        _limit_memory(memory_mb)
        signal.alarm(patience_s)  # ends a child that hangs after its parent has died
        try:
            document = parse(content, **asked)
        except Invalid as refusal:
            _send(answers, {"refused": refusal.message, "facts": refusal.facts}, b"")
        else:
            body = json.dumps(asdict(document), default=datetime.isoformat).encode()
            _send(answers, {}, body)
            del document, body
        signal.alarm(0)
        del content


def _limit_memory(memory_mb: int) -> None:
    """Allow so much address space above what is mapped now; macOS has no such limit."""
    if sys.platform != "linux":
        return
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + memory_mb * MIB, hard))


if __name__ == "__main__":
    _serve(memory_mb=int(sys.argv[1]), patience_s=int(sys.argv[2]))
