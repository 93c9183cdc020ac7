"""`roadworthy worker`: accepted work, done by one process; several may run."""

import asyncio
import signal

import typer

from roadworthy.bootstrap import services
from roadworthy.cli.options import told
from roadworthy.cli.starting import fit_installation
from roadworthy.installation import Installation
from roadworthy.plumbing.settings import Settings
from roadworthy.worker import present, work

app = typer.Typer()


@app.command()
def worker(ctx: typer.Context) -> None:
    """Do accepted work until told to stop; several may run, on several machines."""
    home = told(ctx).settings().home
    with fit_installation(ctx) as (settings, place), present(home):
        asyncio.run(_work(settings, place))


async def _work(settings: Settings, place: Installation) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with services(settings, urls=place.urls, engine=place.engine) as opened:
        await work(opened, listen_url=place.urls.worker, owner_url=place.urls.owner, stop=stop)
