"""How the receipt of a deletion is printed, and how far one is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from roadworthy.cli import show
from roadworthy.deletion import Progress, Receipt


def printed(receipt: Receipt) -> None:
    """Print what each store has forgotten, and whether the deletion is finished."""
    rows = [
        (each.store, each.count, f"{each.erased_at:%Y-%m-%d %H:%M:%S}") for each in receipt.stores
    ]
    show.table(("store", "erased", "at (UTC)"), rows, empty="Nothing was stored.")
    documents = "1 document" if receipt.documents == 1 else f"{receipt.documents} documents"
    typer.echo(f"\nReceipt {receipt.id}: {receipt.scope} {receipt.subject}, {documents}.")
    for attachment in receipt.attachments:
        typer.echo(f"It came with {attachment}, which went too.")
    if receipt.finished_at is None:
        typer.echo(
            "It is not finished: rows that it shares with others are still written anew, or a "
            "process is ending what it had begun. A worker finishes it; "
            f"`roadworthy deletion show {receipt.id}` tells when it is."
        )
    else:
        typer.echo(f"Finished {receipt.finished_at:%Y-%m-%d %H:%M:%S} UTC.")


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """Show how many documents are erased while the block runs; into a pipe goes nothing."""
    columns = (TextColumn("erasing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=show.ERR, transient=True, disable=not show.ERR.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def report(progress: Progress) -> None:
            bar.update(task, total=progress.total, completed=progress.erased)

        yield report
