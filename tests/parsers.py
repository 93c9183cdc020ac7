"""The children in which this process has files read."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil


def running_parsers() -> list[psutil.Process]:
    """Find the parsers that this process has started."""
    return [child for child in psutil.Process().children() if _is_parser(child)]


@contextmanager
def hanging_parsers() -> Iterator[None]:
    """Let those that run now stand still for a block, each over the file that it gets."""
    children = running_parsers()
    assert children
    for child in children:
        child.suspend()
    try:
        yield
    finally:
        for child in children:
            child.resume()


def _is_parser(child: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):  # it ends just now
        return "roadworthy.ingestion.parser_process" in child.cmdline()
    return False
