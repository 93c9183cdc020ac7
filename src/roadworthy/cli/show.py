"""How results are printed: tables for people, JSON for programs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import typer
from pydantic import TypeAdapter
from rich.console import Console
from rich.progress import Progress as Bar
from rich.table import Table

from roadworthy.core.intervals import Interval

T = TypeVar("T")
OUT = Console(highlight=False, soft_wrap=False)
ERR = Console(stderr=True, highlight=False)
AT_ONCE = "95 %, of all that were tried at once."  # what the intervals of a choice are


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Print rows under their columns, or the sentence `empty` when there are none."""
    if not rows:
        typer.echo(empty)
        return
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*("" if cell is None else str(cell) for cell in row))
    _console().print(drawn, markup=False)


def as_json(kind: type[T], value: T) -> None:
    """Print a record, or a list of them, as JSON."""
    typer.echo(TypeAdapter(kind).dump_json(value, indent=2).decode())


def interval(found: Interval) -> str:
    """Write a gain with the bounds that it lies between."""
    return f"{found.value:+.4f} [{found.low:+.4f}, {found.high:+.4f}]"


@contextmanager
def counting(total: int) -> Iterator[Callable[[], None]]:
    """Show a bar for a block; what it yields counts one further."""
    with Bar(console=ERR, transient=True, disable=not ERR.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)


def _console() -> Console:
    # Into a pipe goes one row a line, however long.
    return OUT if OUT.is_terminal else Console(highlight=False, width=10_000)
