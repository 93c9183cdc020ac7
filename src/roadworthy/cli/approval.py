"""`roadworthy approval`: what a second person grants."""

import uuid
from typing import Annotated

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.core.errors import Invalid
from roadworthy.corpus.approvals import Approval, grant, list_approvals

app = typer.Typer(help="List and grant sensitive operations.")


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List what was asked for, the newest first; to the operator and the group approvers."""

    async def work(desk: Desk) -> list[Approval]:
        async with desk.reading() as (conn, tenant_id):
            return await list_approvals(conn, tenant_id=tenant_id)

    rows = [
        (a.id, a.operation, a.subject, a.asked_by, f"{a.asked_at:%Y-%m-%d %H:%M}", _state(a))
        for a in with_database(ctx, work)
    ]
    columns = ("id", "operation", "of", "asked by", "asked", "state")
    show.table(columns, rows, empty="Nothing was asked for.")


@app.command("grant")
def grant_(ctx: typer.Context, approval: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Let it be done once; --as names who grants, another person than who asked."""
    try:
        approval_id = uuid.UUID(approval)
    except ValueError:
        raise Invalid(f"{approval!r} is no id; `roadworthy approval list` shows them.") from None

    async def work(desk: Desk) -> Approval:
        who = await desk.asker()
        async with desk.database.write_as(who) as conn:
            return await grant(
                conn, tenant_id=who.tenant_id, approval_id=approval_id, by=who.user_id
            )

    found = with_database(ctx, work)
    typer.echo(f"Granted `{found.operation}` of {found.subject}; {found.asked_by} may do it now.")


def _state(approval: Approval) -> str:
    if approval.used_at is not None:
        return f"granted by {approval.granted_by}, done"
    return f"granted by {approval.granted_by}" if approval.granted_by else "waits"
