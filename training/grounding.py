"""Fit what tells whether a passage says what a sentence says.

make train NAME=grounding [ARGS="--data DIR"]

Nothing of the encoder is changed: five numbers of how the tokens of both match are weighed. It
takes some minutes, which are the reading of the texts.
"""

import argparse
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadworthy.gateway.engine import catalogue
from roadworthy.gateway.engine.cache import converted
from roadworthy.gateway.engine.catalogue import E5_SMALL
from roadworthy.gateway.engine.embedder import Embedder
from roadworthy.gateway.engine.grounding import Fit, features
from roadworthy.gateway.engine.matcher import MOST_PIECES, POWER, Matcher
from roadworthy.gateway.engine.weights import sha256_of
from training import sets
from training.logistic import fit
from training.sets import Statement, chosen
from training.statements import made

MOST = 1500  # statements of a source; more say no more
KEPT_APART = 0.2  # of the passages, for the threshold
FALSE_ALARMS = 0.05  # of what is said, this share is taken for not said
SHIPPED = Path(catalogue.__file__).parent / "classifiers"
NAMES = ("match", "mean", "worst", "worst_three", "cosine")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=sets.DEFAULT)
    parser.add_argument("--cache", type=Path, default=Path(".home/training"), help="for the model")
    parser.add_argument("--out", type=Path, default=SHIPPED / "grounding.toml")
    options = parser.parse_args()
    rows = statements(options.data)
    folder = converted(E5_SMALL, options.cache / "models", progress=lambda *_: None)
    table = read(rows, Matcher(Embedder(E5_SMALL, folder)))
    truth = np.array([row.is_supported for row in rows], np.float64)
    apart = np.array([is_apart(row) for row in rows])
    intercept, slopes = fit(table[~apart], truth[~apart])
    logits = intercept + table[apart] @ slopes
    said = logits[truth[apart] == 1]
    threshold = 1 / (1 + np.exp(-np.quantile(said, FALSE_ALARMS)))
    found = np.mean(logits[truth[apart] == 0] < np.quantile(said, FALSE_ALARMS))
    print(f"{len(rows)} statements; of {len(said)} that are said {FALSE_ALARMS:.0%} are below")
    print(f"the threshold {threshold:.3f}, and so are {found:.0%} of those that are not")
    write(options.out, threshold=float(threshold), intercept=intercept, slopes=slopes)
    print(f"{options.out.name}: sha256 {sha256_of(options.out)}")


def statements(data: Path, *, seed: int = 1) -> list[Statement]:
    """Choose what is fitted to: people's judgements, and sentences with another number or name."""
    rng = random.Random(seed)
    return [
        *chosen(sets.begin(data, test=False), MOST, rng),
        *chosen(sets.entailment(data, "dev"), MOST // 2, rng),
        *made(sorted({row.passage for row in sets.squad(data, test=False)}), MOST // 2, rng),
    ]


def is_apart(row: Statement) -> bool:
    """Tell whether a statement is kept for the threshold, by its passage."""
    return random.Random(row.passage[:120]).random() < KEPT_APART


def read(rows: Sequence[Statement], matcher: Matcher) -> NDArray[np.float64]:
    """Match each sentence with its passage; gives shape (statements, features)."""
    found = []
    for number, row in enumerate(rows, 1):
        found.append(features(matcher.match(matcher.read(row.sentence), row.passage)))
        if number % 500 == 0:
            print(f"{number} of {len(rows)} statements are read", flush=True)
    return np.array(found)


def write(path: Path, *, threshold: float, intercept: float, slopes: Sequence[float]) -> None:
    """Write the constants, as they are read."""
    fitted = {"threshold": threshold, "intercept": intercept} | dict(
        zip(NAMES, slopes, strict=True)
    )
    told = fitted | {"power": POWER, "most_pieces": MOST_PIECES}
    Fit.model_validate(told)
    lines = [f"{name} = {round(value, 3)}\n" for name, value in told.items()]
    path.write_text(
        "# How the tokens of a sentence match a passage that says so: a logistic fit, made by\n"
        "# `make train NAME=grounding` (docs/guards-models.md).\n" + "".join(lines),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
