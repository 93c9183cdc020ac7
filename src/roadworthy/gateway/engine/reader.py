"""Tell how likely it is that a passage answers a question, by reading both together.

Vectors of a text alone cannot tell that a passage has the question's words and not its answer. Here
each token of the question sees those of the passage, and the other way round, in every layer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from roadworthy.gateway.engine.catalogue import ClassifierModel, Head
from roadworthy.gateway.engine.classifier import OpenedHeads, Scored, Texts
from roadworthy.gateway.engine.embedder import Embedder
from roadworthy.gateway.engine.graph import START
from roadworthy.gateway.engine.tokens import BEGIN, END, CutsText

LONGEST_QUESTION: Final = 128  # tokens; the passage has the rest of what the model reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A question and a passage as one row of tokens."""

    ids: Sequence[int]
    passage_from: int  # the place of its first token
    is_truncated: bool  # some of either was left out


def joined(
    question: str, passage: str, tokens: CutsText, *, most: int, longest_question: int
) -> Row:
    """Write a question and a passage, each with its prefix, into one row of at most `most` ids."""
    # One token more than is read tells whether some was left out.
    asked, told = (
        list(tokens.cut(text, max_tokens=most + 1)[0][1:-1]) for text in (question, passage)
    )
    cut = asked[:longest_question]
    read = told[: most - len(cut) - 3]
    return Row(
        ids=[BEGIN, *cut, END, *read, END],
        passage_from=len(cut) + 2,
        is_truncated=len(cut) < len(asked) or len(read) < len(told),
    )


class Reader:
    """An opened reader. May be called from several threads at once."""

    def __init__(self, model: ClassifierModel, embedder: Embedder) -> None:
        self._embedder = embedder
        self._heads = OpenedHeads(model, embedder.folder)
        self.thresholds = self._heads.thresholds

    def scorer(self, head: Head) -> Callable[[Texts], Scored]:
        """Give what scores the pairs of one request."""
        return partial(self._score, head)

    def _score(self, head: Head, texts: Texts) -> Scored:
        """Score a question beside a passage; what is longer than the model reads is cut.

        Returns: how likely it is that the passage answers the question, from 0 to 1.
        """
        question, passage = map(str.__add__, head.prefixes, texts)
        most = self._embedder.model.max_tokens
        row = joined(
            question, passage, self._embedder.tokens, most=most, longest_question=LONGEST_QUESTION
        )
        score = self._heads.score(head, {START: self._embedder.start(row.ids)})
        return Scored(score=score, is_truncated=row.is_truncated)
