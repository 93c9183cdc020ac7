"""Split a document into pieces that an embedding model can take whole."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from roadworthy.core.errors import Invalid
from roadworthy.core.sentences import sentences
from roadworthy.gateway.engine.tokens import CutsText, open_tokens
from roadworthy.ingestion.records import PageSpan, ParsedDocument, Piece

METHOD = "sections-3"  # changes when the same document would be cut elsewhere

FENCE = ("```", "~~~")
ROW = re.compile(r"\|.*\|$")
RULE = re.compile(r"[-|: ]+$")  # between the header of a Markdown table and its rows
LONGEST_HEADER = 150  # characters of a table's header that stand for it in a heading path
HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t#]*$|([^\n]+)\n[ \t]*(=+|-{3,})$")
SMALL_SECTION = 0.25  # of the size: a shorter section shares its piece with the next one
LEAST_FILL = 0.6  # of an even share: how far before it a better place to cut is looked for
DEEPEST_PATH = 200  # characters of a heading path
WORD = re.compile(r"\S{1,4}")  # where a cut may be: four characters never fill a whole piece
NO_LIMIT = 1 << 30
SPECIAL = 2  # tokens that each text begins and ends with
# As long as the longest piece of e5. A model drops blanks and what nobody sees, and takes any run
# of unknown signs for one token; but who reads passages is to read no million characters in one.
LONGEST_TOKEN = 16  # characters
LONGEST_GAP = 64  # blanks between two lines or sentences; more of them count as tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class _Unit:
    """A sentence, heading, item or row; what a cut goes between."""

    start: int
    end: int
    tokens: int
    strength: int  # of the cut before it: 0 in a line, 1 at a line end, 2 at a blank line
    path: str  # of the headings above it, its own included
    is_heading: bool


class TokenCounter(Protocol):
    """Counts as the model of an embedding space does."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Give the tokens of each text, special ones not counted."""
        ...


class _Tokens:
    def __init__(self, tokens: CutsText) -> None:
        self._tokens = tokens

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(self._tokens.cut(text, max_tokens=NO_LIMIT)[0]) - SPECIAL for text in texts]


def load_tokenizer(path: Path) -> TokenCounter:
    """Open the tokenizer.json of an embedding model, or what lies converted beside it.

    Raises:
        Unavailable: there is none.
    """
    return _Tokens(open_tokens(path.parent))


def split(
    document: ParsedDocument, *, tokenizer: TokenCounter, size: int = 256, overlap: int = 0
) -> list[Piece]:
    """Cut at headings first, then blank lines, lines and sentences; evenly, so no crumb is left.

    Together the pieces hold every character that is not blank. A heading stands with what
    follows it. A sentence or table row is cut only when it is longer than `size` by itself.
    More than LONGEST_TOKEN characters are never one token.

    Args:
        tokenizer: of the embedding space, from `load_tokenizer`.
        size: the most tokens in a piece, special tokens not counted.
        overlap: a piece repeats whole units from the end of the one before it, up to so many
            tokens, but nothing across sections.

    Raises:
        Invalid: `overlap` is not in 0 <= overlap <= size / 2, or `size` is below 8.
    """
    if size < 8 or not 0 <= overlap <= size / 2:
        raise Invalid(
            "set size to at least 8 and overlap to at most half of it", size=size, overlap=overlap
        )
    units = _units(document, tokenizer, size)
    runs: list[tuple[int, int]] = []
    for first, last in _sections(units, size):
        runs.extend(_even(units, first, last, size=size, overlap=overlap))
    runs = list(_fitting(document.text, units, runs, tokenizer=tokenizer, size=size))
    return [_piece(document, units[a:b], ordinal) for ordinal, (a, b) in enumerate(runs)]


