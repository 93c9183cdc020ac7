"""Turn one text into one vector, the same whatever else is being embedded."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from roadworthy.gateway.engine.catalogue import EmbeddingModel
from roadworthy.gateway.engine.graph import FILE, INPUT, OUTPUT
from roadworthy.gateway.engine.tokens import open_tokens

_ERRORS_ONLY = 3  # onnxruntime's log severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A text's vector and what it took."""

    vector: NDArray[np.float32]  # (dimension,), of unit length
    tokens: int  # that the model read
    is_truncated: bool  # the text was longer than the model reads


class Embedder:
    """An opened model. May be called from several threads at once.

    A text is run alone: its vector is then the same to the last bit in every request, which stored
    vectors rely on, and no time goes into padding. It costs nothing from about 64 tokens on; for
    texts of 16 tokens a batch would be a third faster. Several texts run on several threads, so
    one run uses one.
    """

    def __init__(self, model: EmbeddingModel, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # it would keep the memory of the longest text
        options.log_severity_level = _ERRORS_ONLY
        self._session = onnxruntime.InferenceSession(
            str(folder / FILE), options, providers=["CPUExecutionProvider"]
        )
        self._tokens = open_tokens(folder)
        self.model = model

    def embed(self, text: str) -> Embedded:
        """Embed a text as it is; a prefix is the caller's business."""
        ids, is_truncated = self._tokens.cut(text, max_tokens=self.model.max_tokens)
        [vectors] = self._session.run([OUTPUT], {INPUT: np.array([ids], np.int64)})
        return Embedded(vector=np.asarray(vectors)[0], tokens=len(ids), is_truncated=is_truncated)
