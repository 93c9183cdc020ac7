"""The opened embedding models and classifiers: each is opened at its first use and then kept."""

import threading
from pathlib import Path

from roadworthy.gateway.engine.cache import Progress, converted
from roadworthy.gateway.engine.catalogue import (
    E5_SMALL,
    EMBEDDING_MODELS,
    GROUNDING_MODEL,
    READER,
    ClassifierModel,
    EmbeddingModel,
)
from roadworthy.gateway.engine.classifier import Classifier
from roadworthy.gateway.engine.embedder import Embedder
from roadworthy.gateway.engine.grounding import Grounding
from roadworthy.gateway.engine.matcher import Matcher
from roadworthy.gateway.engine.reader import Reader

Opened = Classifier | Grounding | Reader


class Shelf:
    """Opens a model once, also when several threads ask for it at the same time."""

    def __init__(self, models: Path, *, progress: Progress) -> None:
        self._models = models
        self._progress = progress
        self._opened: dict[str, Embedder] = {}
        self._opening = {name: threading.Lock() for name in EMBEDDING_MODELS}
        self._classifiers: dict[str, Opened] = {}
        self._opening_classifier = threading.Lock()
        self._matchers: dict[str, Matcher] = {}
        self._opening_matcher = threading.Lock()

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

    def matcher(self, model: EmbeddingModel) -> Matcher:
        """Return what matches tokens by the opened model; raises as above.

        Raises:
            Missing: it does not say how rare its tokens are.
        """
        embedder = self.embedder(model)
        with self._opening_matcher:
            if model.name not in self._matchers:
                self._matchers[model.name] = Matcher(embedder)
            return self._matchers[model.name]

    def classifier(self, model: ClassifierModel) -> Opened:
        """Return the opened classifier; raises as above."""
        embedder = self.embedder(E5_SMALL)
        with self._opening_classifier:
            if model.name not in self._classifiers:
                self._classifiers[model.name] = self._open(model, embedder)
            return self._classifiers[model.name]

    def _open(self, model: ClassifierModel, embedder: Embedder) -> Opened:
        if model is GROUNDING_MODEL:
            return Grounding(self.matcher(E5_SMALL))
        return Reader(model, embedder) if model is READER else Classifier(model, embedder)
