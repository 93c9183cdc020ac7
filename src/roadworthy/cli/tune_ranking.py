"""`roadworthy search tune`: choose how rankings are joined, by questions with known answers."""

import time
from typing import Annotated, get_args

import typer

from roadworthy.bootstrap import Services
from roadworthy.cli import show
from roadworthy.cli.bars import staged
from roadworthy.cli.dataset import DatasetPath, Minutes, Questions, SplitName, read_dataset
from roadworthy.cli.desk import Desk, with_services
from roadworthy.core.errors import Conflict
from roadworthy.installation import Installation
from roadworthy.releases import Release, add_release, check_name, list_releases
from roadworthy.retrieval.fusion import Fusion, Method
from roadworthy.tuning.questions import Dataset
from roadworthy.tuning.ranking import (
    WEIGHTS,
    Searcher,
    TriedFusion,
    TunedRanking,
    searcher,
)
from roadworthy.tuning.ranking import tune as tuned_by

app = typer.Typer()
BAR = 30  # characters
METHODS: tuple[str, ...] = get_args(Method)


@app.command()
def tune(
    ctx: typer.Context,
    *,
    dataset: DatasetPath,
    split: SplitName = None,
    questions: Questions = 300,
    minutes: Minutes = 30,
    release: Annotated[
        str | None, typer.Option(help="Store what is recommended under this name.")
    ] = None,
) -> None:
    """Try ways to join rankings on questions whose documents are known; the live one stays."""
    asked = read_dataset(dataset, split)
    if release is not None:
        check_name(release)

    async def work(desk: Desk, opened: Services, _: Installation) -> None:
        until = time.monotonic() + 60 * minutes
        by = await searcher(desk.database, opened.embedders, await desk.asker())
        if release is not None:
            await _check_free(by, release)
        with staged() as report:
            tuned = await tuned_by(
                by, asked, most=questions, has_time=lambda: time.monotonic() < until, report=report
            )
        _print(tuned, by, asked)
        await _advise(tuned, by, release)

    with_services(ctx, work)


async def _check_free(by: Searcher, name: str) -> None:
    tenant_id = by.principal.tenant_id
    async with by.database.as_worker(tenant_id) as conn:
        if name in {each.name for each in await list_releases(conn, tenant_id=tenant_id)}:
            raise Conflict(f"There is a release {name!r} already; choose another name.")


def _print(tuned: TunedRanking, by: Searcher, dataset: Dataset) -> None:
    kept, person, given = tuned.experiment, by.principal.user_id, len(dataset.questions)
    typer.echo(
        f"{kept.questions} questions of {given} ({dataset.name}), as {person}, in {kept.corpus}: "
        "nDCG@10 by the share of meaning."
    )
    if given > tuned.visible:
        typer.echo(f"{given - tuned.visible} name no document that {person} sees there.")
    if tuned.out_of_time:
        typer.echo("There was no time left for more; --minutes gives more.")
    show.table(("meaning", *METHODS, ""), _rows(tuned), empty="")
    typer.echo(f"Live: {_said(tuned.tried[0])}. Best: {_said(tuned.best)}.")
    typer.echo(f"The best brings {show.interval(tuned.choice.gain)}: {show.AT_ONCE}")
    typer.echo(f"Kept as experiment {kept.id}.")


def _rows(tuned: TunedRanking) -> list[tuple[str, ...]]:
    scores = [each.ndcg10 for each in tuned.tried]
    low, high = min(scores), max(scores)
    rows = []
    for weight in sorted({*WEIGHTS, tuned.tried[0].fusion.vector_weight}):
        by = {each.fusion.method: each for each in _of(tuned, weight)}
        best = max(each.ndcg10 for each in by.values())
        length = round(BAR * (best - low) / (high - low)) if high > low else BAR
        cells = [f"{by[m].ndcg10:.4f}" if m in by else "" for m in METHODS]
        rows.append((f"{weight:g}", *cells, "#" * length))
    return rows


def _of(tuned: TunedRanking, weight: float) -> list[TriedFusion]:
    """Take the ways of a weight, of each method the best."""
    of_weight = [each for each in tuned.tried if each.fusion.vector_weight == weight]
    return sorted(of_weight, key=lambda each: each.ndcg10)


def _said(tried: TriedFusion) -> str:
    fusion = tried.fusion
    spaces = "".join(f", {name} x {weight:g}" for name, weight in fusion.space_weights.items())
    return f"{fusion.method}, {fusion.vector_weight:g}{spaces} ({tried.ndcg10:.4f})"


async def _advise(tuned: TunedRanking, by: Searcher, name: str | None) -> None:
    """Say what follows, and store it where a name is given."""
    best = _said(tuned.best)
    if not tuned.choice.is_better:
        typer.echo(f"That cannot be told from chance: keep the release {by.stored.name}.")
    elif name is None:
        typer.echo(f"Recommended: {best}; --release NAME stores it as a release.")
    else:
        tenant_id = by.principal.tenant_id
        changed = _changed(by.stored.release, tuned.best.fusion)
        async with by.database.as_worker(tenant_id) as conn:
            await add_release(conn, tenant_id=tenant_id, name=name, release=changed)
        typer.echo(f"Stored {name}: {best}; `roadworthy release use {name}`.")


def _changed(release: Release, fusion: Fusion) -> Release:
    return release.model_copy(
        update={
            "fusion": fusion.method,
            "vector_weight": fusion.vector_weight,
            "space_weights": dict(fusion.space_weights),
        }
    )
