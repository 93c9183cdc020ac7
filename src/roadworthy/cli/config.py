"""`roadworthy config`: the settings as they are in force."""

from typing import Annotated

import typer

from roadworthy.cli.options import told
from roadworthy.plumbing.settings import PREFIX, Settings

app = typer.Typer(help="Show the settings.")


@app.callback()
def _group() -> None:
    """Show the settings."""


@app.command()
def show(
    ctx: typer.Context,
    *,
    explain: Annotated[bool, typer.Option(help="Say what each is for.")] = False,
) -> None:
    """Show each setting with its value; secrets are masked."""
    for name, value in told(ctx).settings().masked().items():
        if explain:
            typer.echo(f"# {Settings.model_fields[name].description} ({PREFIX}{name.upper()})")
        typer.echo(f"{name} = {value}")
