"""Score a text by a classifier on the embedding model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from roadworthy.gateway.engine.catalogue import ClassifierModel, Head
from roadworthy.gateway.engine.classifier_file import ClassifierWeights
from roadworthy.gateway.engine.classifier_graph import SCORES, graph_file
from roadworthy.gateway.engine.embedder import Embedder, Numbers, open_session
from roadworthy.gateway.engine.graph import STATE
from roadworthy.gateway.engine.weights import verified

# Of one text. A pass takes 160 ms of a core (AMD EPYC) for 512 tokens, 66 ms for 256. So two cores
# read these in .8 s, and in 1.5 s beside as much other work, of the 1.8 s that a question waits
# (LONGEST_S). The 8,000 characters that it may have take 2,000 to 2,500 in English, German, French,
# Russian and Arabic, 3,100 in digits; in Chinese some 5,500 can be read.
MOST_TOKENS: Final = 4_000
SHARED: Final = 64  # tokens of two parts: what stands where they meet is whole in one of them

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

        A text that is longer than the model reads is read in parts as well; the highest score
        counts. One of more than MOST_TOKENS is not read to its end.
        """
        [prefix], [text] = head.prefixes, texts
        read = self._embedder.read(prefix + text)
        score = self._heads.score(head, {STATE: read.state})
        parts = self._parts(head, text) if read.is_truncated else []
        others = [
            self._embedder.ahead.submit(partial(self._score_part, head, ids))
            for ids in parts
            if ids != read.ids
        ]
        return Scored(
            score=max([score, *(each.result() for each in others)]),
            is_truncated=read.is_truncated and not parts,
        )

    def _score_part(self, head: Head, ids: Sequence[int]) -> float:
        return self._heads.score(head, {STATE: self._embedder.state(ids)})

    def _parts(self, head: Head, text: str) -> list[Sequence[int]]:
        """Cut a text into overlapping parts of tokens, each with the prefix; [] of too many.

        What cannot be read to its end is not begun: it would keep all others waiting.
        """
        [prefix], tokens = head.prefixes, self._embedder.tokens
        ids, is_cut = tokens.cut(prefix + text, max_tokens=MOST_TOKENS)
        if is_cut:
            return []
        begin = ids[: len(tokens.cut(prefix.rstrip(), max_tokens=MOST_TOKENS)[0]) - 1]
        own, end = ids[len(begin) : -1], ids[-1]
        room = (head.part_tokens or self._embedder.model.max_tokens) - len(begin) - 1
        starts = range(0, len(own) - SHARED, room - SHARED)
        return [[*begin, *own[start : start + room], end] for start in starts]
