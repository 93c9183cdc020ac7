"""`roadworthy corpus probe`: questions that must go on finding their passage."""

import uuid
from typing import Annotated

import typer

from roadworthy.bootstrap import Services
from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_database, with_services
from roadworthy.core.errors import Invalid
from roadworthy.corpus.documents import find_corpus
from roadworthy.corpus.languages import detect
from roadworthy.corpus.probes import Probe, add_probe, list_probes, remove_probe, set_found
from roadworthy.corpus.routing import check_language
from roadworthy.diagnosis.probing import AMONG_BEST, AS_ASKED, Asking, found_by
from roadworthy.installation import Installation

app = typer.Typer(help="Keep questions that must go on finding their passage.")

Name = Annotated[str, typer.Argument(metavar="NAME")]


@app.command()
def add(
    ctx: typer.Context,
    name: Name,
    question: Annotated[str, typer.Argument(help="As somebody would ask it.")],
    *,
    document: Annotated[str, typer.Option(help="Id of the document that answers it.")],
    quote: Annotated[
        str | None, typer.Option(help="Words of the passage; else any of the document will do.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="Of the question; else detected.")] = None,
) -> None:
    """Keep a question with the passage that it finds now; `doctor` asks it from then on."""
    spoken = detect(question) if language is None else check_language(language)

    async def work(desk: Desk, opened: Services, _: Installation) -> list[str]:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            corpus = await find_corpus(conn, tenant_id=tenant_id, name=name)
            probe_id = await add_probe(
                conn,
                tenant_id=tenant_id,
                corpus_id=corpus.id,
                document_id=_id(document),
                language=spoken,
                question=question,
                quote=quote,
            )
        asking = Asking(
            database=desk.database, embedders=opened.embedders, tenant_id=tenant_id, corpus=corpus
        )
        return await _asked(asking, probe_id)

    ways = with_services(ctx, work)
    typer.echo(f"Kept; it is found by {', '.join(ways)}.")


@app.command("list")
def list_(ctx: typer.Context, name: Name) -> None:
    """List the probes of a corpus."""

    async def work(desk: Desk) -> list[Probe]:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            corpus = await find_corpus(conn, tenant_id=tenant_id, name=name)
            return await list_probes(conn, tenant_id=tenant_id, corpus_id=corpus.id)

    rows = [
        (
            each.id,
            each.language,
            each.question,
            each.document,
            "stale" if each.is_stale else "generated" if each.is_generated else "",
        )
        for each in with_database(ctx, work)
    ]
    columns = ("id", "language", "question", "document", "")
    show.table(columns, rows, empty="There is no probe yet; documents bring some when published.")


@app.command()
def remove(ctx: typer.Context, probe: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Forget a probe."""
    probe_id = _id(probe)

    async def work(desk: Desk) -> None:
        tenant_id = await desk.operator()
        async with desk.database.as_worker(tenant_id) as conn:
            await remove_probe(conn, tenant_id=tenant_id, probe_id=probe_id)

    with_database(ctx, work)
    typer.echo(f"Removed {probe_id}.")


async def _asked(asking: Asking, probe_id: uuid.UUID) -> list[str]:
    """Ask a new probe, and keep it only if it is found as people would find it."""
    of = {"tenant_id": asking.tenant_id}
    async with asking.database.as_worker(asking.tenant_id) as conn:
        probes = await list_probes(conn, **of, corpus_id=asking.corpus.id)
    [probe] = [each for each in probes if each.id == probe_id]
    ways = await found_by(asking, probe)
    async with asking.database.as_worker(asking.tenant_id) as conn:
        if AS_ASKED in ways:
            await set_found(conn, **of, probe_id=probe_id, ways=ways)
            return ways
        await remove_probe(conn, **of, probe_id=probe_id)
    raise Invalid(
        f"That question does not find this passage among the best {AMONG_BEST} now, so it proves "
        "nothing later; ask it in other words, or quote other ones."
    )


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Invalid(f"{text[:60]!r} is no id.") from None
