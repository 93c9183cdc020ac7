"""Progress of what takes long, as a bar on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from roadworthy.cli import show
from roadworthy.cli.handing_in import Progress

LONGEST_NAME = 30


@contextmanager
def shown() -> Iterator[Callable[[Progress], None]]:
    """Show progress while the block runs; into a pipe goes nothing."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Bar(*columns, console=show.ERR, transient=True, disable=not show.ERR.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def report(progress: Progress) -> None:
            at = progress.now_at
            short = at if len(at) <= LONGEST_NAME else f"...{at[-LONGEST_NAME:]}"
            bar.update(task, total=progress.total, completed=progress.ended, description=short)

        yield report


@contextmanager
def staged() -> Iterator[Callable[[str, int, int], None]]:
    """Show a stage, and how much of it is done of how much."""
    with Bar(console=show.ERR, transient=True, disable=not show.ERR.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def report(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        yield report
