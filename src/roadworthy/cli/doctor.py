"""`roadworthy doctor`: is this installation fit to run?"""

from contextlib import AbstractContextManager, ExitStack
from typing import Annotated, TypeVar

import typer

from roadworthy.bootstrap import DatabaseUrls
from roadworthy.cli import show
from roadworthy.cli.exits import UNFIT
from roadworthy.cli.faults import told_plainly
from roadworthy.cli.options import Everywhere, told
from roadworthy.core.errors import RoadworthyError
from roadworthy.diagnosis.broker import check_broker
from roadworthy.diagnosis.database import check_database
from roadworthy.diagnosis.machine import check_machine, check_port
from roadworthy.diagnosis.models import check_models
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.installation import engine_for_a_while, running_database
from roadworthy.plumbing.settings import Settings, process_locales

app = typer.Typer()
T = TypeVar("T")


@app.command()
def doctor(
    ctx: typer.Context, *, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Check settings, locales, disk, memory, broker, database, permissions, models and spaces."""
    checks = examine(told(ctx))
    if json:
        show.as_json(list[Check], checks)
    else:
        for check in checks:
            typer.echo(told_plainly(check))
    if not all(check.ok for check in checks):
        raise typer.Exit(UNFIT)


def examine(everywhere: Everywhere) -> list[Check]:
    """Check everything; what is needed for a check and does not run is started for it."""
    try:
        settings = everywhere.settings()
    except RoadworthyError as error:
        return [wrong("settings", error.message, "Correct it; nothing else was checked.")]
    checks = [fine("settings", "Every setting is known and usable.")]
    checks += check_machine(settings, locales=process_locales())
    checks.append(check_port(settings))
    checks += check_broker(settings)
    if not all(check.ok for check in checks if check.name == "home"):
        return checks
    return checks + _started(settings)


def _started(settings: Settings) -> list[Check]:
    """Check what must run to be checked."""
    with ExitStack() as stack:
        urls = _entered(stack, running_database(settings), name="database")
        checks = [urls] if isinstance(urls, Check) else check_database(urls)
        fit = all(check.ok for check in checks if check.name in {"database", "migrations"})
        engine = _entered(stack, engine_for_a_while(settings), name="models")
        if isinstance(engine, Check):
            return [*checks, engine]
        known = urls if fit and isinstance(urls, DatabaseUrls) else None
        return checks + check_models(settings, urls=known, engine=engine)


def _entered(stack: ExitStack, running: AbstractContextManager[T], *, name: str) -> T | Check:
    try:
        return stack.enter_context(running)
    except RoadworthyError as error:
        return wrong(name, error.message, "Nothing that needs it was checked.")
