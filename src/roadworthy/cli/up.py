"""`roadworthy up`: everything on one machine, from one command, until Ctrl-C."""

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

from roadworthy.cli import show
from roadworthy.cli.faults import refuse_faults
from roadworthy.cli.logbook import logged
from roadworthy.cli.options import told
from roadworthy.cli.running import Events, api_url, log_of, supervised
from roadworthy.cli.sample_keys import SampleKey, is_loaded, kept_keys, sample_people
from roadworthy.core.errors import Busy, Conflict, Unavailable
from roadworthy.diagnosis.machine import check_machine, check_port
from roadworthy.gateway.engine.cache import converted
from roadworthy.gateway.engine.catalogue import DEFAULT_MODEL
from roadworthy.gateway.engine.local import last_words, says_alive
from roadworthy.plumbing.processes import Event
from roadworthy.plumbing.settings import Settings, process_locales
from roadworthy.plumbing.transports import publisher

app = typer.Typer()
START_S = 120.0
LOCK_FILE = "up.lock"
SAMPLE_TRIES, SAMPLE_PAUSE_S = 10, 3.0


@app.command()
def up(
    ctx: typer.Context,
    *,
    sample: Annotated[bool, typer.Option(help="Load the sample corpus at the first start.")] = True,
) -> None:
    """Start PostgreSQL, the local models, API and worker; Ctrl-C stops them all."""
    began = time.monotonic()
    settings = told(ctx).settings()
    refuse_faults([*check_machine(settings, locales=process_locales()), check_port(settings)])
    publisher(settings)  # refuses a broker whose client is not installed
    with _alone(settings), logged(settings):
        _migrate(settings)
        _convert(settings)
        events = Events()
        with supervised(settings, events):
            try:
                _await_api(settings, events)
                keys = _sample(settings) if sample else []
                _greet(settings, keys, seconds=time.monotonic() - began)
                _follow(events)
            except KeyboardInterrupt:
                typer.echo("\nStopping ...", err=True)
    typer.echo("Stopped. Nothing is lost; `roadworthy up` goes on from here.", err=True)


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


def _migrate(settings: Settings) -> None:
    """Bring a database of the settings to this version; the embedded one does so at its start."""
    if settings.database_url is not None:
        # Not at the top: it takes a second to import, and most starts do not need it.
        from roadworthy.bootstrap import database_urls, provision  # noqa: PLC0415

        owner_url = settings.database_url.get_secret_value()
        urls = database_urls(settings, owner_url=owner_url)
        provision(urls, progress=typer.echo, stage=settings.stage)


def _convert(settings: Settings) -> None:
    """Make the embedding model at the first start, with a bar."""
    models = settings.home / "models"
    if not settings.needs_engine or (models / DEFAULT_MODEL.folder).is_dir():
        return
    with Bar(console=show.ERR, transient=True, disable=not show.ERR.is_terminal) as bar:
        task = bar.add_task("embedding model", total=1.0)

        def progress(model: str, fraction: float, step: str) -> None:
            bar.update(task, completed=fraction, description=f"{model}: {step}")

        converted(DEFAULT_MODEL, models, progress=progress)


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


def _sample(settings: Settings) -> list[SampleKey]:
    """Give the keys of the sample people; the first start makes them, and loads the corpus."""
    keys = kept_keys(settings.home)
    if keys and is_loaded(settings.home):
        return keys
    # Not at the top, for the same reason.
    from roadworthy.cli.bars import shown  # noqa: PLC0415
    from roadworthy.cli.sample import prepared_sample  # noqa: PLC0415

    typer.echo("Loading the sample corpus, once ...", err=True)
    for _ in range(SAMPLE_TRIES):
        try:
            return prepared_sample(settings, shown=shown)
        except (Unavailable, Busy) as error:
            # A process died while we loaded; it is being restarted, and loading is repeatable.
            typer.echo(f"The sample corpus waits: {error.message}", err=True)
            time.sleep(SAMPLE_PAUSE_S)
    typer.echo("The sample corpus is not loaded; the next `roadworthy up` tries again.", err=True)
    return []


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
        f'{us} ask "Who voted against Project Heron?" --as {keys[0].user}   '
        f"(and --as {keys[-1].user}, who may know)",
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
