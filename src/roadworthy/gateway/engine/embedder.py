"""Turn one text into one vector, the same whatever else is being embedded."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from roadworthy.gateway.engine.blocks import INPUT
from roadworthy.gateway.engine.catalogue import EmbeddingModel
from roadworthy.gateway.engine.graph import FILE, OUTPUT, STATE, TOKENS
from roadworthy.gateway.engine.tokens import open_tokens

MOST_KEPT: Final = 1024  # vectors of texts that were read for a classifier

_ERRORS_ONLY = 3  # onnxruntime's log severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A text's vector and what it took."""

    vector: NDArray[np.float32]  # (dimension,), of unit length
    tokens: int  # that the model read
    is_truncated: bool  # the text was longer than the model reads


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedTokens:
    """A text, and each of its tokens."""

    ids: Sequence[int]  # special ones included
    vectors: NDArray[np.float32]  # (tokens, dimension), of unit length
    whole: Embedded


class Embedder:
    """An opened model. May be called from several threads at once.

    A text is run alone: its vector is then the same to the last bit in every request, which stored
    vectors rely on, and no time goes into padding. It costs nothing from about 64 tokens on; for
    texts of 16 tokens a batch would be a third faster. Several texts run on several threads, so
    one run uses one.
    """

    def __init__(self, model: EmbeddingModel, folder: Path) -> None:
        self._session = open_session(folder / FILE)
        self.tokens = open_tokens(folder)
        self.model = model
        self.folder = folder
        self._kept: OrderedDict[bytes, Embedded] = OrderedDict()  # by digest: no text is held
        self._keeping = threading.Lock()

    def embed(self, text: str) -> Embedded:
        """Embed a text as it is; a prefix is the caller's business."""
        with self._keeping:
            kept = self._kept.pop(_digest(text), None)
        return kept or self._run(text, [OUTPUT])[0]

    def read(self, text: str) -> tuple[Embedded, NDArray[np.float32]]:
        """Run a text for a classifier; also gives the state of its tokens, (1, tokens, width).

        What is screened is embedded next, as a rule: the vector is kept until it is asked for.
        """
        embedded, [state] = self._run(text, [OUTPUT, STATE])
        with self._keeping:
            self._kept[_digest(text)] = embedded
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return embedded, state

    def fits(self, text: str) -> bool:
        """Tell whether a text is read to its end."""
        return not self.tokens.cut(text, max_tokens=self.model.max_tokens)[1]

    def read_tokens(self, text: str) -> EmbeddedTokens:
        """Embed a text and each of its tokens."""
        ids, is_truncated = self.tokens.cut(text, max_tokens=self.model.max_tokens)
        whole, [vectors] = self._run_tokens(ids, [OUTPUT, TOKENS], is_truncated=is_truncated)
        return EmbeddedTokens(ids=ids, vectors=vectors[0], whole=whole)

    def _run(self, text: str, wanted: list[str]) -> tuple[Embedded, list[NDArray[np.float32]]]:
        ids, is_truncated = self.tokens.cut(text, max_tokens=self.model.max_tokens)
        return self._run_tokens(ids, wanted, is_truncated=is_truncated)

    def _run_tokens(
        self, ids: Sequence[int], wanted: list[str], *, is_truncated: bool
    ) -> tuple[Embedded, list[NDArray[np.float32]]]:
        vectors, *rest = self._session.run(wanted, {INPUT: np.array([ids], np.int64)})
        vector = np.asarray(vectors)[0]
        embedded = Embedded(vector=vector, tokens=len(ids), is_truncated=is_truncated)
        return embedded, [np.asarray(each) for each in rest]


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """Open a graph that runs on the thread that calls it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the memory of the longest text
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
