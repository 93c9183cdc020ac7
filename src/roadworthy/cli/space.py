"""`roadworthy space`: which vectors may be compared with which."""

from typing import Annotated

import typer

from roadworthy.bootstrap import Services
from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database, with_services
from roadworthy.core.errors import Busy, Invalid
from roadworthy.core.spaces import EmbeddingSpace
from roadworthy.corpus.moving import arrange_places
from roadworthy.corpus.routing import check_language
from roadworthy.corpus.spaces import list_spaces
from roadworthy.installation import Installation
from roadworthy.spaces import ensure_model_space

app = typer.Typer(help="List and add embedding spaces; arrange where vectors are kept.")


@app.callback()
def _group() -> None:
    """List and add embedding spaces; arrange where vectors are kept."""


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


@app.command()
def add(
    ctx: typer.Context,
    model: Annotated[str, typer.Argument(help="As embeddings_url, or the local engine, names it.")],
    *,
    language: Annotated[
        list[str] | None, typer.Option(help="The only ones it knows; repeatable. None: any.")
    ] = None,
    query_prefix: Annotated[str, typer.Option(help="What it wants before a question.")] = "",
    passage_prefix: Annotated[str, typer.Option(help="What it wants before a passage.")] = "",
) -> None:
    """Make a space of a model, beside those that there are; one of its name stays as it is."""
    told = (query_prefix, passage_prefix)

    async def work(desk: Desk, opened: Services, _: Installation) -> EmbeddingSpace:
        return await ensure_model_space(
            desk.settings,
            desk.database,
            opened.embeddings,
            model=model,
            prefixes=told if any(told) else None,
            languages=[check_language(each) for each in language or ()],
        )

    space = with_services(ctx, work)
    languages = ", ".join(space.languages) or "any language"
    typer.echo(f"The space {space.name}: {space.dimension} dimensions, for {languages}.")


@app.command()
def arrange(ctx: typer.Context) -> None:
    """Give large tenants an index, and small ones none, as the worker does now and then.

    It needs the owner's database_url, which a worker may do without.
    """

    async def work(desk: Desk) -> bool:
        if desk.urls.owner is None:
            raise Invalid("Partitions are made by the owner of the database; set database_url.")
        return await arrange_places(desk.database, owner_url=desk.urls.owner, report=typer.echo)

    if not with_database(ctx, work):
        raise Busy("A worker is doing that at this moment.")
    typer.echo("The vectors of every tenant are where they belong.")
