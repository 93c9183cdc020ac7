"""What a classifier learns from: texts in pieces, what they are, and which piece matters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from roadworthy.gateway.engine.tokens import BEGIN, END, CutsText

QUERY, PASSAGE = "query: ", "passage: "

_ALL = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A text, with what is known about it.

    The pieces touch at spaces.
    """

    pieces: Sequence[str]  # of the text, its prefix in the first one
    labels: Mapping[str, bool]  # by head; what is not known is left out
    source: str
    marked: int | None = None  # the piece that is the attack


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids, and 1 for each token of the marked piece."""

    ids: NDArray[np.int32]  # (tokens,)
    marks: NDArray[np.int8]  # (tokens,)


def encode(example: Example, tokens: CutsText, *, most: int) -> Encoded | None:
    """Cut an example into at most `most` tokens, never into its marked piece.

    Returns:
        None where the marked piece alone is too long.
    """
    pieces = _pieces(example, tokens)
    over = sum(map(len, pieces)) + 2 - most
    for number in sorted(range(len(pieces)), key=lambda n: -len(pieces[n])):
        if over > 0 and number != example.marked:
            kept = max(0, len(pieces[number]) - over)
            over -= len(pieces[number]) - kept
            pieces[number] = pieces[number][:kept]
    if over > 0:
        return None
    ids, marks = [BEGIN], [0]
    for number, piece in enumerate(pieces):
        ids += piece
        marks += [int(number == example.marked)] * len(piece)
    return Encoded(ids=np.array([*ids, END], np.int32), marks=np.array([*marks, 0], np.int8))


def _pieces(example: Example, tokens: CutsText) -> list[list[int]]:
    """Cut the whole text, and tell which tokens are of which piece.

    Each piece cut by itself has other tokens at its ends than the whole, which would tell a
    classifier where something was put in.
    """

    def ids(count: int) -> list[int]:
        return list(tokens.cut("".join(example.pieces[:count]).rstrip(), max_tokens=_ALL)[0][1:-1])

    whole = ids(len(example.pieces))
    ends = [len(ids(count)) for count in range(1, len(example.pieces))]
    return [whole[start:end] for start, end in pairwise([0, *ends, len(whole)])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encodings:
    """Examples cut into tokens, with a row of labels each: 1, 0, or -1 for unknown."""

    heads: Sequence[str]
    rows: list[Encoded] = field(default_factory=list)
    labels: list[list[int]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


def encode_all(
    examples: Sequence[Example], tokens: CutsText, *, heads: Sequence[str], most: int
) -> Encodings:
    """Cut all examples; those whose marked piece is too long fall away."""
    found = Encodings(heads=heads)
    for example in examples:
        encoded = encode(example, tokens, most=most)
        if encoded is not None:
            found.rows.append(encoded)
            labels = [example.labels.get(head) for head in heads]
            found.labels.append([-1 if label is None else int(label) for label in labels])
            found.sources.append(example.source)
    return found
