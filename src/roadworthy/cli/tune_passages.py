"""`roadworthy corpus tune`: which size of passages suits a corpus, by questions."""

import time
from typing import Annotated

import typer

from roadworthy.bootstrap import Services
from roadworthy.cli import show
from roadworthy.cli.bars import staged
from roadworthy.cli.dataset import DatasetPath, Minutes, Questions, SplitName, read_dataset
from roadworthy.cli.desk import Desk, with_services
from roadworthy.installation import Installation
from roadworthy.tuning.passages import OVERLAPS, SIZES, Bench, Bounds, cuts_of
from roadworthy.tuning.passages import tune as tuned_by
from roadworthy.tuning.questions import Dataset
from roadworthy.tuning.records import Cut, TriedCut, TunedPassages
from roadworthy.worker.tokenizers import Tokenizers

MEASURES = {
    "covered": "the share of the quoted words in {tokens} tokens that are read",
    "ndcg10": "nDCG@10 of documents, for questions quote too few",
}


def tune(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As `corpus list` shows it.")
    ] = "main",
    *,
    dataset: DatasetPath,
    split: SplitName = None,
    size: Annotated[
        list[int] | None, typer.Option(min=32, max=8000, help="Tokens to try; repeatable.")
    ] = None,
    overlap: Annotated[
        list[int] | None, typer.Option(min=0, max=4000, help="Tokens to try; repeatable.")
    ] = None,
    questions: Questions = 300,
    documents: Annotated[
        int, typer.Option(min=1, max=10_000, help="At most so many are cut.")
    ] = 500,
    minutes: Minutes = 30,
) -> None:
    """Try sizes of passages on questions whose answers are known; nothing searched is touched."""
    asked = read_dataset(dataset, split)

    async def work(desk: Desk, opened: Services, _: Installation) -> TunedPassages:
        until = time.monotonic() + 60 * minutes
        settings = desk.settings
        present = Cut(size=settings.passage_tokens, overlap=settings.passage_overlap_tokens)
        by_id = {each.space.id: each for each in opened.embedders.values()}
        bench = Bench(
            database=desk.database,
            embedders=by_id,
            tokenizers=Tokenizers(settings, by_id),
            in_flight=opened.in_flight,
            tenant_id=await desk.tenant(),
            principal=await desk.principal(),
        )
        with staged() as report:
            return await tuned_by(
                bench,
                cuts_of(present, sizes=size or SIZES, overlaps=overlap or OVERLAPS),
                asked,
                corpus=name,
                bounds=Bounds(
                    questions=questions,
                    documents=documents,
                    has_time=lambda: time.monotonic() < until,
                ),
                report=report,
            )

    _print(with_services(ctx, work), asked)


def _print(tuned: TunedPassages, dataset: Dataset) -> None:
    kept, given = tuned.experiment, len(dataset.questions)
    assert kept.basis is not None, "it has just been measured"
    measured = MEASURES[tuned.measure].format(tokens=kept.basis.context_tokens)
    typer.echo(
        f"{kept.questions} questions of {given} ({dataset.name}), on {tuned.texts} documents of "
        f"{kept.corpus}, as {kept.made_by}; chosen by {kept.measure}: {measured}, as "
        f"{kept.basis.counted} questions about {kept.basis.documents} documents say."
    )
    if given > tuned.visible:
        typer.echo(f"{given - tuned.visible} name no document that is to be seen there.")
    if tuned.unfound:
        typer.echo(f"{tuned.unfound} quotes do not stand in their documents and are left out.")
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
    show.table(columns, [_cost(each) for each in tuned.tried], empty="")
    for sentence in _conclusion(tuned):
        typer.echo(sentence)


def _quality(tuned: TunedPassages, number: int) -> list[object]:
    each = tuned.tried[number]
    figures = each.figures
    gain = "as set" if number == 0 else show.interval(tuned.choice.gains[number])
    names = ("ndcg10", "recall5", "whole5", "covered", "answered")
    told = ["-" if figures[name] is None else f"{figures[name]:.4f}" for name in names]
    return [each.cut.size, each.cut.overlap, *told, gain]


def _cost(tried: TriedCut) -> list[object]:
    cut, cost = tried.cut, tried.cost
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


def _conclusion(tuned: TunedPassages) -> list[str]:
    kept = tuned.experiment
    said: list[str] = []
    if tuned.tried[0].figures["answered"] is None:
        said.append("No question says its answer, so none is judged.")
    if tuned.untried:
        left = ", ".join(f"{cut.size}/{cut.overlap}" for cut in tuned.untried)
        said.append(f"There was no time left for {left}; --minutes gives more.")
    said.append(f"The best brings {show.interval(tuned.choice.gain)}: {show.AT_ONCE}")
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
