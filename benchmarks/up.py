"""A whole installation under measurement: `roadworthy up` in a home of its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from roadworthy.bootstrap import services
from roadworthy.installation import attached_installation
from roadworthy.plumbing.settings import Settings, load_settings

QUESTION = "How many paid holidays do I have per year?"
PATIENCE_S = 300


class Up:
    """`roadworthy up`, started and stopped as a person would."""

    def __init__(self, home: Path, *, environ: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.environ = dict(environ or {})
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> Settings:
        """What the running processes were told."""
        return load_settings(self.environ, overrides={"home": self.home, "port": self.port})

    def start(self) -> float:
        """Start, and return the seconds until the first cited answer."""
        began = time.perf_counter()
        with (self.home / "up.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "roadworthy.cli", "--home", str(self.home), "up"],
                env=os.environ | self.environ | {"ROADWORTHY_PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )
        while not self._answers():
            if self._process.poll() is not None or time.perf_counter() - began > PATIENCE_S:
                raise RuntimeError((self.home / "up.log").read_text()[-2000:])
            time.sleep(0.05)
        return time.perf_counter() - began

    def wait_until_greeted(self) -> None:
        """Wait until it says that all is loaded."""
        until = time.perf_counter() + PATIENCE_S
        while b"Roadworthy runs at" not in (self.home / "up.log").read_bytes():
            if time.perf_counter() > until:
                raise RuntimeError((self.home / "up.log").read_text()[-2000:])
            time.sleep(0.1)

    def stop(self) -> float:
        """Stop it as a service manager does; returns the seconds until all has ended."""
        assert self._process is not None
        began = time.perf_counter()
        self._process.terminate()
        self._process.wait(60)
        return time.perf_counter() - began

    def keys(self) -> list[str]:
        """Read the keys of the sample people."""
        return _keys(json.loads((self.home / "sample-keys.json").read_text()))

    def resident_mb(self) -> dict[str, float]:
        """Add up what each kind of process holds; shared pages count once (PSS where there is)."""
        assert self._process is not None
        found: dict[str, float] = {}
        for process in self._all():
            with process.oneshot():
                memory = process.memory_full_info()
                name = _kind(process)
            held = getattr(memory, "pss", 0) or memory.rss
            found[name] = found.get(name, 0) + held / 1e6
        return {name: round(value, 1) for name, value in found.items()}

    def processes(self, kind: str) -> list[psutil.Process]:
        """Find those of a kind, such as api."""
        return [process for process in self._all() if _kind(process) == kind]

    def _all(self) -> list[psutil.Process]:
        assert self._process is not None
        top = psutil.Process(self._process.pid)
        children = top.children(recursive=True)
        postmaster = int((self.home / "postgres" / "postmaster.pid").read_text().split()[0])
        server = psutil.Process(postmaster)
        return list({p.pid: p for p in (top, *children, server, *server.children())}.values())

    def _answers(self) -> bool:
        try:
            [key, *_] = self.keys()
            response = httpx.post(
                f"{self.url}/v1/answers",
                json={"question": QUESTION},
                headers={"authorization": f"Bearer {key}"},
                timeout=30,
            )
        except (httpx.HTTPError, FileNotFoundError, ValueError):
            return False
        return response.is_success and response.json()["outcome"] == "answered"


@contextmanager
def fresh_home() -> Iterator[Path]:
    """Make a home, and remove it in the end."""
    home = Path(tempfile.mkdtemp(prefix="roadworthy-bench-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@asynccontextmanager
async def services_of(up: Up):  # noqa: ANN201
    """Open the services of a running installation in this process."""
    with attached_installation(up.settings) as place:
        async with services(up.settings, urls=place.urls, engine=place.engine) as opened:
            yield opened


def _keys(stored: object) -> list[str]:
    """Find the keys in the file, however they are arranged."""
    if isinstance(stored, dict):
        return [key for value in stored.values() for key in _keys(value)]
    if isinstance(stored, list):
        return [key for value in stored for key in _keys(value)]
    return [stored] if isinstance(stored, str) and stored.startswith("rw_") else []


def _kind(process: psutil.Process) -> str:
    words = " ".join(process.cmdline()) or process.name()
    kinds = {
        "chat_process": "chat",
        "gateway.engine": "engine",
        "parser_process": "parser",
        "postgres": "postgres",
        " serve": "api",
        " worker": "worker",
        " up": "supervisor",
    }
    return next((kind for sign, kind in kinds.items() if sign in words), "other")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@dataclass(slots=True)
class Peak:
    """The most that the processes of an installation held together."""

    total_mb: float = 0
    by_process: dict[str, float] | None = None


@contextmanager
def peak_of(up: Up) -> Iterator[Peak]:
    """Watch the memory of all processes of an installation for a block."""
    peak, ended = Peak(), threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            try:
                held = up.resident_mb()
            except psutil.Error:  # one ended between listing and looking
                continue
            if sum(held.values()) > peak.total_mb:
                peak.total_mb, peak.by_process = sum(held.values()), held

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield peak
    finally:
        ended.set()
        watching.join()
