"""`roadworthy up`: everything on one machine, from one command, until Ctrl-C."""

import asyncio
import fcntl
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar

from roadworthy.bootstrap import DatabaseUrls, services
from roadworthy.cli import show
from roadworthy.cli.desk import logged
from roadworthy.cli.doctor import told_plainly
from roadworthy.cli.exits import UNFIT
from roadworthy.cli.ingest import shown
from roadworthy.cli.options import told
from roadworthy.cli.running import Events, api_url, begun_database, log_of, supervised
from roadworthy.cli.sample import (
    SampleKey,
    is_loaded,
    is_wanted,
    kept_keys,
    load_sample,
    make_keys,
    mark_loaded,
    sample_people,
)
from roadworthy.core.errors import Conflict, Unavailable
from roadworthy.diagnosis import Check, check_machine, check_port
from roadworthy.installation import (
    await_engine,
    last_words,
    needs_engine,
    prepare_models,
    says_alive,
)
from roadworthy.plumbing.database import Database
from roadworthy.plumbing.processes import Event
from roadworthy.plumbing.settings import Settings, process_locales

app = typer.Typer()
START_S = 120.0
LOCK_FILE = "up.lock"


@app.command()
def up(
    ctx: typer.Context,
    *,
    sample: Annotated[bool, typer.Option(help="Load the sample corpus at the first start.")] = True,
) -> None:
    """Start PostgreSQL, the local models, API and worker; Ctrl-C stops them all."""
    began = time.monotonic()
    settings = told(ctx).settings()
    _refuse([*check_machine(settings, locales=process_locales()), check_port(settings)])
    with _alone(settings), logged(settings):
        events = Events()
        with begun_database(settings) as (urls, before):
            _convert(settings)
            with supervised(settings, before, events):
                try:
                    _await_api(settings, events)
                    keys = asyncio.run(_sample(settings, urls)) if sample else []
                    _greet(settings, keys, seconds=time.monotonic() - began)
                    _follow(events)
                except KeyboardInterrupt:
                    typer.echo("\nStopping ...", err=True)
    typer.echo("Stopped. Nothing is lost; `roadworthy up` goes on from here.", err=True)


def _refuse(checks: Sequence[Check]) -> None:
    faults = [check for check in checks if not check.ok]
    for fault in faults:
        typer.echo(told_plainly(fault), err=True)
    if faults:
        raise typer.Exit(UNFIT)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Be the only `up` of this home for a block."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(settings.home / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Conflict(
            f"Roadworthy runs in {settings.home} already; stop it there by Ctrl-C, or choose "
            "another --home."
        ) from error
    finally:
        os.close(descriptor)


def _convert(settings: Settings) -> None:
    """Make the embedding model at the first start, with a bar."""
    if not needs_engine(settings):
        return
    with Bar(console=show.ERR, transient=True, disable=not show.ERR.is_terminal) as bar:
        task = bar.add_task("embedding model", total=1.0, visible=False)

        def progress(model: str, fraction: float, step: str) -> None:
            bar.update(task, completed=fraction, description=f"{model}: {step}", visible=True)

        prepare_models(settings, progress=progress)


def _await_api(settings: Settings, events: Events) -> None:
    """Wait until the API answers; what fails meanwhile is told, and ends the start."""
    until = time.monotonic() + START_S
    while not says_alive(f"{api_url(settings)}/livez"):
        if events.failure is not None:
            raise Unavailable(_told(settings, events.failure))
        if time.monotonic() > until:
            log = log_of(settings.home, "api")
            raise Unavailable(f"The API did not start within {START_S:g} s; {last_words(log)}")
        events.wait(0.05)


async def _sample(settings: Settings, urls: DatabaseUrls) -> list[SampleKey]:
    """Load the corpus and make the keys, unless an earlier start did."""
    keys = kept_keys(settings.home)
    if keys and is_loaded(settings.home):
        return keys
    database = Database(app_url=urls.app, worker_url=urls.worker, connections=2)
    await database.open()
    try:
        if not await is_wanted(database):
            mark_loaded(settings.home)
            return []
        keys = keys or await make_keys(database, settings.home)
    finally:
        await database.close()
    if not is_loaded(settings.home):
        await _load(settings, urls)
    return keys


async def _load(settings: Settings, urls: DatabaseUrls) -> None:
    engine = await asyncio.to_thread(await_engine, settings) if needs_engine(settings) else None
    typer.echo("Loading the sample corpus, once ...", err=True)
    async with services(settings, urls=urls, engine=engine) as opened:
        with shown() as report:
            outcomes = await load_sample(opened, report=report)
    for failed in (each for each in outcomes if each.exit_code):
        typer.echo(f"{failed.name}: {failed.reason}", err=True)
    mark_loaded(settings.home)


def _greet(settings: Settings, keys: Sequence[SampleKey], *, seconds: float) -> None:
    url = api_url(settings)
    typer.echo(f"\nRoadworthy runs at {url} (started in {seconds:.1f} s; Ctrl-C stops it).")
    if keys:
        typer.echo(f"\nSample people of the tenant {sample_people().tenant}, and their keys:\n")
        show.table(("user", "role", "key"), [(k.user, k.role, k.key) for k in keys], empty="")
    typer.echo("\nTry next:\n")
    for command in _commands(settings, url, keys):
        typer.echo(f"  {command}")
    typer.echo("")


def _commands(settings: Settings, url: str, keys: Sequence[SampleKey]) -> list[str]:
    us = _ourselves(settings)
    if not keys:
        return [
            f"{us} ingest FOLDER",
            f"{us} key create --user ana",
            f'{us} ask "..." --as ana',
        ]
    body = '{"question": "How many paid holidays do I have per year?", "stream": true}'
    return [
        f'{us} ask "What is the daily meal allowance on a business trip?" --as {keys[0].user}',
        f"curl -N {url}/v1/answers -H 'Authorization: Bearer {keys[0].key}'"
        f" -H 'Content-Type: application/json' -d '{body}'",
        f"{us} ingest FOLDER --group {sample_people().people[-1].groups[0]}",
    ]


def _ourselves(settings: Settings) -> str:
    """Write this program as the person called it, with the home if it is not the usual one."""
    called = Path(sys.argv[0])
    name = str(called) if called.name == "roadworthy" and called.parent != Path() else "roadworthy"
    usual = Settings().home == settings.home
    return name if usual else f"{name} --home {shlex.quote(str(settings.home))}"


def _follow(events: Events) -> None:
    """Tell what happens to the services, until a signal comes."""
    shown_events = len(events.all)
    while True:
        events.wait(1.0)
        for event in events.all[shown_events:]:
            if event.what == "failed":
                typer.echo(f"{event.service}: {event.why}; it is started again.", err=True)
            elif event.what == "started":
                typer.echo(f"{event.service}: started.", err=True)
        shown_events = len(events.all)


def _told(settings: Settings, event: Event) -> str:
    words = last_words(log_of(settings.home, event.service))
    return f"Roadworthy does not start: {event.service}: {event.why}; {words}"
