"""The opened embedding models: each is opened at its first use and then kept."""

import threading
from pathlib import Path

from roadworthy.gateway.engine.cache import Progress, converted
from roadworthy.gateway.engine.catalogue import EMBEDDING_MODELS, EmbeddingModel
from roadworthy.gateway.engine.embedder import Embedder


class Shelf:
    """Opens a model once, also when several threads ask for it at the same time."""

    def __init__(self, models: Path, *, progress: Progress) -> None:
        self._models = models
        self._progress = progress
        self._opened: dict[str, Embedder] = {}
        self._opening = {name: threading.Lock() for name in EMBEDDING_MODELS}

    def embedder(self, model: EmbeddingModel) -> Embedder:
        """Return the opened model; the first call may take seconds.

        Raises:
            Unavailable: its weights are missing or wrong, or the disk is full.
        """
        with self._opening[model.name]:
            if model.name not in self._opened:
                folder = converted(model, self._models, progress=self._progress)
                self._opened[model.name] = Embedder(model, folder)
            return self._opened[model.name]
