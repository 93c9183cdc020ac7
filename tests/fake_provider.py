"""The fake provider as people run it: a process of its own, asked over HTTP."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeProvider:
    """A running one."""

    url: str  # up to /v1

    def stats(self) -> dict[str, int]:
        """Read what it counted."""
        address = self.url.removesuffix("/v1") + "/stats"
        return httpx.get(address, trust_env=False).raise_for_status().json()

    def when_idle(self, *, within_s: float = 10) -> dict[str, int]:
        """Wait until no call is live, and read what it counted."""
        until = time.monotonic() + within_s
        while (told := self.stats())["live"]:
            assert time.monotonic() < until, told
            time.sleep(0.02)
        return told


@contextmanager
def running_fake_provider() -> Iterator[FakeProvider]:
    """Run it for a block, with counters at 0."""
    command = [sys.executable, "-P", "-m", "roadworthy.cli", "serve", "fake-llm", "--port", "0"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            found = re.search(rb"http://\S+/v1", process.stdout.readline())
            assert found
            yield FakeProvider(url=found[0].decode())
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    """One for the tests of a module that imports this."""
    with running_fake_provider() as running:
        yield running
