"""Write a classifier's file, calibrated and with thresholds, as it will be served."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from roadworthy.gateway.engine.classifier_file import ClassifierWeights
from roadworthy.gateway.engine.classifier_graph import SCORES, save_upper
from roadworthy.gateway.engine.embedder import open_session
from roadworthy.gateway.engine.encoder import Encoder
from roadworthy.gateway.engine.graph import STATE
from roadworthy.gateway.engine.weights import sha256_of
from training.trunk import Bucket

MOST_BYTES = 5_000_000

_MANY = 100  # negatives of a source, for a threshold to be set by it

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What a threshold must keep: at most `share` of the negatives of each source above.

    What is harmless elsewhere would hide the source that looks worst.
    """

    share: float


def write(arrays: Mapping[str, NDArray], heads: Sequence[str], path: Path) -> None:
    """Write arrays in half precision, with calibrations of nothing where there are none yet."""
    plain = {f"{head}.{name}": value for head in heads for name, value in _PLAIN.items()}
    held = {name: np.asarray(array, np.float16) for name, array in arrays.items()}
    numbers = {name: np.float32(value) for name, value in plain.items() if name not in arrays}
    kept = {name: np.float32(arrays[name]) for name in plain if name in arrays}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **(held | numbers | kept))
    size = path.stat().st_size
    assert size <= MOST_BYTES, f"{path.name} has {size} bytes"
    print(f"{path.name}: {size / 1e6:.2f} MB, sha256 {sha256_of(path)}", flush=True)


_PLAIN = {"scale": 1.0, "shift": 0.0, "threshold": 0.5}


def scores(
    path: Path, encoder: Encoder, buckets: Sequence[Bucket], heads: Sequence[str], *, graph: Path
) -> Numbers:
    """Score cached examples by the graph that would be served; shape (examples, heads)."""
    weights = ClassifierWeights.read(path)
    save_upper(weights, encoder, graph)
    session = open_session(graph)
    names = [head.name for head in weights.heads()]
    order = [names.index(head) for head in heads]
    found = np.full((sum(len(bucket.rows) for bucket in buckets), len(heads)), np.nan)
    for bucket in buckets:
        for at, row in enumerate(bucket.rows):
            state = bucket.states[at, : bucket.counts[at]].astype(np.float32)[None]
            found[row] = np.asarray(session.run([SCORES], {STATE: state})[0])[0, order]
    return found


def calibrated(
    arrays: Mapping[str, NDArray],
    heads: Mapping[str, Bound],
    found: Numbers,
    labels: NDArray[np.int8],
    sources: Sequence[str],
) -> dict[str, NDArray]:
    """Add scale, shift and threshold of each head, by examples that it was not trained on.

    Args:
        heads: the first of those that were scored, in the same order.
        found: scores of the uncalibrated file, (examples, heads).
        labels: 1, 0, or -1 for unknown, of the same shape.
        sources: of each example; what follows a bar tells kinds of one source apart.
    """
    result = dict(arrays)
    for number, (head, bound) in enumerate(heads.items()):
        known = labels[:, number] >= 0
        truth = labels[known, number] > 0
        logits = _logits(found[known, number])
        scale, shift = platt(logits, truth)
        of = np.array([source.partition("|")[0] for source in sources])[known]
        threshold = _threshold(_sigmoid(scale * logits + shift), truth, of, bound)
        result |= {
            f"{head}.scale": np.float32(scale),
            f"{head}.shift": np.float32(shift),
            f"{head}.threshold": np.float32(threshold),
        }
        print(f"{head}: {known.sum()} checks, threshold {threshold:.4f}", flush=True)
    return result


def tell(
    arrays: Mapping[str, NDArray],
    head: str,
    found: Numbers,
    truth: NDArray[np.int8],
    sources: Sequence[str],
) -> None:
    """Print what share of the checks of each source a head's threshold calls positive."""
    scaled = arrays[f"{head}.scale"] * _logits(found) + arrays[f"{head}.shift"]
    above = _sigmoid(scaled) >= arrays[f"{head}.threshold"]
    for source in sorted({each for each, known in zip(sources, truth, strict=True) if known >= 0}):
        kept = (np.array(sources) == source) & (truth >= 0)
        for label in np.unique(truth[kept]):
            of = above[kept & (truth == label)]
            sign = "+" if label else "-"
            print(f"  {sign} {source}: {of.mean():.3f} of {len(of)}", flush=True)


def platt(logits: Numbers, truth: NDArray[np.bool_]) -> tuple[float, float]:
    """Find the straight line of logits that fits best; both kinds count the same."""
    weights = np.where(truth, 0.5 / max(1, truth.sum()), 0.5 / max(1, (~truth).sum()))

    def surprise(line: Numbers) -> float:
        scaled = line[0] * logits + line[1]
        return float((weights * (np.logaddexp(0, scaled) - truth * scaled)).sum())

    found = minimize(surprise, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(found[0]), float(found[1])


def _threshold(
    values: Numbers, truth: NDArray[np.bool_], sources: NDArray[np.str_], bound: Bound
) -> float:
    negatives = [values[~truth & (sources == source)] for source in np.unique(sources)]
    enough = [found for found in negatives if len(found) >= _MANY] or [values[~truth]]
    return float(max(np.nextafter(np.quantile(each, 1 - bound.share), 2) for each in enough))


def _logits(scores: Numbers) -> Numbers:
    raw = np.clip(scores, 1e-9, 1 - 1e-9)
    return np.log(raw / (1 - raw))


def _sigmoid(logits: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-logits))
