"""One whole installation, started as a newcomer starts it, for all journeys."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

from benchmarks.up import Up, fresh_home
from tests.engine_process import KEPT_HOME


@dataclass(frozen=True, kw_only=True)
class Started:
    up: Up

    @property
    def url(self) -> str:
        return self.up.url

    def key(self, person: str) -> str:
        kept = json.loads((self.up.home / "sample-keys.json").read_text())
        found = [entry["key"] for entry in _entries(kept) if entry["user"] == person]
        assert len(found) == 1
        return found[0]

    def headers(self, person: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key(person)}"}

    def cli(self, *words: str, code: int = 0) -> str:
        """Run a command as a person at the terminal does."""
        done = subprocess.run(
            [sys.executable, "-m", "roadworthy.cli", "--home", str(self.up.home), *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout


def _entries(kept):
    if isinstance(kept, dict) and "key" in kept:
        yield kept
    elif isinstance(kept, dict | list):
        for value in kept.values() if isinstance(kept, dict) else kept:
            yield from _entries(value)


@pytest.fixture(scope="session")
def started():
    with fresh_home() as home:
        if (KEPT_HOME / "models").is_dir():  # conversion has tests of its own
            shutil.copytree(KEPT_HOME / "models", home / "models")
        up = Up(home)
        up.start()
        try:
            up.wait_until_greeted()
            yield Started(up=up)
        finally:
            up.stop()
