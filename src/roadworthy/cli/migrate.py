"""`roadworthy migrate`: bring the database to this version."""

from functools import partial
from typing import Annotated

import typer

from roadworthy.bootstrap import database_urls, provision
from roadworthy.cli.options import told
from roadworthy.core.errors import Invalid
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres

app = typer.Typer()


@app.command()
def migrate(
    ctx: typer.Context,
    *,
    adopt: Annotated[
        bool,
        typer.Option(
            help="Take over a database of another stage, or with other pseudonyms, as after a copy."
        ),
    ] = False,
) -> None:
    """Apply what is pending, as the owner of database_url; repeating it changes nothing."""
    settings = told(ctx).settings()

    def progress(name: str) -> None:
        typer.echo(f"applying {name}")

    brought = partial(provision, progress=progress, stage=settings.stage, adopt=adopt)
    if settings.names_database:
        if settings.database_url is None:
            raise Invalid("Migrations run as the owner of the database; set database_url.")
        brought(database_urls(settings, owner_url=settings.database_url.get_secret_value()))
    else:
        with EmbeddedPostgres(settings.home).running() as owner_url:
            brought(database_urls(settings, owner_url=owner_url))
    typer.echo("The database is up to date.")
