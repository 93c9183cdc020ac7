"""How well sentences and questions are judged beside a passage, against people's labels.

make bench NAME=pairs [ARGS="--data DIR"]

Grounding on BEGIN, e-SNLI and sentences with another number or name; and SQuAD's questions that
were written to look answerable.
"""

import argparse
import asyncio
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.datasets import DEFAULT
from benchmarks.guards_figures import at_rate, calibration_error, judged, plain, ranked
from benchmarks.up import Up, fresh_home, services_of
from roadworthy.gateway.classifying import Classifier, Pair
from roadworthy.gateway.embeddings import embed
from roadworthy.gateway.endpoint import Endpoint
from roadworthy.gateway.engine.catalogue import ANSWERED
from roadworthy.gateway.reranking import Reranker
from training import held_out
from training.sets import Statement
from training.statements import made

MADE = 600  # sentences
REFUSED = (0.01, 0.02, 0.05, 0.1, 0.2)  # of answerable questions
BY_TOKENS = {"ROADWORTHY_RERANK_MODEL": "e5-small"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with labelled pairs")
    options = parser.parse_args()
    with fresh_home() as home:
        up = Up(home, environ=BY_TOKENS)
        up.start()
        try:
            up.wait_until_greeted()
            found = asyncio.run(told(up, options.data))
        finally:
            up.stop()
    print(json.dumps(found))


async def told(up: Up, data: Path) -> dict[str, object]:
    """Give all figures; what is up reranks by tokens."""
    async with services_of(up) as services:
        assert services.background_classifier is not None
        assert services.reranker is not None
        return {
            **await adversarial(services.background_classifier, services.reranker, data),
            **await grounding(services.background_classifier, services.embeddings, data),
        }


async def grounding(classifier: Classifier, embeddings: Endpoint, data: Path) -> dict[str, object]:
    """Judge whether passages say what sentences say, on replies of models not fitted to.

    All of BEGIN's is `grounding_auroc`; each of its sources, e-SNLI, and quoted sentences with
    another number or name are told apart, too.
    """
    rows = [*held_out.statements(data), *_made(data)]
    pairs: list[Pair] = [(row.sentence, row.passage) for row in rows]
    scores = await classifier.score("grounding", pairs)
    cosines = await _cosines(embeddings, pairs)
    figures: dict[str, object] = {"grounding_version": scores.version}
    table = Table(
        "source", "AUROC", "of the cosine", "calibration error", "found / false alarms",
        title="sentences that a passage does not say",
    )  # fmt: skip
    sources = sorted({row.source for row in rows})
    for name, among in (
        ("begin", {*sources} - {"esnli", "made"}),
        *((each, {each}) for each in sources),
    ):
        kept = [at for at, row in enumerate(rows) if row.source in among]
        truth = [rows[at].is_supported for at in kept]
        values = [scores.values[at] for at in kept]
        area, base = ranked(values, truth), ranked([cosines[at] for at in kept], truth)
        error = calibration_error(values, truth)
        at = judged([-v for v in values], [not yes for yes in truth], -scores.threshold)
        table.add_row(name, str(area), str(base), f"{error:.3f}", str(at))
        key = "grounding" if name == "begin" else f"grounding_{name.replace('-', '_')}"
        figures |= {
            f"{key}_auroc": plain(area),
            f"{key}_cosine_auroc": plain(base),
            f"{key}_calibration_error": round(error, 4),
            f"{key}_found": plain(at.recall),
            f"{key}_false_alarms": plain(at.false_alarms),
        }
    Console(width=120).print(table)
    return figures


async def adversarial(classifier: Classifier, reranker: Reranker, data: Path) -> dict[str, object]:
    """Tell SQuAD's questions with an answer from those that people wrote to look like them.

    By reading each with the paragraph it was written for, of articles not read in training; beside
    it by the match of their tokens, for which nothing is trained.
    """
    rows = held_out.questions(data)
    pairs: list[Pair] = [(row.question, row.passage) for row in rows]
    read = await classifier.score(ANSWERED, pairs)
    matches = [m for row in rows for m in await reranker.score(row.question, [row.passage])]
    truth = [row.answer is not None for row in rows]
    area, by_match = ranked(read.values, truth), ranked(matches, truth)
    inverted, unanswerable = [-value for value in read.values], [not yes for yes in truth]
    curve = {str(rate): plain(at_rate(inverted, unanswerable, rate)) for rate in REFUSED}
    print(
        f"adversarial questions: AUROC {area}, by the match of tokens {by_match}; refused, by "
        f"answerable refused: {curve}"
    )
    return {
        "adversarial_auroc": plain(area),
        "adversarial_match_auroc": plain(by_match),
        "adversarial_refusal_curve": curve,
        "adversarial_version": read.version,
    }


def _made(data: Path) -> list[Statement]:
    passages = sorted({row.passage for row in held_out.questions(data)})
    return made(passages, MADE, random.Random(13))  # noqa: S311


async def _cosines(embeddings: Endpoint, pairs: Sequence[Pair]) -> list[float]:
    first = await embed(embeddings, [f"query: {one}" for one, _ in pairs], model="e5-small")
    second = await embed(embeddings, [f"passage: {two}" for _, two in pairs], model="e5-small")
    return np.einsum("nd,nd->n", first, second).tolist()


if __name__ == "__main__":
    main()
