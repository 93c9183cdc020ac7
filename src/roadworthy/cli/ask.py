"""`roadworthy ask` and `roadworthy search`."""

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated, cast

import typer

from roadworthy.answering.records import Answer, Asked, Citation, Event, TextPiece
from roadworthy.answering.searching import FURTHER, SearchResult, Sought
from roadworthy.bootstrap import Services
from roadworthy.cli import show
from roadworthy.cli.desk import Desk, with_services
from roadworthy.gateway.chat import Message
from roadworthy.installation import Installation
from roadworthy.retrieval.search import Hit
from roadworthy.traces.records import SearchedFor

app = typer.Typer()
search_app = typer.Typer()
SNIPPET = 300  # characters

Release = Annotated[str | None, typer.Option(help="Name of a release; else the live one.")]
Language = Annotated[
    str | None, typer.Option(help="Of the question, such as fr; else it is detected.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def ask(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    *,
    release: Release = None,
    language: Language = None,
    json: Json = False,
) -> None:
    """Ask a question; the answer cites its documents, or says that they do not say."""

    async def work(desk: Desk, opened: Services, _: Installation) -> Answer:
        asked = Asked(
            turns=[Message(role="user", content=question)],
            surface="cli",
            release=release,
            language=language,
        )
        events = opened.answering.answer(await desk.asker(), asked)
        return await _streamed(events, quiet=json)

    answer = with_services(ctx, work)
    if json:
        show.as_json(Answer, answer)
        return
    typer.echo("\n")
    _tell(answer.searched_for)
    for line in dict.fromkeys(_cited(citation) for citation in answer.citations):
        typer.echo(line)
    for verdict in answer.verdicts:
        if verdict.outcome not in {None, "pass"}:
            told = f"{verdict.outcome} ({verdict.reason})"
            typer.echo(f"The {verdict.guard} guard: {told}.", err=True)
    if answer.degraded:
        typer.echo(f"Without: {', '.join(answer.degraded)}.", err=True)


@search_app.command()
def search(
    ctx: typer.Context,
    question: Annotated[str, typer.Argument(help="What to look for.")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 5,
    release: Release = None,
    language: Language = None,
    explain: Annotated[
        bool, typer.Option(help="Say of each hit where it stands in each ranking, and why.")
    ] = False,
    json: Json = False,
) -> None:
    """Find the passages that fit a question best."""

    async def work(desk: Desk, opened: Services, _: Installation) -> SearchResult:
        sought = Sought(
            question=question, surface="cli", limit=limit, release=release, language=language
        )
        return await opened.searching.search(await desk.asker(), sought)

    result = with_services(ctx, work)
    if json:
        show.as_json(SearchResult, result)
        return
    _tell(result.searched_for)
    if not result.hits:
        read = "was read" if FURTHER in result.degraded else "you may read"
        typer.echo(f"No passage that {read} fits.")
    for hit in result.hits:
        typer.echo(_found(hit))
    if explain:
        _explain(result)
    if result.degraded:
        typer.echo(f"Without: {', '.join(result.degraded)}.", err=True)


def _explain(result: SearchResult) -> None:
    columns = [
        "rank",
        "score",
        "words (BM25)",
        "meaning (cosine)",
        "searched",
        "before (reranked)",
        "document",
    ]
    rows = [
        [
            hit.rank,
            f"{hit.score:.3f}",
            _place(hit.keyword_rank, hit.keyword_score),
            _place(hit.vector_rank, hit.vector_score),
            hit.space and f"{hit.space}, {hit.vector_path}",
            _place(hit.fused_rank, hit.rerank_score),
            hit.document_name,
        ]
        for hit in result.hits
    ]
    if rows:
        show.table(columns, rows, empty="")
    steps = ", ".join(
        f"{stage.name} {stage.ms:.1f}" + (f" ({stage.note})" if stage.note else "")
        for stage in result.stages
    )
    typer.echo(
        f"{result.visible_passages} passages that you may read. "
        f"Milliseconds: {steps}; in all {result.ms:.1f}."
    )


def _place(rank: int | None, score: float | None) -> str:
    return "" if rank is None or score is None else f"{rank} ({score:.3f})"


def _tell(searched_for: SearchedFor | None) -> None:
    if searched_for and searched_for.filters:
        filters = " ".join(searched_for.filters)
        typer.echo(f"Searched for: {searched_for.text}; filters: {filters}", err=True)


async def _streamed(events: AsyncIterator[Event], *, quiet: bool) -> Answer:
    answer = None
    async with aclosing(cast("AsyncGenerator[Event]", events)) as open_events:
        async for event in open_events:
            if isinstance(event, TextPiece) and not quiet:
                sys.stdout.write(event.text)
                sys.stdout.flush()
            if isinstance(event, Answer):
                answer = event
    assert answer is not None, "the last event is the answer"
    return answer


def _cited(citation: Citation) -> str:
    where = _where(citation.document_name, citation.page_first, citation.heading)
    return f"[{citation.number}] {citation.title or citation.document_name} — {where}"


def _found(hit: Hit) -> str:
    where = _where(hit.document_name, hit.page_first, hit.heading)
    text = " ".join(hit.text.split())
    snippet = text if len(text) <= SNIPPET else text[:SNIPPET].rsplit(" ", 1)[0] + " ..."
    return (
        f"{hit.rank}. {hit.title or hit.document_name} — {where} ({hit.score:.2f})\n   {snippet}\n"
    )


def _where(name: str, page: int | None, heading: str) -> str:
    parts: Sequence[str] = [name, f"page {page}" if page else "", heading]
    return ", ".join(part for part in parts if part)
