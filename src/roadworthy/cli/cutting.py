"""`roadworthy corpus tune`: which size of passages suits a corpus, by questions."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from roadworthy.answering.extract import ExtractingAnswerer
from roadworthy.answering.in_flight import Making
from roadworthy.answering.tuning import answerable
from roadworthy.bootstrap import Services
from roadworthy.cli import show
from roadworthy.cli.bars import staged
from roadworthy.cli.dataset import read_questions
from roadworthy.cli.desk import Desk, with_services
from roadworthy.cli.handing_in import OPERATOR
from roadworthy.core.choosing import LEAST_DOCUMENTS
from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid
from roadworthy.core.ids import new_id
from roadworthy.core.intervals import Interval
from roadworthy.corpus.documents import Corpus, find_corpus
from roadworthy.corpus.texts import read_texts
from roadworthy.ingestion.embed import not_served
from roadworthy.installation import Installation
from roadworthy.plumbing.settings import Settings
from roadworthy.releases import find_release
from roadworthy.retrieval.fusion import fusion_of
from roadworthy.retrieval.judged import JudgedQuestion
from roadworthy.tuning.answers import Judge
from roadworthy.tuning.experiments import Experiment, Measured, keep_experiment
from roadworthy.tuning.questions import located
from roadworthy.tuning.records import CONTEXT_TOKENS, Cut, Tuned
from roadworthy.tuning.service import Trial
from roadworthy.tuning.service import tune as tuned_by
from roadworthy.worker.tokenizers import Tokenizers

SIZES, OVERLAPS = (128, 192, 256, 384, 510), (0, 32)
MOST_CUTS = 20
MOST_CHARACTERS = 5_000_000  # of all documents; each way embeds them all
MEASURES = {
    "covered": "the share of the quoted words in the best {tokens} tokens",
    "ndcg10": "nDCG@10 of documents, for too few questions quote one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounds:
    """How much is tried, at most."""

    questions: int
    documents: int
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _At:
    """Where is measured, in whose name; and what hears of deletions meanwhile."""

    desk: Desk
    opened: Services
    corpus: Corpus
    making: Making


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    """What was tried, on what."""

    experiment: Experiment
    tuned: Tuned
    documents: int
    visible: int  # questions about documents that may be seen


def tune(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As `corpus list` shows it.")
    ] = "main",
    *,
    dataset: Annotated[
        Path, typer.Option(help="JSON lines of question, document, quote; or a folder as BEIR's.")
    ],
    size: Annotated[
        list[int] | None, typer.Option(min=32, max=8000, help="Tokens to try; repeatable.")
    ] = None,
    overlap: Annotated[
        list[int] | None, typer.Option(min=0, max=4000, help="Tokens to try; repeatable.")
    ] = None,
    questions: Annotated[
        int, typer.Option(min=LEAST_DOCUMENTS, max=10_000, help="At most so many are asked.")
    ] = 300,
    documents: Annotated[
        int, typer.Option(min=1, max=10_000, help="At most so many are cut.")
    ] = 500,
    minutes: Annotated[float, typer.Option(min=0.01, max=600, help="And not for longer.")] = 30,
) -> None:
    """Try sizes of passages on questions whose answers are known; nothing searched is touched."""
    asked = read_questions(dataset)
    bounds = _Bounds(questions=questions, documents=documents, minutes=minutes)

    async def work(desk: Desk, opened: Services, _: Installation) -> _Report:
        async with desk.reading() as (conn, tenant_id):
            corpus = await find_corpus(conn, tenant_id=tenant_id, name=name)
        cuts = _cuts(desk.settings, size or SIZES, overlap or OVERLAPS)
        making = opened.in_flight.begin(tenant_id)
        at = _At(desk=desk, opened=opened, corpus=corpus, making=making)
        try:
            return await _measured(at, cuts, asked, bounds=bounds)
        finally:
            opened.in_flight.end(making)

    _print(with_services(ctx, work), given=len(asked))


def _cuts(settings: Settings, sizes: Sequence[int], overlaps: Sequence[int]) -> list[Cut]:
    """List what is tried, the present way first, then without overlap before with it."""
    present = Cut(size=settings.passage_tokens, overlap=settings.passage_overlap_tokens)
    others = [
        Cut(size=size, overlap=overlap)
        for overlap in sorted(overlaps)
        for size in sorted(sizes)
        if 2 * overlap <= size
    ]
    cuts = list(dict.fromkeys([present, *others]))
    if len(cuts) > MOST_CUTS:
        raise Invalid(f"At most {MOST_CUTS} ways of cutting are tried at once.")
    return cuts


async def _measured(
    at: _At, cuts: Sequence[Cut], questions: Sequence[JudgedQuestion], *, bounds: _Bounds
) -> _Report:
    until = time.monotonic() + 60 * bounds.minutes
    trial, count = await _trial(at, questions, bounds=bounds)
    at.making.documents = frozenset(text.document_id for text in trial.texts)
    with staged() as shown:

        def report(stage: str, done: int, total: int) -> None:
            _check_whole(at.making)
            shown(stage, done, total)

        tuned = await tuned_by(
            trial, cuts, has_time=lambda: time.monotonic() < until, report=report
        )
    _check_whole(at.making)
    experiment = _experiment(tuned, at.corpus, made_by=at.desk.everywhere.user or OPERATOR)
    of = {"tenant_id": at.making.tenant_id, "corpus_id": at.corpus.id}
    async with at.desk.database.as_worker(at.making.tenant_id) as conn:
        await keep_experiment(conn, experiment, **of)
    return _Report(experiment=experiment, tuned=tuned, documents=len(trial.texts), visible=count)


async def _trial(
    at: _At, questions: Sequence[JudgedQuestion], *, bounds: _Bounds
) -> tuple[Trial, int]:
    """Read what is tried on, and tell how many of the questions are about what may be seen."""
    async with at.desk.reading() as (conn, tenant_id):
        of = {"tenant_id": tenant_id, "corpus_id": at.corpus.id}
        stored = await find_release(conn, tenant_id=tenant_id)
        seen = await answerable(conn, questions, **of)
        asked = seen[: bounds.questions]
        texts = await read_texts(
            conn,
            **of,
            first={target.document for each in asked for target in each.targets},
            most=bounds.documents,
            most_characters=MOST_CHARACTERS,
        )
    by_id = {each.space.id: each for each in at.opened.embedders.values()}
    try:
        embedder = by_id[at.corpus.space_id]
        tokenizer = Tokenizers(at.desk.settings, by_id)[at.corpus.space_id]
    except KeyError:
        raise not_served(at.corpus.space_id) from None
    trial = Trial(
        texts=texts,
        asked=located(asked, texts),
        routing=at.corpus.routing,
        fusion=fusion_of(stored.release),
        context_tokens=stored.release.context_tokens or CONTEXT_TOKENS,
        tokenizer=tokenizer,
        embedder=embedder,
        judge=Judge(
            answerer=ExtractingAnswerer(), embedder=embedder, release=stored.release, texts=texts
        ),
    )
    return trial, len(seen)


def _check_whole(making: Making) -> None:
    if making.is_over:
        raise Conflict("A document was deleted while it was measured on; run it again.")


def _experiment(tuned: Tuned, corpus: Corpus, *, made_by: str) -> Experiment:
    choice = tuned.choice
    return Experiment(
        id=new_id(),
        corpus=corpus.name,
        kind="passages",
        measure=tuned.measure,
        questions=len(tuned.tried[0].scores),
        tried=[
            Measured(setting=_setting(each.cut), figures=each.figures, gain=gain)
            for each, gain in zip(tuned.tried, tuned.choice.gains, strict=True)
        ],
        chosen=choice.best if choice.is_better else None,
        made_by=made_by,
        made_at=now(),
    )


def _setting(cut: Cut) -> dict[str, int]:
    return {"passage_tokens": cut.size, "passage_overlap_tokens": cut.overlap}


def _print(report: _Report, *, given: int) -> None:
    tuned, kept = report.tuned, report.experiment
    typer.echo(
        f"{kept.questions} questions of {given}, on {report.documents} documents of {kept.corpus}, "
        f"as {kept.made_by}; chosen by {kept.measure}: "
        f"{MEASURES[tuned.measure].format(tokens=tuned.context_tokens)}."
    )
    if given > report.visible:
        typer.echo(f"{given - report.visible} are about documents that are not to be seen there.")
    columns = ("size", "overlap", "nDCG@10", "recall@5", "whole@5", "covered", "answered", "gain")
    show.table(columns, [_quality(tuned, i) for i in range(len(tuned.tried))], empty="")
    typer.echo("")
    columns = (
        "size",
        "overlap",
        "passages",
        "tokens",
        "vectors",
        "postings",
        "embedding",
        "search",
    )
    show.table(columns, [_cost(tuned, i) for i in range(len(tuned.tried))], empty="")
    for sentence in _conclusion(report):
        typer.echo(sentence)


def _quality(tuned: Tuned, number: int) -> list[object]:
    each = tuned.tried[number]
    figures = each.figures
    gain = "present" if number == 0 else _told(tuned.choice.gains[number])
    names = ("ndcg10", "recall5", "whole5", "covered", "answered")
    told = ["-" if figures[name] is None else f"{figures[name]:.4f}" for name in names]
    return [each.cut.size, each.cut.overlap, *told, gain]


def _cost(tuned: Tuned, number: int) -> list[object]:
    cut, cost = tuned.tried[number].cut, tuned.tried[number].cost
    return [
        cut.size,
        cut.overlap,
        cost.passages,
        f"{cost.mean_tokens:.0f}",
        f"{cost.vector_bytes / 1e6:.2f} MB",
        f"{cost.posting_bytes / 1e6:.2f} MB",
        f"{cost.embed_s:.1f} s",
        f"{cost.search_ms:.1f} ms",
    ]


def _conclusion(report: _Report) -> list[str]:
    tuned, kept = report.tuned, report.experiment
    said: list[str] = []
    if tuned.tried[0].figures["answered"] is None:
        said.append("No question says its answer, so none is judged.")
    if tuned.untried:
        left = ", ".join(f"{cut.size}/{cut.overlap}" for cut in tuned.untried)
        said.append(f"There was no time left for {left}; --minutes gives more.")
    said.append(
        f"The best brings {_told(tuned.choice.gain)}: 95 %, of all that were tried at once."
    )
    chosen = tuned.tried[kept.chosen or 0].cut
    settings = f"passage_tokens = {chosen.size}, passage_overlap_tokens = {chosen.overlap}"
    if kept.chosen is None:
        said.append(f"That cannot be told from chance: keep {settings}.")
    else:
        said.append(
            f"Recommended: {settings}. It holds for what is read from then on; documents that are "
            "there are cut anew when they are ingested into a new corpus."
        )
    said.append(f"Kept as experiment {kept.id}.")
    return said


def _told(interval: Interval) -> str:
    return f"{interval.value:+.4f} [{interval.low:+.4f}, {interval.high:+.4f}]"
