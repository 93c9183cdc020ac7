"""The frozen lower layers: run once over all examples, by the 8-bit graph that is also served."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadworthy.gateway.engine.blocks import INPUT
from roadworthy.gateway.engine.catalogue import E5_SMALL
from roadworthy.gateway.engine.e5_file import E5File
from roadworthy.gateway.engine.embedder import open_session
from roadworthy.gateway.engine.encoder import Encoder
from roadworthy.gateway.engine.graph import START, STATE, WORDS, save_lower, save_words
from roadworthy.gateway.engine.pieces import save_pieces
from roadworthy.gateway.engine.tokens import CutsText, open_tokens
from roadworthy.gateway.engine.weights import verified
from training.examples import Encodings

LENGTHS = (32, 64, 96, 128, 192, 256)  # tokens that batches are filled up to
_THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Examples of about one length, filled up with zeros."""

    states: NDArray[np.float16]  # (examples, tokens, width), on disk
    counts: NDArray[np.int32]  # tokens of each that are real
    marks: NDArray[np.int8]  # (examples, tokens)
    labels: NDArray[np.int8]  # (examples, heads)
    rows: NDArray[np.int64]  # which examples these are


def read_encoder(folder: Path) -> tuple[Encoder, CutsText]:
    """Unpack e5, and open its tokenizer; `folder` keeps the pieces."""
    folder.mkdir(parents=True, exist_ok=True)
    file = E5File(verified(E5_SMALL.weights))
    save_pieces(file.pieces, folder)
    encoder = file.encoder()
    file.close()
    return encoder, open_tokens(folder)


def buckets(encodings: Encodings, encoder: Encoder, *, layers: int, cache: Path) -> list[Bucket]:
    """Run the lower layers over all examples; what was run before is read from `cache`."""
    graph = cache / f"from_words{layers}.onnx"
    if not graph.exists():
        save_words(encoder, cache / WORDS)
        save_lower(encoder, graph, layers=layers)
    found = []
    for shortest, longest in zip((0, *LENGTHS), LENGTHS, strict=False):
        rows = [i for i, row in enumerate(encodings.rows) if shortest < len(row.ids) <= longest]
        if rows:
            found.append(_bucket(encodings, rows, graph, longest, encoder.width))
    return found


def _bucket(
    encodings: Encodings, rows: Sequence[int], graph: Path, length: int, width: int
) -> Bucket:
    shape = (len(rows), length)
    counts, marks = np.zeros(len(rows), np.int32), np.zeros(shape, np.int8)
    digest = hashlib.sha256(graph.name.encode())
    for at, row in enumerate(rows):
        encoded = encodings.rows[row]
        counts[at] = len(encoded.ids)
        marks[at, : len(encoded.ids)] = encoded.marks
        digest.update(encoded.ids.tobytes() + b"|")
    path = graph.parent / f"{digest.hexdigest()[:24]}.npy"
    if not path.exists():
        _run([encodings.rows[row].ids for row in rows], graph, path, (*shape, width))
    return Bucket(
        states=np.load(path, mmap_mode="r"),
        counts=counts,
        marks=marks,
        labels=np.array([encodings.labels[row] for row in rows], np.int8),
        rows=np.array(rows),
    )


def _run(
    texts: list[NDArray[np.int32]], graph: Path, path: Path, shape: tuple[int, int, int]
) -> None:
    words, lower = open_session(graph.parent / WORDS), open_session(graph)
    partial = path.with_suffix(".partial.npy")
    states = np.lib.format.open_memmap(partial, "w+", np.float16, shape)

    def run(at: int) -> None:
        ids = texts[at].astype(np.int64)
        [start] = words.run([START], {INPUT: ids[None, :]})
        [state] = lower.run([STATE], {START: start})
        states[at, : len(ids)] = np.asarray(state)[0]

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(run, range(len(texts))))
    states.flush()
    partial.rename(path)
    print(f"{shape[0]} examples of {shape[1]} tokens through the lower layers", flush=True)
