"""`roadworthy ingest review`, in short `review`: decide about what was kept back."""

import uuid
from dataclasses import dataclass
from typing import Annotated

import typer

from roadworthy.bootstrap import Services
from roadworthy.cli import show
from roadworthy.cli.bars import shown
from roadworthy.cli.desk import Desk, with_database, with_services
from roadworthy.cli.handing_in import FAILED, OPERATOR, HandingIn, Outcome
from roadworthy.cli.ingest import worked
from roadworthy.core.errors import Invalid
from roadworthy.corpus.documents import Document, find_document, list_documents
from roadworthy.corpus.quarantine import REJECT, RELEASE
from roadworthy.corpus.reviews import decide
from roadworthy.corpus.verdicts import QUARANTINED, StoredVerdict, list_verdicts
from roadworthy.ingestion import KIND
from roadworthy.installation import Installation
from roadworthy.plumbing.jobs import enqueue

app = typer.Typer(help="Decide about documents that were kept back.")

Id = Annotated[str, typer.Argument(metavar="ID", help="As `review list` shows it.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the decision.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBack:
    """A document that waits for a decision, and why."""

    document: Document
    verdicts: list[StoredVerdict]  # those that keep it back


@app.callback(invoke_without_command=True)
def _group(ctx: typer.Context) -> None:
    """Decide about documents that were kept back; alone, it lists them."""
    if ctx.invoked_subcommand is None:
        list_(ctx)


@app.command("list")
def list_(
    ctx: typer.Context,
    *,
    corpus: Annotated[str | None, typer.Option(help="Of this corpus only.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what waits for a decision, with the reasons."""

    async def work(desk: Desk) -> list[KeptBack]:
        async with desk.reading() as (conn, tenant_id):
            documents = await list_documents(
                conn, tenant_id=tenant_id, corpus=corpus, state=QUARANTINED, limit=1000
            )
            return [
                KeptBack(
                    document=each,
                    verdicts=[
                        verdict
                        for verdict in await list_verdicts(
                            conn, tenant_id=tenant_id, document_id=each.id
                        )
                        if (verdict.outcome, verdict.revision_state) == (QUARANTINED, QUARANTINED)
                    ],
                )
                for each in documents
            ]

    found = with_database(ctx, work)
    if json:
        show.as_json(list[KeptBack], found)
        return
    rows = [
        (each.document.id, each.document.name, verdict.check, verdict.reason)
        for each in found
        for verdict in each.verdicts
    ]
    show.table(("id", "document", "check", "reason"), rows, empty="Nothing waits for a decision.")


@app.command()
def release(ctx: typer.Context, document: Id, *, reason: Reason = "") -> None:
    """Make a document searchable, whatever was found in it."""
    document_id = _id(document)

    async def work(desk: Desk, opened: Services, place: Installation) -> Outcome:
        async with desk.writing() as (conn, tenant_id, by):
            of = {"tenant_id": tenant_id, "document_id": document_id}
            revision_id = await decide(
                conn, **of, decision=RELEASE, reason=reason, by=by or OPERATOR
            )
            assert revision_id is not None
            job_id = await enqueue(conn, **of, kind=KIND, revision_id=revision_id)
            name = (await find_document(conn, **of)).name
        following = HandingIn(opened, tenant_id=tenant_id, by=None)
        async with worked(opened, place):
            with shown() as report:
                accepted = Outcome(name=name, outcome="released", job_id=job_id)
                [outcome] = await following.follow([accepted], total=1, report=report)
        return outcome

    outcome = with_services(ctx, work)
    typer.echo(f"{outcome.name} is {outcome.outcome}. {outcome.reason}".strip())
    raise typer.Exit(outcome.exit_code if outcome.outcome == FAILED else 0)


@app.command()
def reject(ctx: typer.Context, document: Id, *, reason: Reason = "") -> None:
    """Decide that a document is never to be searchable with this content."""
    document_id = _id(document)

    async def work(desk: Desk) -> None:
        async with desk.writing() as (conn, tenant_id, by):
            await decide(
                conn,
                tenant_id=tenant_id,
                document_id=document_id,
                decision=REJECT,
                reason=reason,
                by=by or OPERATOR,
            )

    with_database(ctx, work)
    typer.echo(f"Rejected {document}.")


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Invalid(f"{text!r} is no document id; `roadworthy review list` shows them.") from None
