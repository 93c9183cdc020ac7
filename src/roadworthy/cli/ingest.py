"""`roadworthy ingest`: from files to passages that can be found."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from roadworthy.bootstrap import Services
from roadworthy.cli import show
from roadworthy.cli.bars import shown
from roadworthy.cli.desk import Desk, with_services
from roadworthy.cli.files import FoundFile, Readers, found_files
from roadworthy.cli.handing_in import KEPT_BACK, Outcome
from roadworthy.cli.people import made_tenant
from roadworthy.cli.syncing import Plan, Syncing
from roadworthy.cli.watching import looks
from roadworthy.core.errors import Invalid, RoadworthyError
from roadworthy.installation import Installation
from roadworthy.worker import is_working, present, work

app = typer.Typer()
QUIET = frozenset({"unchanged", "duplicate"})  # what is not told again and again


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What the command line asks for."""

    paths: Sequence[Path]
    readers: Readers
    corpus: str
    plan: Plan

    @property
    def folders(self) -> list[Path]:
        return [path for path in self.paths if path.is_dir()]

    def files(self) -> list[FoundFile]:
        return found_files(self.paths, readers=self.readers)


@app.command()
def ingest(  # noqa: PLR0913 - one for each option
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    *,
    group: Annotated[
        list[str] | None, typer.Option(help="May read; repeatable. Nobody named: everyone.")
    ] = None,
    user: Annotated[list[str] | None, typer.Option(help="May read; repeatable.")] = None,
    clearance: Annotated[int, typer.Option(min=0, max=1000, help="The least needed.")] = 0,
    corpus: Annotated[str, typer.Option(help="Into which; made if it is new.")] = "main",
    watch: Annotated[bool, typer.Option("--watch", help="Go on as the folders change.")] = False,
    delete_missing: Annotated[
        bool,
        typer.Option(
            "--delete-missing", help="Delete what was read from these folders and is gone."
        ),
    ] = False,
    delete_many: Annotated[
        bool, typer.Option("--delete-many", help="Also when that is most of a folder.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")
    ] = False,
) -> None:
    """Make files searchable; a folder's manifest.jsonl may say who reads what.

    Without --as the operator hands in, who may replace every document.
    """
    wanted = _Wanted(
        paths=paths,
        readers=Readers(groups=group or (), users=user or (), clearance=clearance),
        corpus=corpus,
        plan=Plan(
            delete_missing=delete_missing or delete_many,
            delete_many=delete_many,
            is_rehearsal=dry_run,
        ),
    )
    _check(wanted, watch=watch)
    raise typer.Exit(_watched(ctx, wanted) if watch else _once(ctx, wanted))


def _check(wanted: _Wanted, *, watch: bool) -> None:
    if (watch or wanted.plan.delete_missing) and len(wanted.folders) < len(wanted.paths):
        raise Invalid("--watch and --delete-missing are for folders; name folders alone.")
    if watch and wanted.plan.is_rehearsal:
        raise Invalid("--watch goes on and --dry-run does nothing; choose one.")


def _once(ctx: typer.Context, wanted: _Wanted) -> int:
    files = wanted.files()
    if not files and not wanted.plan.delete_missing:
        raise Invalid("There is no file in what was named.")

    async def hand_in(desk: Desk, opened: Services, place: Installation) -> list[Outcome]:
        syncing = await _syncing(desk, opened, wanted)
        async with worked(opened, place):
            with shown() as report:
                return await syncing.run(wanted.folders, files, report=report)

    outcomes = with_services(ctx, hand_in)
    if wanted.plan.is_rehearsal:
        typer.echo("Nothing was changed; this is what would be done.")
    return concluded(outcomes, files)


def _watched(ctx: typer.Context, wanted: _Wanted) -> int:
    """Bring the corpus in line with the folders until the process is stopped."""

    async def follow(desk: Desk, opened: Services, place: Installation) -> int:
        syncing = await _syncing(desk, opened, wanted)
        waiting = frozenset[Outcome]()
        async with worked(opened, place), aclosing(looks(wanted.folders)) as times:
            async for _ in times:
                waiting = await _follow_once(syncing, wanted, told=waiting)
        return 0

    return with_services(ctx, follow)


async def _follow_once(
    syncing: Syncing, wanted: _Wanted, *, told: frozenset[Outcome]
) -> frozenset[Outcome]:
    """Bring it in line once; `told` and returned: what is kept back, which is told once."""
    try:
        files = await asyncio.to_thread(wanted.files)
        with shown() as report:
            outcomes = await syncing.run(wanted.folders, files, report=report)
    except RoadworthyError as error:  # a manifest that is half written, a disk that went away
        typer.echo(f"roadworthy: {error.message}", err=True)
        return told
    news = [each for each in outcomes if each.outcome not in QUIET and each not in told]
    if news:
        concluded(news, news)
    return frozenset(each for each in outcomes if each.outcome == KEPT_BACK)


async def _syncing(desk: Desk, opened: Services, wanted: _Wanted) -> Syncing:
    if wanted.plan.is_rehearsal:
        tenant_id = await desk.tenant()
    else:
        tenant_id, _ = await made_tenant(desk.database, desk.everywhere.tenant)
    return Syncing(
        opened,
        tenant_id=tenant_id,
        by=await desk.principal(),
        corpus=wanted.corpus,
        plan=wanted.plan,
    )


@asynccontextmanager
async def worked(opened: Services, place: Installation) -> AsyncIterator[None]:
    """Do the jobs ourselves for a block, unless a worker of this home does them."""
    home = opened.settings.home
    if is_working(home):
        yield
        return
    stop = asyncio.Event()
    with present(home):
        working = asyncio.create_task(
            work(opened, listen_url=place.urls.worker, owner_url=None, stop=stop)
        )
        try:
            yield
        finally:
            stop.set()
            await working


def concluded(outcomes: Sequence[Outcome], files: Sequence[object]) -> int:
    """Print what became of each file; returns the exit code of the worst."""
    rows = [(each.outcome, each.name, each.reason) for each in outcomes]
    show.table(("outcome", "document", "reason"), rows, empty="There is nothing to do.")
    counts = Counter(each.outcome for each in outcomes)
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    typer.echo(f"\n{len(files)} files: {said or 'nothing'}.")
    return max((each.exit_code for each in outcomes), default=0)
