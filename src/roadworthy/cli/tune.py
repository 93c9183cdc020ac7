"""`roadworthy search tune`: choose how rankings are joined, by questions with known answers."""

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter

from roadworthy.answering.tuning import Asker, answerable, ask_all, asker
from roadworthy.bootstrap import Services
from roadworthy.cli import show
from roadworthy.cli.dataset import read_questions
from roadworthy.cli.desk import Desk, with_services
from roadworthy.core.choosing import LEAST_DOCUMENTS
from roadworthy.core.clock import now
from roadworthy.core.errors import Conflict, Invalid
from roadworthy.core.ids import new_id
from roadworthy.installation import Installation
from roadworthy.releases import Release, add_release, list_releases
from roadworthy.retrieval.fusion import Fusion, fusion_of
from roadworthy.retrieval.judged import JudgedQuestion
from roadworthy.retrieval.tuning import WEIGHTS, Tried, Tuned
from roadworthy.retrieval.tuning import tune as tuned_by
from roadworthy.tuning.experiments import Experiment, Measured, keep_experiment

app = typer.Typer()
BAR = 30  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was tuned, for whom, and what came of it."""

    corpus: str
    release: str  # the live one
    release_hash: str
    asked_as: str
    questions_of_dataset: int
    answerable: int  # whose documents the asker may see
    tuned: Tuned
    recommended: Release | None  # None: keep the live one
    stored: str | None  # the name that the recommended one got


@app.command()
def tune(
    ctx: typer.Context,
    *,
    dataset: Annotated[
        Path, typer.Option(help="JSON lines of question, document, quote; or a folder as BEIR's.")
    ],
    questions: Annotated[
        int, typer.Option(min=LEAST_DOCUMENTS, max=10_000, help="At most so many are asked.")
    ] = 300,
    minutes: Annotated[float, typer.Option(min=0, max=600, help="And not for longer.")] = 10,
    release: Annotated[
        str | None, typer.Option(help="Store what is recommended under this name.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write all that was measured as JSON.")
    ] = None,
) -> None:
    """Try ways to join rankings on questions whose documents are known; the live one stays."""
    asked = read_questions(dataset)

    async def work(desk: Desk, opened: Services, _: Installation) -> Report:
        person = await desk.asker()
        if release is not None:
            await _check_free(desk, release)
        asking = await asker(desk.database, opened.embedders, person)
        of = {"tenant_id": person.tenant_id, "corpus_id": asking.corpus.id}
        async with desk.database.read_as(person) as conn:
            kept = await answerable(conn, asked, **of)
        tuned = await _tuned(asking, kept[:questions], minutes=minutes)
        experiment = _experiment(tuned, asking)
        async with desk.database.as_worker(person.tenant_id) as conn:
            await keep_experiment(conn, experiment, **of)
        recommended = (
            _changed(asking.stored.release, tuned.best.fusion) if tuned.is_better else None
        )
        if recommended is not None and release is not None:
            async with desk.database.as_worker(person.tenant_id) as conn:
                await add_release(
                    conn, tenant_id=person.tenant_id, name=release, release=recommended
                )
        return Report(
            corpus=asking.corpus.name,
            release=asking.stored.name,
            release_hash=asking.stored.hash,
            asked_as=person.user_id,
            questions_of_dataset=len(asked),
            answerable=len(kept),
            tuned=tuned,
            recommended=recommended,
            stored=release if recommended is not None else None,
        )

    report = with_services(ctx, work)
    if output is not None:
        _write(report, output)
    _print(report)


async def _check_free(desk: Desk, name: str) -> None:
    tenant_id = await desk.tenant()
    async with desk.database.as_worker(tenant_id) as conn:
        if name in {each.name for each in await list_releases(conn, tenant_id=tenant_id)}:
            raise Conflict(f"There is a release {name!r} already; choose another name.")


async def _tuned(asking: Asker, asked: list[JudgedQuestion], *, minutes: float) -> Tuned:
    with show.counting(len(asked)) as advance:
        found = await ask_all(asking, asked, most_s=60 * minutes, advance=advance)
    live = fusion_of(asking.stored.release)
    with show.counting(len(found)) as advance:
        return await asyncio.to_thread(tuned_by, found, live, advance=advance)


def _experiment(tuned: Tuned, asking: Asker) -> Experiment:
    return Experiment(
        id=new_id(),
        corpus=asking.corpus.name,
        kind="ranking",
        measure="ndcg10",
        questions=tuned.questions,
        tried=[
            Measured(setting=asdict(each.fusion), figures={"ndcg10": each.ndcg10})
            for each in tuned.tried
        ],
        chosen=tuned.tried.index(tuned.best) if tuned.is_better else None,
        made_by=asking.principal.user_id,
        made_at=now(),
    )


def _changed(release: Release, fusion: Fusion) -> Release:
    return release.model_copy(
        update={
            "fusion": fusion.method,
            "vector_weight": fusion.vector_weight,
            "space_weights": dict(fusion.space_weights),
        }
    )


def _write(report: Report, output: Path) -> None:
    try:
        output.write_bytes(TypeAdapter(Report).dump_json(report, indent=2) + b"\n")
    except OSError as error:
        raise Invalid(f"{output} cannot be written: {error.strerror}.") from error


def _print(report: Report) -> None:
    tuned = report.tuned
    typer.echo(
        f"{tuned.questions} questions of {report.questions_of_dataset}, as {report.asked_as}, in "
        f"{report.corpus}: nDCG@10 by the share of meaning."
    )
    left_out = report.questions_of_dataset - report.answerable
    if left_out:
        typer.echo(f"{left_out} are about documents that {report.asked_as} may not see there.")
    show.table(("meaning", "weighted", "reciprocal", ""), _rows(tuned), empty="")
    typer.echo(f"Live: {_said(tuned.live)}. Best: {_said(tuned.best)}.")
    gain = tuned.gain
    typer.echo(
        f"The best brings {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]: 95 %, of all that "
        "were tried at once."
    )
    typer.echo(_advice(report))


def _rows(tuned: Tuned) -> list[tuple[str, str, str, str]]:
    scores = [each.ndcg10 for each in tuned.tried]
    low, high = min(scores), max(scores)
    rows = []
    for weight in sorted({*WEIGHTS, tuned.live.fusion.vector_weight}):
        by = {each.fusion.method: each for each in _of(tuned, weight)}
        best = max(each.ndcg10 for each in by.values())
        length = round(BAR * (best - low) / (high - low)) if high > low else BAR
        cells = [f"{by[m].ndcg10:.4f}" if m in by else "" for m in ("weighted", "reciprocal")]
        rows.append((f"{weight:g}", *cells, "#" * length))
    return rows


def _of(tuned: Tuned, weight: float) -> list[Tried]:
    """Take the ways of a weight, of each method the best."""
    of_weight = [each for each in tuned.tried if each.fusion.vector_weight == weight]
    return sorted(of_weight, key=lambda each: each.ndcg10)


def _said(tried: Tried) -> str:
    fusion = tried.fusion
    spaces = "".join(f", {name} x {weight:g}" for name, weight in fusion.space_weights.items())
    return f"{fusion.method}, {fusion.vector_weight:g}{spaces} ({tried.ndcg10:.4f})"


def _advice(report: Report) -> str:
    if report.recommended is None:
        return f"That cannot be told from chance: keep the release {report.release}."
    best = report.tuned.best
    if report.stored is None:
        return f"Recommended: {_said(best)}; --release NAME stores it as a release."
    return f"Stored {report.stored}: {_said(best)}; `roadworthy release use {report.stored}`."
