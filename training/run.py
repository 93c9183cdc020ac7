"""The steps that every classifier goes through: examples, frozen states, fit, calibration, file."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from roadworthy.gateway.engine import classifier_file
from roadworthy.gateway.engine.classifier_file import ClassifierWeights
from roadworthy.gateway.engine.encoder import Encoder
from training import release, sets
from training.examples import Encodings, Example, encode_all
from training.fit import Plan, fit
from training.network import Params, initial, top_of
from training.release import Bound
from training.trunk import Bucket, buckets, read_encoder

SHIPPED = Path(classifier_file.__file__).parent / "classifiers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one classifier is."""

    name: str
    readings: Mapping[str, str]  # head -> how it reads, in the order of the file
    bounds: Mapping[str, Bound]  # of the heads that ship; others only help to train
    first_layer: int  # that is trained, from 0 on; those below are the shared ones
    rank: int  # of the change of each weight
    most_tokens: int
    examples: Sequence[Callable[[Path], Sequence[Example]]]  # cached each by itself
    checks: Callable[[Path], Sequence[Example]]
    is_check: Callable[[Example], bool]


def run(task: Task) -> None:
    """Train as the command line says, and write the file."""
    options = _options(task)
    plan = Plan(epochs=options.epochs, minutes=options.minutes, rate=options.rate)
    jax.config.update("jax_compilation_cache_dir", str(options.cache / "compiled"))
    encoder, tokens = read_encoder(options.cache)
    heads = list(task.readings)

    def prepared(examples: Sequence[Example]) -> Encodings:
        return encode_all(examples, tokens, heads=heads, most=task.most_tokens)

    written = {write: list(write(options.data)) for write in task.examples}
    parts = [[e for e in written[write] if not task.is_check(e)] for write in task.examples]
    groups = [prepared(part) for part in parts]
    first, *more = [[each for each in group if task.is_check(each)] for group in written.values()]
    checking = [prepared([*first, *task.checks(options.data)]), *map(prepared, more)]

    def cached(encodings: Encodings) -> list[Bucket]:
        return buckets(encodings, encoder, layers=task.first_layer, cache=options.cache)

    held = [bucket for group in groups for bucket in cached(group)]
    _tell(groups)
    top = top_of(encoder, task.first_layer)
    params = initial(top, task.readings, rank=task.rank, seed=plan.seed)
    if options.begin is not None:
        params |= _read(options.begin, params)
    params = fit(params, top, held, readings=task.readings, plan=plan)
    arrays = {name: np.asarray(array) for name, array in params.items()}
    release.write(arrays, heads, options.out)
    arrays = _calibrated(
        arrays, task, encoder, [(cached(part), part) for part in checking], options
    )
    release.write(_shipped(arrays, task), list(task.bounds), options.out)


def _calibrated(
    arrays: dict[str, NDArray],
    task: Task,
    encoder: Encoder,
    checks: Sequence[tuple[Sequence[Bucket], Encodings]],
    options: argparse.Namespace,
) -> dict[str, NDArray]:
    heads, graph = list(task.readings), options.cache / f"{options.out.stem}.onnx"
    found = np.concatenate(
        [release.scores(options.out, encoder, held, heads, graph=graph) for held, _ in checks]
    )
    shape = (-1, len(heads))  # of a part without checks too
    labels = np.concatenate([np.array(part.labels, np.int8).reshape(shape) for _, part in checks])
    sources = [source for _, part in checks for source in part.sources]
    arrays = release.calibrated(arrays, task.bounds, found, labels, sources)
    for number, head in enumerate(task.bounds):
        release.tell(arrays, head, found[:, number], labels[:, number], sources)
    return arrays


def _shipped(arrays: Mapping[str, NDArray], task: Task) -> dict[str, NDArray]:
    left_out = [f"{reading}.{h}." for h, reading in task.readings.items() if h not in task.bounds]
    return {name: array for name, array in arrays.items() if not name.startswith(tuple(left_out))}


def _read(path: Path, params: Params) -> Params:
    """Take the arrays of a file that was trained before."""
    arrays = ClassifierWeights.read(path).arrays
    return {name: jnp.asarray(arrays[name]) for name in params if name in arrays}


def _options(task: Task) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"Train the classifier {task.name}.")
    parser.add_argument("--data", type=Path, default=sets.DEFAULT)
    parser.add_argument(
        "--cache", type=Path, default=Path(".home/training"), help="for states, some GB"
    )
    parser.add_argument("--out", type=Path, default=SHIPPED / f"{task.name}.npz")
    parser.add_argument("--begin", type=Path, help="a file to go on from; left out: anew")
    parser.add_argument("--epochs", type=float, default=4.0)
    parser.add_argument("--minutes", type=float, default=60.0, help="most, of the fit")
    parser.add_argument("--rate", type=float, default=1e-3)
    return parser.parse_args()


def _tell(groups: Sequence[Encodings]) -> None:
    rows = [row for group in groups for row in group.rows]
    print(f"{len(rows)} examples, {sum(len(row.ids) for row in rows)} tokens", flush=True)
    for number, head in enumerate(groups[0].heads):
        labels = [row[number] for group in groups for row in group.labels]
        print(f"  {head}: {labels.count(1)} yes, {labels.count(0)} no", flush=True)
