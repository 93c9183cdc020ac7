"""`roadworthy space`: which vectors may be compared with which."""

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.spaces import list_spaces

app = typer.Typer(help="List embedding spaces.")


@app.callback()
def _group() -> None:
    """List embedding spaces."""


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the spaces, oldest first."""

    async def work(desk: Desk) -> list[EmbeddingSpace]:
        async with desk.database.as_worker() as conn:
            return await list_spaces(conn)

    rows = [
        (each.name, each.model, each.revision, each.dimension, ", ".join(each.languages) or "any")
        for each in with_database(ctx, work)
    ]
    columns = ("name", "model", "revision", "dimension", "languages")
    show.table(columns, rows, empty="There is no space yet; the first `roadworthy up` makes one.")
