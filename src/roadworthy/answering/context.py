"""What an answerer reads: passages as pieces of their documents, and how a model sees them."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from roadworthy.detectors.folding import NOT_SHOWN
from roadworthy.retrieval.search import Hit

# Of UTF-8: an estimate for every model. What e5 counts is never more, in any of seven languages; a
# small model of English counts as much in French, and up to twice as much in Chinese.
BYTES_A_TOKEN = 3
LONGEST_LEAD = 150  # characters of titles and headings before a piece
# Numbers in brackets, as passages bear them and citations name them. Directly behind these a single
# one is code's: rows[2]. A list is not, anywhere: fever[2, 3].
BEFORE_AN_INDEX = "A-Za-z0-9_)="
_FIRST = rf"[\[［][\s{NOT_SHOWN}]*+\d[\d\s{NOT_SHOWN}]*+"
_FURTHER = rf"[,;，；、][\d\s,;，；、{NOT_SHOWN}]*+"
NUMBERED = re.compile(
    rf"(?<![{BEFORE_AN_INDEX}\]])(?:{_FIRST}(?:{_FURTHER})?+[\]］])++|{_FIRST}{_FURTHER}[\]］]"
)
IN_PARENTHESES = str.maketrans("[]［］", "()()")

Piece = tuple[Hit, ...]  # neighbours in one document, in its order
Copies = Mapping[int, Sequence[Hit]]  # by passage: hits that say nothing else


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


def joined(hits: Sequence[Hit], *, broken: Collection[int] = ()) -> list[Piece]:
    """Put neighbours together in the order of their document; a piece ranks as its best hit.

    Args:
        broken: passages whose end is missing, so that nothing goes on from there.
    """
    rank = {hit.passage_id: at for at, hit in enumerate(hits)}
    pieces: list[list[Hit]] = []
    for hit in sorted(hits, key=place):
        document, ordinal = place(hit)
        before = pieces[-1][-1] if pieces else None
        if before and place(before) == (document, ordinal - 1) and before.passage_id not in broken:
            pieces[-1].append(hit)
        else:
            pieces.append([hit])
    pieces.sort(key=lambda piece: min(rank[hit.passage_id] for hit in piece))
    return [tuple(piece) for piece in pieces]


def unparted(piece: Piece) -> str:
    """Give the text of a piece without numbers, and what two passages share once."""
    text, end = "", piece[0].start
    for hit in piece:
        text += hit.text[end - hit.start :] if end >= hit.start else f"\n{hit.text}"
        end = hit.end
    return text


def unnumbered(text: str) -> str:
    """Write (2) for [2], and (2, 3) for [2, 3]: the document's own would read as ours."""
    return NUMBERED.sub(lambda found: found[0].translate(IN_PARENTHESES), text)


def written(pieces: Sequence[Piece], copies: Copies) -> str:
    """Number the passages; each piece begins with its title, and repeats nothing of itself.

    Where a passage stands under other titles than the one before it, it begins anew. No words of a
    document can pass for another passage: the numbers are ours alone.
    """
    number, blocks = 1, []
    for piece in pieces:
        lines, before, above = [], piece[0], list[str]()
        for hit in piece:
            titles = _titles(hit, copies)
            if titles == above:
                rest = hit.text[max(before.end - hit.start, 0) :]
                lines.append(f"[{number}] {unnumbered(rest)}")
            else:
                lines.append(f"[{number}] {_lead(hit, titles)}\n{unnumbered(hit.text)}")
            number, before, above = number + 1, hit, titles
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _titles(hit: Hit, copies: Copies) -> list[str]:
    """Name every document that says it: what is the same in two may be asked of either."""
    return list(dict.fromkeys(each.title for each in (hit, *copies.get(hit.passage_id, ()))))


def _lead(hit: Hit, titles: Sequence[str]) -> str:
    path = " > ".join(part for part in ("; ".join(titles), hit.heading) if part)
    page = f", page {hit.page_first}" if hit.page_first else ""
    return unnumbered(path)[:LONGEST_LEAD] + page
