"""`roadworthy deletion`: receipts, and what is left of deleted rows on the disk."""

import uuid
from typing import Annotated

import psycopg
import typer
from rich.progress import track

from roadworthy.bootstrap import STORES, deletion_service
from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.cli.options import told
from roadworthy.cli.receipts import printed
from roadworthy.core.errors import Invalid
from roadworthy.deletion import Receipt, find_receipt, list_receipts, purging
from roadworthy.deletion.receipts import find_receipt_anywhere
from roadworthy.installation import running_database

app = typer.Typer(help="List and show receipts of deletions; purge the disk.")
PATIENCE_S = 60.0
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    json: Json = False,
) -> None:
    """List the deletions, the newest first; without --tenant those of all tenants."""

    async def work(desk: Desk) -> list[Receipt]:
        principal = await desk.principal()
        if principal is not None:
            async with desk.database.read_as(principal) as conn:
                return await list_receipts(conn, tenant_id=principal.tenant_id, limit=limit)
        tenant_id = await desk.tenant() if desk.everywhere.tenant else None
        async with desk.database.as_worker(tenant_id) as conn:
            return await list_receipts(conn, tenant_id=tenant_id, limit=limit)

    found = with_database(ctx, work)
    if json:
        show.as_json(list[Receipt], found)
        return
    rows = [
        (r.id, r.scope, r.subject, r.documents, r.requested_by, _when(r), _state(r)) for r in found
    ]
    columns = ("id", "scope", "subject", "documents", "asked by", "asked", "state")
    show.table(columns, rows, empty="Nothing was deleted.")


@app.command("show")
def show_(
    ctx: typer.Context,
    deletion: Annotated[str, typer.Argument(metavar="ID", help="As the deletion printed it.")],
    *,
    json: Json = False,
) -> None:
    """Show what each store has forgotten, and when."""
    receipt_id = _id(deletion)

    async def work(desk: Desk) -> Receipt:
        principal = await desk.principal()
        if principal is not None:
            tenant_id = principal.tenant_id
            async with desk.database.read_as(principal) as conn:
                found = await find_receipt(conn, tenant_id=tenant_id, receipt_id=receipt_id)
        else:
            async with desk.database.as_worker() as conn:
                tenant_id, found = await find_receipt_anywhere(conn, receipt_id)
        service = deletion_service(desk.settings, desk.database)
        return await service.finish(found, tenant_id=tenant_id)

    found = with_database(ctx, work)
    if json:
        show.as_json(Receipt, found)
    else:
        printed(found)


@app.command()
def purge(ctx: typer.Context) -> None:
    """Rewrite the tables that hold text, so that deleted rows leave their files.

    PostgreSQL leaves a deleted row in its file until the space is used again. This writes each
    table anew (VACUUM FULL) and waits for nobody to use it; searches wait meanwhile. Where a
    transaction from before stays open it refuses: what that may read would remain. The
    write-ahead log, replicas and backups keep what they have, for as long as they are kept.
    """
    settings = told(ctx).settings()
    tables = ["trace", *(store.name for store in STORES)]
    with running_database(settings) as urls:
        if urls.owner is None:
            raise Invalid("Tables are rewritten by the owner of the database; set database_url.")
        with psycopg.connect(urls.owner, autocommit=True) as conn:
            progress = track(
                tables,
                description="purging",
                console=show.ERR,
                transient=True,
                disable=not show.ERR.is_terminal,
            )
            purging.purge(conn, progress, patience_s=PATIENCE_S)
    typer.echo(f"Rewrote {len(tables)} tables.")


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Invalid(
            f"{text!r} is no id of a deletion; `roadworthy deletion list` shows them."
        ) from None


def _when(receipt: Receipt) -> str:
    return f"{receipt.requested_at:%Y-%m-%d %H:%M:%S}"


def _state(receipt: Receipt) -> str:
    if receipt.finished_at:
        return "finished"
    return "erased" if receipt.erased_at else "under way"
