"""`roadworthy serve`, `worker` and `engine`: one process each, for those who run them apart."""

import asyncio
import os
import signal
import sys

import typer

from roadworthy.api import serve
from roadworthy.bootstrap import services
from roadworthy.cli.doctor import told_plainly
from roadworthy.cli.exits import UNFIT
from roadworthy.cli.options import told
from roadworthy.core.errors import Conflict
from roadworthy.diagnosis import Check, check_database, check_machine, check_models
from roadworthy.gateway.engine.launch import command, ensure_token, usual_threads
from roadworthy.installation import (
    Installation,
    attached_installation,
    free_port,
    publish_engine,
    published_engine,
)
from roadworthy.plumbing.logs import log_to
from roadworthy.plumbing.settings import Settings, process_locales
from roadworthy.worker import present, work

serve_app = typer.Typer()
worker_app = typer.Typer()
engine_app = typer.Typer()


@serve_app.command("serve")
def serve_alone(ctx: typer.Context) -> None:
    """Run the API until told to stop; refuse if `doctor` would find a fault."""
    settings = _begun(ctx)
    with attached_installation(settings) as place:
        _refuse_if_unfit(settings, place)
        asyncio.run(_serve(settings, place))


@worker_app.command("worker")
def work_alone(ctx: typer.Context) -> None:
    """Do accepted work until told to stop; several may run, on several machines."""
    settings = _begun(ctx)
    with present(settings.home), attached_installation(settings) as place:
        _refuse_if_unfit(settings, place)
        asyncio.run(_work(settings, place))


@engine_app.command("engine")
def engine_alone(
    ctx: typer.Context,
    *,
    port: int = typer.Option(0, min=0, max=65535, help="Left out: any that is free."),
) -> None:
    """Run the local models on loopback for the processes of this home."""
    settings = told(ctx).settings()
    if published_engine(settings) is not None:
        raise Conflict("An engine runs in this home already; use that one, or stop it first.")
    ensure_token(settings.home)
    chosen = port or free_port()
    argv = command(settings.home, chosen, settings.engine_threads or usual_threads())
    publish_engine(settings.home, port=chosen, pid=os.getpid())
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.stdout.flush()
    os.execv(argv[0], argv)  # noqa: S606 - it becomes the engine, under the same process id


async def _serve(settings: Settings, place: Installation) -> None:
    async with services(settings, urls=place.urls, engine=place.engine) as opened:
        await serve(opened)


async def _work(settings: Settings, place: Installation) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with services(settings, urls=place.urls, engine=place.engine) as opened:
        await work(opened, listen_url=place.urls.worker, stop=stop)


def _begun(ctx: typer.Context) -> Settings:
    """Read the settings and check the machine, before anything is started."""
    settings = told(ctx).settings()
    log_to(None, level=settings.log_level)
    refuse_faults(check_machine(settings, locales=process_locales()))
    return settings


def _refuse_if_unfit(settings: Settings, place: Installation) -> None:
    checks = check_database(place.urls)
    refuse_faults(checks)
    refuse_faults(check_models(settings, urls=place.urls, engine=place.engine))


def refuse_faults(checks: list[Check]) -> None:
    """End this process, with each fault on a line, unless there is none."""
    faults = [check for check in checks if not check.ok]
    for fault in faults:
        typer.echo(told_plainly(fault), err=True)
    if faults:
        raise typer.Exit(UNFIT)
