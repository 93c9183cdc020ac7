"""`roadworthy document`: what is stored, who may read it, and its end."""

import uuid
from dataclasses import dataclass, fields
from typing import Annotated

import typer

from roadworthy.bootstrap import deletion_service
from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database
from roadworthy.cli.receipts import printed
from roadworthy.core.errors import Invalid
from roadworthy.corpus.access import access
from roadworthy.corpus.documents import Document, find_document, list_documents
from roadworthy.corpus.ownership import reshare
from roadworthy.corpus.reviews import Review, list_reviews
from roadworthy.corpus.telling import tell_language
from roadworthy.corpus.verdicts import Removal, StoredVerdict, list_removals, list_verdicts
from roadworthy.deletion import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet(Document):
    """A document, and how it was curated."""

    verdicts: list[StoredVerdict]
    removals: list[Removal]
    reviews: list[Review]


app = typer.Typer(help="List, show, share and delete documents.")

Id = Annotated[str, typer.Argument(metavar="ID", help="As `document list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    corpus: Annotated[str | None, typer.Option(help="Of this corpus only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 1000,
    json: Json = False,
) -> None:
    """List the documents, oldest first."""

    async def work(desk: Desk) -> list[Document]:
        async with desk.reading() as (conn, tenant_id):
            return await list_documents(conn, tenant_id=tenant_id, corpus=corpus, limit=limit)

    found = with_database(ctx, work)
    if json:
        show.as_json(list[Document], found)
        return
    rows = [
        (d.id, d.name, d.state, d.version, d.passages, " ".join(d.readers), d.clearance, d.problem)
        for d in found
    ]
    columns = ("id", "name", "state", "version", "passages", "readers", "clearance", "problem")
    show.table(columns, rows, empty="There are no documents; `roadworthy ingest PATH` adds some.")


@app.command("show")
def show_(ctx: typer.Context, document: Id) -> None:
    """Show all that is known of one document, and what the checks said of it."""
    document_id = _id(document)

    async def work(desk: Desk) -> Sheet:
        async with desk.reading() as (conn, tenant_id):
            of = {"tenant_id": tenant_id, "document_id": document_id}
            document = await find_document(conn, **of)
            return Sheet(
                **{each.name: getattr(document, each.name) for each in fields(document)},
                verdicts=await list_verdicts(conn, **of),
                removals=await list_removals(conn, **of),
                reviews=await list_reviews(conn, **of),
            )

    show.as_json(Sheet, with_database(ctx, work))


@app.command()
def share(
    ctx: typer.Context,
    document: Id,
    *,
    group: Annotated[list[str] | None, typer.Option(help="May read; repeatable.")] = None,
    user: Annotated[list[str] | None, typer.Option(help="May read; repeatable.")] = None,
    clearance: Annotated[int, typer.Option(min=0, max=1000, help="The least needed.")] = 0,
) -> None:
    """Say anew who may read a document; nobody named means everyone of the tenant."""
    document_id = _id(document)
    wanted = access(groups=group or (), users=user or (), clearance=clearance)

    async def work(desk: Desk) -> None:
        async with desk.writing() as (conn, tenant_id, by):
            await reshare(conn, tenant_id=tenant_id, document_id=document_id, wanted=wanted, by=by)

    with_database(ctx, work)
    typer.echo("It holds from the next question on.")


@app.command("delete")
def delete_(ctx: typer.Context, document: Id, *, json: Json = False) -> None:
    """Delete a document with all that was made from it, and print the receipt."""
    document_id = _id(document)

    async def work(desk: Desk) -> Receipt:
        principal = await desk.principal()
        tenant_id = principal.tenant_id if principal else await desk.tenant()
        service = deletion_service(desk.settings, desk.database)
        return await service.delete_document(document_id, tenant_id=tenant_id, by=principal)

    receipt = with_database(ctx, work)
    if json:
        show.as_json(Receipt, receipt)
    else:
        printed(receipt)


@app.command()
def language(
    ctx: typer.Context,
    document: Id,
    code: Annotated[str, typer.Argument(metavar="LANGUAGE", help="Such as fr; auto: detected.")],
) -> None:
    """Say which language a document is in, or have it detected again."""
    document_id, told = _id(document), None if code == "auto" else code

    async def work(desk: Desk) -> bool:
        async with desk.writing() as (conn, tenant_id, by):
            return await tell_language(
                conn, tenant_id=tenant_id, document_id=document_id, language=told, by=by
            )

    changed = with_database(ctx, work)
    typer.echo(f"{document} is in {code}." if changed else "That was known.")


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Invalid(
            f"{text!r} is no document id; `roadworthy document list` shows them."
        ) from None
