"""`roadworthy migrate`: bring the database to this version."""

import typer

from roadworthy.bootstrap import database_urls, provision
from roadworthy.cli.options import told
from roadworthy.core.errors import Invalid
from roadworthy.plumbing.embedded_postgres import EmbeddedPostgres

app = typer.Typer()


@app.command()
def migrate(ctx: typer.Context) -> None:
    """Apply what is pending, as the owner of database_url; repeating it changes nothing."""
    settings = told(ctx).settings()

    def progress(name: str) -> None:
        typer.echo(f"applying {name}")

    if settings.names_database:
        if settings.database_url is None:
            raise Invalid("Migrations run as the owner of the database; set database_url.")
        owner_url = settings.database_url.get_secret_value()
        provision(database_urls(settings, owner_url=owner_url), progress=progress)
    else:
        with EmbeddedPostgres(settings.home).running() as owner_url:
            provision(database_urls(settings, owner_url=owner_url), progress=progress)
    typer.echo("The database is up to date.")
