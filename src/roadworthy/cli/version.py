"""`roadworthy version`."""

from importlib import metadata

import typer

app = typer.Typer()


@app.command()
def version() -> None:
    """Tell the version."""
    typer.echo(metadata.version("roadworthy"))
