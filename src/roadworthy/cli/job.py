"""`roadworthy job`: how far accepted work is."""

import uuid
from typing import Annotated

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.core.errors import Invalid
from roadworthy.plumbing.jobs import JobState, job_state

app = typer.Typer(help="See how far accepted work is.")


@app.callback()
def _group() -> None:
    """See how far accepted work is."""


@app.command("show")
def show_(ctx: typer.Context, job: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Show one job."""
    try:
        job_id = uuid.UUID(job)
    except ValueError:
        raise Invalid(f"{job!r} is no job id; an upload's receipt names it.") from None

    async def work(desk: Desk) -> JobState:
        async with desk.reading() as (conn, tenant_id):
            return await job_state(conn, tenant_id=tenant_id, job_id=job_id)

    show.as_json(JobState, with_database(ctx, work))
