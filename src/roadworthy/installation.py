"""Find or start what this installation runs on: its PostgreSQL and its local engine.

PostgreSQL is shared by all processes of a home. An engine that `roadworthy up` or `roadworthy
engine` runs is published in `engine.json`; a command that finds none starts one for itself.
"""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import psutil

from roadworthy.bootstrap import DatabaseUrls, EngineAddress, database_urls, provision
from roadworthy.core.errors import Unavailable
from roadworthy.gateway.engine.cache import Progress, converted
from roadworthy.gateway.engine.catalogue import DEFAULT_MODEL
from roadworthy.gateway.engine.launch import (
    HOST,
    command,
    ensure_token,
    usual_threads,
    wait_until_ready,
)
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
from roadworthy.plumbing.processes import ChildProcess, Command, Guard
from roadworthy.plumbing.settings import Settings

ENGINE_FILE = "engine.json"
ENGINE_MODULE = "roadworthy.gateway.engine"
START_S = 120.0  # of an engine: the first start converts a model
LOOK_S = 0.2
LOG_TAIL_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What runs and how it is reached."""

    urls: DatabaseUrls
    engine: EngineAddress | None  # None: embeddings and chat are elsewhere


class LocalEngine:
    """The engine as a service of ours.

    Args:
        published: other processes of this home may use it.
    """

    name = "engine"

    def __init__(self, settings: Settings, guard: Guard, *, published: bool) -> None:
        self._home = settings.home
        self.log = self._home / "logs" / "engine.log"
        self._threads = settings.engine_threads or usual_threads()
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
            time.sleep(LOOK_S / 4)
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


@contextmanager
def local_installation(settings: Settings) -> Iterator[Installation]:
    """Run what is needed for a block; what others run already is shared.

    Raises:
        Unavailable: PostgreSQL or the engine cannot run here.
        Invalid: the settings do not say how the database is reached.
    """
    with _engine_begun(settings) as ready, running_database(settings) as urls:
        yield Installation(urls=urls, engine=ready())


@contextmanager
def attached_installation(settings: Settings) -> Iterator[Installation]:
    """Share, for a block, an engine that somebody else runs; PostgreSQL is started if need be.

    Raises:
        Unavailable: no engine became ready in time, or PostgreSQL cannot run here.
    """
    with running_database(settings) as urls:
        yield Installation(
            urls=urls, engine=await_engine(settings) if needs_engine(settings) else None
        )


@contextmanager
def engine_for_a_while(settings: Settings) -> Iterator[EngineAddress | None]:
    """Share the published engine, or run one for a block; None when none is needed.

    Raises:
        Unavailable: it does not run here.
    """
    with _engine_begun(settings) as ready:
        yield ready()


@contextmanager
def running_database(settings: Settings) -> Iterator[DatabaseUrls]:
    """Reach the database of the settings, or run the embedded one for a block.

    The embedded one is brought to this version's schema; another one is left as it is.
    """
    if is_external(settings):
        owner = settings.database_url
        yield database_urls(settings, owner_url=owner.get_secret_value() if owner else None)
        return
    with EmbeddedPostgres(settings.home).running() as owner_url:
        urls = database_urls(settings, owner_url=owner_url)
        provision(urls, progress=lambda _: None)
        yield urls


def is_external(settings: Settings) -> bool:
    """Tell whether the settings name a database of somebody else's."""
    named = (settings.database_url, settings.database_app_url, settings.database_worker_url)
    return any(url is not None for url in named)


def needs_engine(settings: Settings) -> bool:
    """Tell whether anything is left for the local engine to do."""
    return not (settings.embeddings_url and settings.chat_url)


def prepare_models(settings: Settings, *, progress: Progress) -> Path:
    """Convert the default model unless it is there; returns its folder.

    Raises:
        Unavailable: its weights are missing or wrong, or the disk is full.
    """
    return converted(DEFAULT_MODEL, settings.home / "models", progress=progress)


def publish_engine(home: Path, *, port: int, pid: int) -> None:
    """Tell the processes of a home where the engine is."""
    temporary = home / f".{ENGINE_FILE}.{pid}"
    temporary.write_text(json.dumps({"port": port, "pid": pid}), "utf-8")
    temporary.rename(home / ENGINE_FILE)


def published_engine(settings: Settings) -> EngineAddress | None:
    """Find the engine that somebody runs in this home, ready or not; None when nobody does."""
    try:
        record = json.loads((settings.home / ENGINE_FILE).read_text("utf-8"))
        port, process = int(record["port"]), psutil.Process(int(record["pid"]))
        if ENGINE_MODULE not in process.cmdline():
            return None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None  # none was published, or it has ended
    return _address(settings.home, port)


def await_engine(settings: Settings, *, patience_s: float = START_S) -> EngineAddress:
    """Return the published engine when it is ready.

    Raises:
        Unavailable: none became ready in time.
    """
    until = time.monotonic() + patience_s
    while True:
        address = published_engine(settings)
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


@contextmanager
def _engine_begun(settings: Settings) -> Iterator[Callable[[], EngineAddress | None]]:
    """Start an engine unless one is published, without waiting for it yet."""
    if not needs_engine(settings):
        yield lambda: None
        return
    if published_engine(settings) is not None:
        yield lambda: await_engine(settings)
        return
    guard = Guard()
    engine = LocalEngine(settings, guard, published=False)
    try:
        engine.ensure_running()
        yield engine.wait
    finally:
        engine.release()
        guard.close()


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