def _units(document: ParsedDocument, tokenizer: TokenCounter, size: int) -> list[_Unit]:
    text = document.text
    spans = sentences(text)
    # Each is counted once and the counts are added; words are what tokenizers cut up, and no
    # word lies in two units.
    counts = _counts(tokenizer, [text[a:b] for a, b in spans])
    whole: list[tuple[int, int, int, bool]] = []
    for (a, b), tokens in zip(spans, counts, strict=True):
        if tokens <= size:
            whole.append((a, b, tokens, True))
        else:
            whole.extend(
                (*part, False) for part in _cut_long(text, a, b, tokenizer=tokenizer, size=size)
            )
    units: list[_Unit] = []
    paths, tables = _Paths() if document.markdown else None, _Tables()
    end = 0
    for a, b, tokens, is_whole in whole:
        is_heading = paths is not None and paths.enter(text[a:b], whole=is_whole)
        units.append(
            _Unit(
                start=a,
                end=b,
                tokens=tokens + (a - end) // LONGEST_GAP,
                strength=min(text.count("\n", end, a), 2),
                path=_under(paths.path if paths else "", tables.enter(text[a:b], at=a)),
                is_heading=is_heading,
            )
        )
        end = b
    return units


def _counts(tokenizer: TokenCounter, texts: Sequence[str]) -> list[int]:
    counted = zip(texts, tokenizer.count(texts), strict=True)
    return [max(tokens, -(-len(text) // LONGEST_TOKEN)) for text, tokens in counted]


class _Tables:
    """Follows the tables of a text, whose rows say little without the header."""

    def __init__(self) -> None:
        self._header = ""
        self._end = -1

    def enter(self, unit: str, *, at: int) -> str:
        """Take in the next unit; return the header of the table that it is a row of."""
        if not ROW.match(unit):
            self._end = -1
            return ""
        first = at != self._end + 1  # not on the line after the last row
        self._end = at + len(unit)
        if first:
            self._header = " | ".join(" ".join(unit.strip("|").split()).split(" | "))
            return ""
        return "" if RULE.match(unit) else self._header[:LONGEST_HEADER]


def _under(path: str, header: str) -> str:
    return " > ".join(part for part in (path, header) if part)


class _Paths:
    """Follows the headings of a Markdown text from its first line to its last."""

    def __init__(self) -> None:
        self.path = ""
        self._above: list[tuple[int, str]] = []
        self._fenced = False

    def enter(self, unit: str, *, whole: bool) -> bool:
        """Take in the next unit; return whether it is a heading."""
        if unit.startswith(FENCE):
            self._fenced = not self._fenced
        heading = HEADING.match(unit) if whole and not self._fenced else None
        if heading is None or heading.end() != len(unit):
            return False
        underlined = {"=": 1, "-": 2}.get((heading[4] or " ")[0], 0)
        level, title = len(heading[1] or "") or underlined, (heading[2] or heading[3] or "")
        self._above = [above for above in self._above if above[0] < level]
        self._above.append((level, " ".join(title.replace("*", "").split())))
        self.path = " > ".join(title for _, title in self._above if title)[:DEEPEST_PATH]
        return True


def _cut_long(
    text: str, start: int, end: int, *, tokenizer: TokenCounter, size: int
) -> list[tuple[int, int, int]]:
    """Cut one unit between words where it can be, else within a long one."""
    starts = [start + word.start() for word in WORD.finditer(text[start:end])]
    step = size
    while True:
        parts = list(_strides(text, starts, end, step=step))
        counts = _counts(tokenizer, [text[a:b] for a, b in parts])
        if max(counts) <= size or step == 1:
            return [(a, b, tokens) for (a, b), tokens in zip(parts, counts, strict=True)]
        step = step * 7 // 8


def _strides(text: str, starts: Sequence[int], end: int, *, step: int) -> Iterator[tuple[int, int]]:
    first = 0
    while first < len(starts):
        last = min(first + step, len(starts))
        if last < len(starts):
            spaced = (
                i for i in range(last, first + step // 2, -1) if text[starts[i] - 1].isspace()
            )
            last = next(spaced, last)
        inner = text[starts[first] : starts[last] if last < len(starts) else end]
        if trimmed := inner.strip():
            left = starts[first] + len(inner) - len(inner.lstrip())
            yield left, left + len(trimmed)
        first = last


def _sections(units: Sequence[_Unit], size: int) -> Iterator[tuple[int, int]]:
    """Yield runs of units between headings, with small sections joined to the next."""
    first = tokens = 0
    for i, unit in enumerate(units):
        after_heading = i > 0 and units[i - 1].is_heading
        if unit.is_heading and not after_heading and tokens >= SMALL_SECTION * size:
            yield first, i
            first, tokens = i, 0
        tokens += unit.tokens
    if first < len(units):
        yield first, len(units)


def _even(
    units: Sequence[_Unit], first: int, last: int, *, size: int, overlap: int
) -> Iterator[tuple[int, int]]:
    """Cut one section into as few runs as fit, of about one length, at its best places."""
    left = sum(unit.tokens for unit in units[first:last])
    begin = fresh = first  # what is before `fresh` was in the run before
    while fresh < last:
        repeated = sum(unit.tokens for unit in units[begin:fresh])
        room = size - repeated
        end = _best_cut(units, fresh, last, room=room, share=left / max(-(-left // room), 1))
        yield begin, end
        left -= sum(unit.tokens for unit in units[fresh:end])
        begin = fresh = end
        repeated = 0
        while begin > first and repeated + units[begin - 1].tokens <= overlap:
            begin -= 1
            repeated += units[begin].tokens
        if fresh < last and repeated + units[fresh].tokens > size:
            begin = fresh


def _best_cut(units: Sequence[_Unit], first: int, last: int, *, room: int, share: float) -> int:
    """Choose where to end the run that begins at `first`: the strongest place near its share."""
    best, best_worth, tokens = first + 1, (-2, 0.0), 0
    for end in range(first + 1, last + 1):
        tokens += units[end - 1].tokens
        if tokens > room:
            break
        if end == last:
            return end
        if units[end - 1].is_heading:
            strength = -1  # only when nothing else fits
        else:
            strength = 1 + units[end].strength if tokens >= LEAST_FILL * share else 0
        worth = (strength, -abs(tokens - share))
        if worth > best_worth:
            best, best_worth = end, worth
    return best


def _fitting(
    text: str,
    units: Sequence[_Unit],
    runs: Sequence[tuple[int, int]],
    *,
    tokenizer: TokenCounter,
    size: int,
) -> Iterator[tuple[int, int]]:
    """Halve the few runs that have more tokens together than their units had one by one."""
    for a, b in runs:
        # Joining can add a token at each seam at most, so most runs need no second count.
        tokens = sum(unit.tokens + 1 for unit in units[a:b]) - 1
        if tokens > size:
            [tokens] = _counts(tokenizer, [text[units[a].start : units[b - 1].end]])
        if tokens <= size or b - a == 1:
            yield a, b
        else:
            halves = [(a, (a + b) // 2), ((a + b) // 2, b)]
            yield from _fitting(text, units, halves, tokenizer=tokenizer, size=size)


def _piece(document: ParsedDocument, units: Sequence[_Unit], ordinal: int) -> Piece:
    start, end = units[0].start, units[-1].end
    told = next((unit for unit in units if not unit.is_heading), units[-1])
    return Piece(
        ordinal=ordinal,
        start=start,
        end=end,
        text=document.text[start:end],
        page_first=_page_at(document.pages, start),
        page_last=_page_at(document.pages, end - 1),
        heading=told.path,
    )


def _page_at(pages: Sequence[PageSpan], offset: int) -> int | None:
    return (
        pages[max(bisect_right(pages, offset, key=lambda page: page.start) - 1, 0)].number
        if pages
        else None
    )
