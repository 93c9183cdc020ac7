"""`roadworthy doctor`: is this installation fit to run?"""

from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.progress import Progress as Bar

from roadworthy.bootstrap import DatabaseUrls, pseudonyms_of
from roadworthy.cli import show
from roadworthy.cli.exits import UNFIT
from roadworthy.cli.faults import told_plainly
from roadworthy.cli.options import Everywhere, told
from roadworthy.core.errors import RoadworthyError
from roadworthy.diagnosis.broker import check_broker
from roadworthy.diagnosis.corpora import check_corpora
from roadworthy.diagnosis.database import check_database
from roadworthy.diagnosis.deletions import check_deletions
from roadworthy.diagnosis.fingerprint import (
    Fingerprint,
    Report,
    differences,
    fingerprint,
    read_report,
)
from roadworthy.diagnosis.machine import check_machine, check_port
from roadworthy.diagnosis.models import check_endpoints, check_models, check_reranker
from roadworthy.diagnosis.places import check_places
from roadworthy.diagnosis.postings import check_postings
from roadworthy.diagnosis.records import Check, fine, wrong
from roadworthy.diagnosis.replica import check_replication
from roadworthy.diagnosis.routes import check_routes
from roadworthy.diagnosis.work import check_work
from roadworthy.installation import engine_for_a_while, running_database
from roadworthy.plumbing.settings import Settings, process_locales

app = typer.Typer()
T = TypeVar("T")
NEEDED = frozenset({"database", "roles", "pgvector", "migrations"})  # to be right, to ask for more


@app.command()
def doctor(
    ctx: typer.Context,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with a fingerprint.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Hold another place's --json beside this one, instead.")
    ] = None,
) -> None:
    """Check settings, locales, broker, database, permissions, work, vectors, models, probes."""
    other = None if compare is None else read_report(compare)
    report = examine(told(ctx))
    if other is not None:
        raise typer.Exit(_compared(report.fingerprint, other.fingerprint))
    if json:
        show.as_json(Report, report)
    else:
        for check in report.checks:
            typer.echo(told_plainly(check))
    if not all(check.ok for check in report.checks):
        raise typer.Exit(UNFIT)


def examine(everywhere: Everywhere) -> Report:
    """Check everything; what is needed for a check and does not run is started for it."""
    try:
        settings = everywhere.settings()
    except RoadworthyError as error:
        fault = wrong("settings", error.message, "Correct it; nothing else was checked.")
        return Report(fingerprint={}, checks=[fault])
    locales = process_locales()
    checks = [fine("settings", "Every setting is known and usable.")]
    checks += check_machine(settings, locales=locales)
    checks.append(check_port(settings))
    checks += check_broker(settings)
    checks += check_endpoints(settings)
    if not all(check.ok for check in checks if check.name == "home"):
        found = fingerprint(settings, locales=locales, urls=None)
        return Report(fingerprint=found, checks=checks)
    with ExitStack() as stack:
        urls, further = _running(stack, settings)
        found = fingerprint(settings, locales=locales, urls=urls)
        return Report(fingerprint=found, checks=[*checks, *further])


def _running(stack: ExitStack, settings: Settings) -> tuple[DatabaseUrls | None, list[Check]]:
    """Check what must run to be checked; the database is left out if it is not fit."""
    urls = _entered(stack, running_database(settings), name="database")
    if isinstance(urls, Check):
        checks = [urls]
    else:
        pseudonyms = pseudonyms_of(settings)
        checks = check_database(urls, stage=settings.stage, pseudonyms=pseudonyms)
    fit = all(check.ok for check in checks if check.name in NEEDED)
    known = urls if fit and isinstance(urls, DatabaseUrls) else None
    if known is not None:
        checks += check_replication(known)
        checks += [check_deletions(known), check_work(known)]
        checks += [check_places(known), check_postings(known)]
        checks += check_routes(settings, known)
    engine = _entered(stack, engine_for_a_while(settings), name="models")
    if isinstance(engine, Check):
        return known, [*checks, engine]
    models = check_models(settings, urls=known, engine=engine)
    models += check_reranker(settings, engine)
    if known is None or not models[0].ok:
        return known, checks + models
    with Bar(console=show.ERR, transient=True, disable=not show.ERR.is_terminal) as bar:
        task = bar.add_task("corpora", total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        corpora = check_corpora(settings, urls=known, engine=engine, report=report)
    return known, [*checks, *models, *corpora]


def _compared(here: Fingerprint, there: Fingerprint) -> int:
    """Print what differs; returns the exit code."""
    found = differences(here, there)
    rows = [
        (each.what, each.here, each.there, "" if each.is_expected else "differs") for each in found
    ]
    show.table(("", "here", "there", ""), rows, empty="Both are the same.")
    return 0 if all(each.is_expected for each in found) else UNFIT


def _entered(stack: ExitStack, running: AbstractContextManager[T], *, name: str) -> T | Check:
    try:
        return stack.enter_context(running)
    except RoadworthyError as error:
        return wrong(name, error.message, "Nothing that needs it was checked.")
