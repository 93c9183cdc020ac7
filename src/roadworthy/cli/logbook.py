"""Where a command logs: beside what a person reads, not in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from roadworthy.core.errors import Unavailable
from roadworthy.plumbing.logs import log_to
from roadworthy.plumbing.processes import keep_bounded
from roadworthy.plumbing.settings import Settings

LOG_FILE = "cli.log"


@contextmanager
def logged(settings: Settings) -> Iterator[None]:
    """Keep logs out of what a person reads; they go to a file of the home."""
    path = settings.home / "logs" / LOG_FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        keep_bounded(path)
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        raise Unavailable(
            f"The folder {settings.home} cannot be written: {error.strerror}; choose another by "
            "--home or ROADWORTHY_HOME."
        ) from error
    with file:
        log_to(file, level=settings.log_level)
        yield
