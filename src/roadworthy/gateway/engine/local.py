"""The engine as a service of ours: started, published to the processes of its home, found."""

import json
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import psutil

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.engine.launch import (
    HOST,
    command,
    ensure_token,
    usual_threads,
    wait_until_ready,
)
from roadworthy.plumbing.processes import ChildProcess, Command, Guard

ENGINE_FILE = "engine.json"
ENGINE_MODULE = "roadworthy.gateway.engine"
START_S = 120.0  # the first start converts a model
LOOK_S = 0.1
LOG_TAIL_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAddress:
    """Where the local engine is reached."""

    url: str  # up to /v1
    token: str

    def __repr__(self) -> str:
        """Leave the token out."""
        return f"EngineAddress(url={self.url!r})"


class LocalEngine:
    """The engine as a service of ours.

    Args:
        published: other processes of this home may use it.
    """

    name = "engine"

    def __init__(
        self, home: Path, guard: Guard, *, threads: int | None = None, published: bool
    ) -> None:
        self._home = home
        self.log = self._home / "logs" / "engine.log"
        self._threads = threads or usual_threads()
        self._guard = guard
        self._published = published
        self._port = free_port()
        self._child: ChildProcess | None = None

    def trouble(self) -> str | None:
        """Say that it ended or does not answer; None while it is well."""
        return self._child.trouble() if self._child else "it is not running"

    def ensure_running(self) -> None:
        """Start it unless it is well; it is ready some time later.

        Raises:
            Unavailable: the home cannot be written.
        """
        if self.trouble() is None:
            return
        self.release()
        if not _is_free(self._port):
            self._port = free_port()
        ensure_token(self._home)
        self._child = self._on_port()
        self._child.ensure_running()
        if self._published and self._child.pid:
            publish_engine(self._home, port=self._port, pid=self._child.pid)

    def release(self) -> None:
        """Stop it."""
        if self._child is not None:
            self._child.release()
            self._child = None
            if self._published:
                (self._home / ENGINE_FILE).unlink(missing_ok=True)

    def wait(self, *, patience_s: float = START_S) -> EngineAddress:
        """Return when it is ready.

        Raises:
            Unavailable: it ended, or took longer; the sentence holds its last words.
        """
        address = _address(self._home, self._port)
        until = time.monotonic() + patience_s
        while not _answers(address):
            trouble = self.trouble()
            if trouble or time.monotonic() > until:
                why = trouble or f"it was not ready within {patience_s:g} s"
                raise Unavailable(f"The engine does not run: {why}; {last_words(self.log)}")
            time.sleep(LOOK_S)
        return address

    def _on_port(self) -> ChildProcess:
        argv = command(self._home, self._port, self._threads)
        url = f"http://{HOST}:{self._port}/livez"
        return ChildProcess(
            Command(
                name=self.name, argv=argv, log=self.log, is_healthy=lambda: says_alive(url),
                starting_s=START_S,
            ),
            self._guard,
        )  # fmt: skip


def publish_engine(home: Path, *, port: int, pid: int) -> None:
    """Tell the processes of a home where the engine is."""
    temporary = home / f".{ENGINE_FILE}.{pid}"
    temporary.write_text(json.dumps({"port": port, "pid": pid}), "utf-8")
    temporary.rename(home / ENGINE_FILE)


def published_engine(home: Path) -> EngineAddress | None:
    """Find the engine that somebody runs in this home, ready or not; None when nobody does."""
    try:
        record = json.loads((home / ENGINE_FILE).read_text("utf-8"))
        port, process = int(record["port"]), psutil.Process(int(record["pid"]))
        if ENGINE_MODULE not in process.cmdline():
            return None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None  # none was published, or it has ended
    return _address(home, port)


def await_engine(home: Path, *, patience_s: float = START_S) -> EngineAddress:
    """Return the published engine when it is ready.

    Raises:
        Unavailable: none became ready in time.
    """
    until = time.monotonic() + patience_s
    while True:
        address = published_engine(home)
        if address is not None and _answers(address):
            return address
        if time.monotonic() > until:
            raise Unavailable(
                "No local engine runs here: start one by `roadworthy up` or `roadworthy engine`, "
                "or set embeddings_url and chat_url."
            )
        time.sleep(LOOK_S)


def last_words(log: Path) -> str:
    """Quote the end of a log in a sentence."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    said = " / ".join(lines[-LOG_TAIL_LINES:])
    return f"{log} says: {said}" if said else f"{log} says nothing"


def says_alive(url: str) -> bool:
    """Ask a /livez of ours, briefly."""
    try:
        return httpx.get(url, timeout=1.0, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _answers(address: EngineAddress) -> bool:
    with suppress(Unavailable):
        wait_until_ready(address.url.removesuffix("/v1"), address.token, timedelta(0))
        return True
    return False


def _address(home: Path, port: int) -> EngineAddress:
    return EngineAddress(url=f"http://{HOST}:{port}/v1", token=ensure_token(home))


def free_port() -> int:
    """Find a loopback port that nobody listens on now."""
    with socket.socket() as chosen:
        chosen.bind((HOST, 0))
        return int(chosen.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
