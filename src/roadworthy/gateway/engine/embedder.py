"""Turn one text into one vector, the same whatever else is being embedded."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from roadworthy.gateway.engine.ahead import Ahead
from roadworthy.gateway.engine.blocks import INPUT
from roadworthy.gateway.engine.catalogue import EmbeddingModel
from roadworthy.gateway.engine.graph import LOWER, OUTPUT, START, STATE, TOKENS, UPPER, WORDS
from roadworthy.gateway.engine.tokens import open_tokens

MOST_KEPT: Final = 1024  # vectors of texts that were read for a classifier

_ERRORS_ONLY = 3  # onnxruntime's log severity

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A text's vector and what it took."""

    vector: Numbers  # (dimension,), of unit length
    tokens: int  # that the model read
    is_truncated: bool  # the text was longer than the model reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A text as the lower layers leave it."""

    ids: Sequence[int]  # of its tokens, special ones included
    is_truncated: bool  # the text was longer than the model reads
    state: Numbers  # (1, tokens, width)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedTokens:
    """A text, and each of its tokens."""

    ids: Sequence[int]  # special ones included
    vectors: Numbers  # (tokens, dimension), of unit length
    whole: Embedded


class Embedder:
    """An opened model. May be called from several threads at once.

    A text is run alone: its vector is then the same to the last bit in every request, which stored
    vectors rely on, and no time goes into padding. It costs nothing from about 64 tokens on; for
    texts of 16 tokens a batch would be a third faster. Several texts run on several threads, so
    one run uses one.
    """

    def __init__(self, model: EmbeddingModel, folder: Path) -> None:
        self._words = open_session(folder / WORDS)
        self._lower = open_session(folder / LOWER)
        self._upper = open_session(folder / UPPER)
        self.tokens = open_tokens(folder)
        self.model = model
        self.folder = folder
        self.ahead = Ahead()
        self._kept = OrderedDict[bytes, Future[Embedded]]()  # by digest: no text is held
        self._keeping = threading.Lock()

    def embed(self, text: str) -> Embedded:
        """Embed a text as it is; a prefix is the caller's business."""
        with self._keeping:
            kept = self._kept.pop(_digest(text), None)
        return kept.result() if kept else self._embedded(self._read(text))

    def read(self, text: str) -> Read:
        """Run the lower layers over a text, for a classifier that goes on from there.

        What is screened is embedded next, as a rule: that is begun meanwhile, and the vector kept
        until it is asked for.
        """
        read = self._read(text)
        vector = self.ahead.submit(partial(self._embedded, read))
        with self._keeping:
            self._kept[_digest(text)] = vector
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return read

    def state(self, ids: Sequence[int]) -> Numbers:
        """Give the state of tokens as the lower layers leave it, (1, tokens, width)."""
        [state] = self._lower.run([STATE], {START: self.start(ids)})
        return np.asarray(state)

    def start(self, ids: Sequence[int]) -> Numbers:
        """Give the state of tokens before the first layer, (1, tokens, width)."""
        [state] = self._words.run([START], {INPUT: np.array([ids], np.int64)})
        return np.asarray(state)

    def read_tokens(self, text: str) -> EmbeddedTokens:
        """Embed a text and each of its tokens."""
        read = self._read(text)
        vector, vectors = self._run_upper(read, [OUTPUT, TOKENS])
        return EmbeddedTokens(ids=read.ids, vectors=vectors[0], whole=_embedded(read, vector[0]))

    def _embedded(self, read: Read) -> Embedded:
        [vectors] = self._run_upper(read, [OUTPUT])
        return _embedded(read, vectors[0])

    def _read(self, text: str) -> Read:
        ids, is_truncated = self.tokens.cut(text, max_tokens=self.model.max_tokens)
        return Read(ids=ids, is_truncated=is_truncated, state=self.state(ids))

    def _run_upper(self, read: Read, wanted: list[str]) -> list[Numbers]:
        return [np.asarray(each) for each in self._upper.run(wanted, {STATE: read.state})]


def _embedded(read: Read, vector: Numbers) -> Embedded:
    return Embedded(vector=vector, tokens=len(read.ids), is_truncated=read.is_truncated)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """Open a graph that runs on the thread that calls it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the memory of the longest text
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(
        str(path),
        options,
        providers=["CPUExecutionProvider"],
        # Its kernel makes the whole 15 % slower, and other last bits: where it would be used hangs
        # on which shapes are known.
        disabled_optimizers=["SkipLayerNormFusion"],
    )
