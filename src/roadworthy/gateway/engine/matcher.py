"""Tell how much of a text is found in a passage, token by token.

Each token of a question or sentence is held against the nearest one of the passage, in the words
around it: late interaction (Khattab and Zaharia 2020, ColBERT), on the embedding model as it is.
One vector for a whole passage cannot tell that a part of the question is missing in it.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from roadworthy.core.errors import Missing
from roadworthy.gateway.engine.embedder import Embedder
from roadworthy.gateway.engine.tokens import UnigramTokens

# "What", "is" and "the" match in every passage. Of powers 0 to 3 of a token's information this one
# tells questions with an answer from those without best (docs/decisions/0024).
POWER: Final = 3
# A word weighs no more than so many pieces: a code that somebody adds to his question has twenty.
MOST_PIECES: Final = 4

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question or sentence, ready to be held against passages."""

    vectors: Numbers  # (tokens, dimension), of unit length
    weights: Numbers  # (tokens,); they add up to 1
    vector: Numbers  # of the whole, (dimension,), of unit length
    is_truncated: bool  # some of it was not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How a text is found in a passage."""

    nearest: Numbers  # (tokens of the text,): the cosine of each to its nearest one there
    weights: Numbers  # (tokens,)
    cosine: float  # of the whole to the whole
    is_truncated: bool  # some of the passage was not read

    @property
    def score(self) -> float:
        """Give the weighted mean of the nearest, from -1 to 1."""
        return float(self.nearest @ self.weights)


class Matcher:
    """Matches questions and passages. May be called from several threads at once."""

    def __init__(self, embedder: Embedder) -> None:
        tokens = embedder.tokens
        if not isinstance(tokens, UnigramTokens):
            raise Missing(f"{embedder.model.name} does not say how rare its tokens are")
        self._tokens = tokens
        self._embedder = embedder
        self._begins = {
            prefix: len(tokens.cut(prefix.rstrip(), max_tokens=embedder.model.max_tokens)[0]) - 1
            for prefix in (embedder.model.query_prefix, embedder.model.passage_prefix)
        }

    def match(self, asked: Asked, passage: str) -> Match:
        """Hold a text against a passage by itself: the same in every request."""
        prefix = self._embedder.model.passage_prefix
        there = self._embedder.read_tokens(prefix + passage)
        vectors = there.vectors[self._begins[prefix] : -1]
        return Match(
            nearest=(asked.vectors @ vectors.T).max(axis=1),
            weights=asked.weights,
            cosine=float(asked.vector @ there.whole.vector),
            is_truncated=there.whole.is_truncated,
        )

    def score(self, asked: Asked, passage: str) -> float:
        """Give the score of a match."""
        return self.match(asked, passage).score

    def read(self, text: str) -> Asked:
        """Read a question or sentence, as far as the model reads.

        The special tokens are left out, and those of the prefix: they are in every text. The blank
        behind a prefix begins a token, so there is one in any text.
        """
        prefix = self._embedder.model.query_prefix
        own = slice(self._begins[prefix], -1)
        read = self._embedder.read_tokens(prefix + text)
        said = np.array(self._tokens.information(read.ids[own]), np.float32) ** POWER
        said *= np.minimum(1, MOST_PIECES / np.array(self._tokens.word_lengths(read.ids[own])))
        return Asked(
            vectors=read.vectors[own],
            weights=said / said.sum(),
            vector=read.whole.vector,
            is_truncated=read.whole.is_truncated,
        )
