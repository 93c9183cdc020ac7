"""`roadworthy serve`: the API as one process."""

import typer
import uvloop

from roadworthy.api import serve as serve_until_told
from roadworthy.bootstrap import services
from roadworthy.cli.starting import fit_installation
from roadworthy.installation import Installation
from roadworthy.plumbing.settings import Settings

app = typer.Typer()


@app.command()
def serve(ctx: typer.Context) -> None:
    """Run the API until told to stop; refuse if `doctor` would find a fault."""
    with fit_installation(ctx) as (settings, place):
        uvloop.run(_serve(settings, place))


async def _serve(settings: Settings, place: Installation) -> None:
    async with services(settings, urls=place.urls, engine=place.engine) as opened:
        await serve_until_told(opened)
