"""Score a text by a classifier on the embedding model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from roadworthy.gateway.engine.catalogue import ClassifierModel, Head
from roadworthy.gateway.engine.classifier_file import ClassifierWeights
from roadworthy.gateway.engine.classifier_graph import SCORES, graph_file
from roadworthy.gateway.engine.embedder import Embedder, Numbers, open_session
from roadworthy.gateway.engine.graph import STATE
from roadworthy.gateway.engine.weights import verified

_OVERLAP = 200  # characters from each half that two parts share; of a short text a quarter
_SHORTEST = 500  # characters that are cut no further: of a token each they are read whole

Texts = tuple[str, ...]  # one, or the two of a pair


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What a head says of a text."""

    score: float  # from 0 to 1
    is_truncated: bool  # some of the text was not read: the score is one of its beginning


class OpenedHeads:
    """The graph of a classifier, opened. May be run from several threads at once."""

    def __init__(self, model: ClassifierModel, folder: Path) -> None:
        self._session = open_session(folder / graph_file(model))
        heads = ClassifierWeights.read(verified(model.weights)).heads()
        self._columns = {head.name: number for number, head in enumerate(heads)}
        self.thresholds = {head.name: head.threshold for head in heads}

    def score(self, head: Head, given: Mapping[str, Numbers]) -> float:
        """Go on from what the embedding graphs gave: START or STATE, (1, tokens, width)."""
        [scores] = self._session.run([SCORES], dict(given))
        return float(np.asarray(scores)[0, self._columns[head.name]])


class Classifier:
    """An opened classifier. May be called from several threads at once."""

    def __init__(self, model: ClassifierModel, embedder: Embedder) -> None:
        self._embedder = embedder
        self._heads = OpenedHeads(model, embedder.folder)
        self.thresholds = self._heads.thresholds

    def scorer(self, head: Head) -> Callable[[Texts], Scored]:
        """Give what scores the texts of one request."""
        return partial(self.score, head)

    def score(self, head: Head, texts: Texts) -> Scored:
        """Score a text by itself: the same score in every request.

        A text that is longer than the model reads is read in parts; the highest score counts. Only
        one whose characters are made of several tokens each is not read to its end.
        """
        [prefix], [text] = head.prefixes, texts
        return self._through(head, prefix, text)

    def _through(self, head: Head, prefix: str, text: str) -> Scored:
        read = self._embedder.read(prefix + text)
        score = self._heads.score(head, {STATE: read.state})
        # What cannot be read to its end is not begun: it would keep all others waiting.
        if not read.is_truncated or not self._is_readable(prefix, text):
            return Scored(score=score, is_truncated=read.is_truncated)
        parts = [self._through(head, prefix, half) for half in _halves(text)]
        return Scored(score=max(score, *(part.score for part in parts)), is_truncated=False)

    def _is_readable(self, prefix: str, text: str) -> bool:
        if self._embedder.fits(prefix + text):
            return True
        halves = _halves(text) if len(text) > _SHORTEST else ()
        return bool(halves) and all(self._is_readable(prefix, half) for half in halves)


def _halves(text: str) -> tuple[str, str]:
    middle, overlap = len(text) // 2, min(_OVERLAP, len(text) // 4)
    return text[: middle + overlap], text[middle - overlap :]
