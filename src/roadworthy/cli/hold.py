"""`roadworthy hold`: keep documents as they are until the hold is lifted."""

import uuid
from typing import Annotated

import typer

from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.core.errors import Invalid
from roadworthy.corpus.documents import find_corpus
from roadworthy.deletion import Hold, add_hold, lift_hold, list_holds
from roadworthy.deletion.receipts import OPERATOR

app = typer.Typer(help="Place, lift and list legal holds.")


@app.command()
def add(
    ctx: typer.Context,
    *,
    reason: Annotated[str, typer.Option(help="Why; shown to who may place holds, to no other.")],
    document: Annotated[str | None, typer.Option(metavar="ID", help="This document.")] = None,
    person: Annotated[
        str | None, typer.Option(metavar="USER", help="All that this person owns.")
    ] = None,
    corpus: Annotated[str | None, typer.Option(metavar="NAME", help="All of this corpus.")] = None,
) -> None:
    """Keep a document, a person's documents or a corpus: not deleted, not replaced.

    Placed by the operator, or with --as by a person of the group legal-hold.
    """
    document_id = _id(document) if document is not None else None

    async def work(desk: Desk) -> uuid.UUID:
        async with desk.writing() as (conn, tenant_id, by):
            corpus_id = None
            if corpus is not None:
                corpus_id = (await find_corpus(conn, tenant_id=tenant_id, name=corpus)).id
            return await add_hold(
                conn,
                tenant_id=tenant_id,
                reason=reason,
                by=by or OPERATOR,
                document_id=document_id,
                user_id=person,
                corpus_id=corpus_id,
            )

    hold_id = with_database(ctx, work)
    typer.echo(f"Hold {hold_id} holds; `roadworthy hold remove {hold_id}` lifts it.")


@app.command()
def remove(ctx: typer.Context, hold: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Lift a hold; it stays on record until what it was about is deleted."""
    hold_id = _id(hold)

    async def work(desk: Desk) -> None:
        await desk.check_approved("hold remove", str(hold_id))
        async with desk.writing() as (conn, tenant_id, by):
            await lift_hold(conn, tenant_id=tenant_id, hold_id=hold_id, by=by or OPERATOR)

    with_database(ctx, work)
    typer.echo(f"Lifted {hold_id}.")


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    lifted: Annotated[bool, typer.Option("--all", help="The lifted ones too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the holds, oldest first."""

    async def work(desk: Desk) -> list[Hold]:
        async with desk.reading() as (conn, tenant_id):
            return await list_holds(conn, tenant_id=tenant_id, lifted=lifted)

    found = with_database(ctx, work)
    if json:
        show.as_json(list[Hold], found)
        return
    rows = [
        (h.id, _on(h), h.reason, h.placed_by, f"{h.placed_at:%Y-%m-%d}", h.lifted_by) for h in found
    ]
    columns = ("id", "on", "reason", "placed by", "placed", "lifted by")
    show.table(columns, rows, empty="There are no holds.")


def _on(hold: Hold) -> str:
    if hold.document_id is not None:
        return f"document {hold.document_id}"
    return f"person {hold.user_id}" if hold.user_id is not None else f"corpus {hold.corpus}"


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Invalid(
            f"{text!r} is no id; `roadworthy hold list` and `document list` show them."
        ) from None
