"""`roadworthy job`: how far accepted work is, and what becomes of what failed."""

import uuid
from enum import StrEnum
from typing import Annotated

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.core.errors import Busy, Conflict, Invalid, Missing
from roadworthy.ingestion.queue import ListedJob, drop_job, failed_jobs, list_jobs, retry_job
from roadworthy.plumbing.jobs import JobState, job_state

app = typer.Typer(help="List, show, retry and drop accepted work.")
JobId = Annotated[str, typer.Argument(metavar="ID")]
MOST_LISTED = 1000


class State(StrEnum):
    """What can be asked for."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@app.callback()
def _group() -> None:
    """List, show, retry and drop accepted work; a failed job keeps its reason until then."""


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    state: Annotated[State | None, typer.Option(help="Only those.")] = None,
    before: Annotated[str | None, typer.Option(help="Older than this job.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST_LISTED, help="At most.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List jobs, the newest first."""
    older_than = _read(before) if before else None

    async def work(desk: Desk) -> list[ListedJob]:
        async with desk.reading() as (conn, tenant_id):
            wanted = state.value if state else None
            return await list_jobs(
                conn, tenant_id=tenant_id, state=wanted, before=older_than, limit=limit
            )

    found = with_database(ctx, work)
    if json:
        show.as_json(list[ListedJob], found)
        return
    rows = [
        (each.id, each.state, each.attempts, each.document_name, _problem(each)) for each in found
    ]
    show.table(("job", "state", "attempts", "document", "problem"), rows, empty="No jobs.")
    if len(found) == limit:
        typer.echo(f"There may be more: --before {found[-1].id}")


@app.command("show")
def show_(ctx: typer.Context, job: JobId) -> None:
    """Show one job."""
    job_id = _read(job)

    async def work(desk: Desk) -> JobState:
        async with desk.reading() as (conn, tenant_id):
            return await job_state(conn, tenant_id=tenant_id, job_id=job_id)

    show.as_json(JobState, with_database(ctx, work))


@app.command()
def retry(
    ctx: typer.Context,
    job: Annotated[str | None, typer.Argument(metavar="ID")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every failed job.")] = False,
) -> None:
    """Let a failed job be tried again, or a waiting one at once."""
    if (job is None) != every:
        raise Invalid("Name one job, or all failed ones by --all.")
    job_id = _read(job) if job else None

    async def work(desk: Desk) -> tuple[int, list[str]]:
        wanted = [job_id] if job_id else await _failed(desk)
        refused: list[str] = []
        with show.counting(len(wanted)) as count:
            for each in wanted:
                try:
                    async with desk.writing() as (conn, tenant_id, by):
                        await retry_job(conn, tenant_id=tenant_id, job_id=each, by=by)
                except (Conflict, Missing, Busy) as error:
                    if not every:
                        raise
                    refused.append(f"{each}: {error.message}")
                count()
        return len(wanted) - len(refused), refused

    tried, refused = with_database(ctx, work)
    for line in refused:
        typer.echo(line)
    typer.echo(f"Tried again: {tried}. `roadworthy job list` shows how far they are.")


@app.command()
def drop(ctx: typer.Context, job: JobId) -> None:
    """Give a waiting or failed job up, with the content that it was for."""
    job_id = _read(job)

    async def work(desk: Desk) -> None:
        async with desk.writing() as (conn, tenant_id, by):
            await drop_job(conn, tenant_id=tenant_id, job_id=job_id, by=by)

    with_database(ctx, work)
    typer.echo(f"Dropped {job_id}.")


async def _failed(desk: Desk) -> list[uuid.UUID]:
    async with desk.writing() as (conn, tenant_id, by):
        return await failed_jobs(conn, tenant_id=tenant_id, owner=by)


def _problem(job: ListedJob) -> str | None:
    return job.problem and f"{job.problem_kind}: {job.problem}"


def _read(job: str) -> uuid.UUID:
    try:
        return uuid.UUID(job)
    except ValueError:
        raise Invalid(f"{job!r} is no job id; an upload's receipt names it.") from None
