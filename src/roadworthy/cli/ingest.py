"""`roadworthy ingest`: from files to passages that can be found."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from roadworthy.bootstrap import Services
from roadworthy.cli import show
from roadworthy.cli.bars import shown
from roadworthy.cli.desk import Desk, with_services
from roadworthy.cli.files import FoundFile, Readers, found_files
from roadworthy.cli.handing_in import HandingIn, Outcome
from roadworthy.cli.people import made_tenant
from roadworthy.core.errors import Invalid
from roadworthy.installation import Installation
from roadworthy.worker import is_working, present, work

app = typer.Typer()


@app.command()
def ingest(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    *,
    group: Annotated[
        list[str] | None, typer.Option(help="May read; repeatable. Nobody named: everyone.")
    ] = None,
    user: Annotated[list[str] | None, typer.Option(help="May read; repeatable.")] = None,
    clearance: Annotated[int, typer.Option(min=0, max=1000, help="The least needed.")] = 0,
    corpus: Annotated[str, typer.Option(help="Into which; made if it is new.")] = "main",
) -> None:
    """Make files searchable; a folder's manifest.jsonl may say who reads what.

    Without --as the operator hands in, who may replace every document.
    """
    readers = Readers(groups=group or (), users=user or (), clearance=clearance)
    files = found_files(paths, readers=readers)
    if not files:
        raise Invalid("There is no file in what was named.")

    async def hand_in(desk: Desk, opened: Services, place: Installation) -> list[Outcome]:
        tenant_id, _ = await made_tenant(desk.database, desk.everywhere.tenant)
        handing_in = HandingIn(
            opened, tenant_id=tenant_id, by=await desk.principal(), corpus=corpus
        )
        async with worked(opened, place):
            with shown() as report:
                return await handing_in.run(files, report=report)

    raise typer.Exit(concluded(with_services(ctx, hand_in), files))


@asynccontextmanager
async def worked(opened: Services, place: Installation) -> AsyncIterator[None]:
    """Do the jobs ourselves for a block, unless a worker of this home does them."""
    home = opened.settings.home
    if is_working(home):
        yield
        return
    stop = asyncio.Event()
    with present(home):
        working = asyncio.create_task(work(opened, listen_url=place.urls.worker, stop=stop))
        try:
            yield
        finally:
            stop.set()
            await working


def concluded(outcomes: Sequence[Outcome], files: Sequence[FoundFile]) -> int:
    """Print what became of each file; returns the exit code of the worst."""
    rows = [(each.outcome, each.name, each.reason) for each in outcomes]
    show.table(("outcome", "document", "reason"), rows, empty="")
    counts = Counter(each.outcome for each in outcomes)
    said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    typer.echo(f"\n{len(files)} files: {said}.")
    return max(each.exit_code for each in outcomes)
