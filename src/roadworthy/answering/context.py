"""What an answerer reads: passages as pieces of their documents, and how a model sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from roadworthy.retrieval.search import Hit

# Of UTF-8: an estimate for every model. What e5 counts is never more, in any of seven languages; a
# small model of English counts as much in French, and up to twice as much in Chinese.
BYTES_A_TOKEN = 3
LONGEST_LEAD = 150  # characters of titles and headings before a piece

Piece = tuple[Hit, ...]  # neighbours in one document, in its order
Copies = Mapping[int, Sequence[Hit]]  # by passage: hits that say nothing else, best first


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What is read for a question. Invariant: the pieces hold each of the hits once."""

    hits: Sequence[Hit]  # best first
    pieces: Sequence[Piece]  # as they are read
    copies: Copies
    cut: int = 0  # hits that the budget had no room for

    @property
    def named(self) -> list[Hit]:
        """Give what an answer may name: what is read, and what says the same."""
        copies = (copy for some in self.copies.values() for copy in some)
        return list({hit.passage_id: hit for hit in (*self.hits, *copies)}.values())

    @property
    def numbered(self) -> list[Hit]:
        """Give the hits as they are read; the first is [1]."""
        return [hit for piece in self.pieces for hit in piece]

    @property
    def text(self) -> str:
        """Write it as a model reads it."""
        return written(self.pieces, self.copies)


NOTHING = Context(hits=(), pieces=(), copies={})


def estimated_tokens(text: str) -> int:
    """Estimate the tokens of a text for a model whose tokenizer is not known."""
    return -(-len(text.encode()) // BYTES_A_TOKEN)


def place(hit: Hit) -> tuple[int, int]:
    """Tell which passage of which document it is; a sort by it brings neighbours together."""
    return hit.document_id.int, hit.ordinal


def joined(hits: Sequence[Hit]) -> list[Piece]:
    """Put neighbours together in the order of their document; a piece ranks as its best hit."""
    rank = {hit.passage_id: at for at, hit in enumerate(hits)}
    pieces: list[list[Hit]] = []
    for hit in sorted(hits, key=place):
        document, ordinal = place(hit)
        if pieces and place(pieces[-1][-1]) == (document, ordinal - 1):
            pieces[-1].append(hit)
        else:
            pieces.append([hit])
    pieces.sort(key=lambda piece: min(rank[hit.passage_id] for hit in piece))
    return [tuple(piece) for piece in pieces]


def written(pieces: Sequence[Piece], copies: Copies) -> str:
    """Number the passages; each piece begins with its title, and repeats nothing of itself."""
    number, blocks = 1, []
    for piece in pieces:
        first = piece[0]
        lines = [f"[{number}] {_lead(first, copies.get(first.passage_id, ()))}\n{first.text}"]
        for before, hit in pairwise(piece):
            number += 1
            lines.append(f"[{number}] {hit.text[max(before.end - hit.start, 0) :]}")
        number += 1
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _lead(hit: Hit, copies: Sequence[Hit]) -> str:
    """Name every document that says it: what is the same in two may be asked of either."""
    titles = "; ".join(dict.fromkeys(each.title for each in (hit, *copies)))
    path = " > ".join(part for part in (titles, hit.heading) if part)
    page = f", page {hit.page_first}" if hit.page_first else ""
    return path[:LONGEST_LEAD] + page
