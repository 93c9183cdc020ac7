"""`up` runs everything, puts back what dies, and leaves nothing behind, however it ends."""

import os
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path

import httpx
import psutil
import pytest

from roadworthy.cli.exits import EXIT_CODES
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres
from tests.command_line import CommandLine
from tests.engine_process import KEPT_HOME, free_port

START_S = 100  # the very first one converts the model


@pytest.fixture(scope="module")
def home():
    # Not below pytest's own folder: the server's account may not enter there.
    folder = Path(tempfile.mkdtemp(prefix="roadworthy-test-up-"))
    (KEPT_HOME / "models").mkdir(parents=True, exist_ok=True)
    (folder / "models").symlink_to(KEPT_HOME / "models")
    yield folder
    server = EmbeddedPostgres(folder)
    server.start()
    server.release()
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def cli(home):
    return CommandLine(
        environ={
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "ROADWORTHY_HOME": str(home),
            "ROADWORTHY_PORT": str(free_port()),
        }
    )


def until(condition, *, seconds=START_S):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)
    return found


def said(home):
    return (home / "output.log").read_text()


def ours(home, *words):
    """List the running processes of a home whose command line has all of `words`."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(home) in line and all(word in line for word in words):
            found.append(process)
    return found


def started(cli, home):
    until(lambda: "Roadworthy runs at" in said(home))
    [url] = re.findall(r"runs at (\S+) ", said(home))
    return url


def test_it_starts_mends_stops_and_starts_again(cli, home):
    with cli.running("up", "--no-sample") as up:
        url = started(cli, home)
        assert httpx.get(f"{url}/livez", trust_env=False).json() == {"status": "live"}
        assert cli.run("up").returncode == EXIT_CODES["conflict"]
        [worker] = until(lambda: ours(home, "roadworthy.cli", "worker"))
        os.kill(worker.pid, signal.SIGKILL)
        until(lambda: [w for w in ours(home, "roadworthy.cli", "worker") if w.pid != worker.pid])
        up.send_signal(signal.SIGINT)
        assert up.wait(timeout=40) == 0
    assert "worker: it was ended by signal 9" in said(home)
    assert ours(home) == []
    (home / "output.log").unlink()
    with cli.running("up", "--no-sample") as up:
        started(cli, home)
        up.kill()
        up.wait()
        # PostgreSQL alone outlives it: the next start adopts it.
        until(lambda: all("postgres" in p.name() for p in ours(home)), seconds=20)


def test_it_refuses_to_start_on_a_fault(cli):
    done = cli.run("up", environ={"LANG": "fr_FR.UTF-8.2"})
    assert (done.returncode, "LANG" in done.stderr) == (1, True)
