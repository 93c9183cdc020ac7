"""A real local engine for tests: its converted models are kept for the next session."""

import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from roadworthy.core.errors import Unavailable
from roadworthy.gateway.engine.launch import command, ensure_token, wait_until_ready

KEPT_HOME = Path(__file__).parents[1] / ".home" / "test-engine"
START = timedelta(seconds=120)  # the first one converts the models


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineProcess:
    """A running engine."""

    url: str  # without /v1
    token: str
    pid: int
    home: Path


def free_port() -> int:
    """Find a port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextmanager
def running_engine(home: Path = KEPT_HOME, *, threads: int = 1) -> Iterator[EngineProcess]:
    """Start an engine, hand it out when it is ready, and stop it."""
    port = free_port()
    token = ensure_token(home)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command(home, port, threads), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            engine = EngineProcess(
                url=f"http://127.0.0.1:{port}", token=token, pid=process.pid, home=home
            )
            try:
                wait_until_ready(engine.url, token, START)
            except Unavailable as error:
                log.seek(0)
                error.add_note(log.read().decode())
                raise
            yield engine
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
