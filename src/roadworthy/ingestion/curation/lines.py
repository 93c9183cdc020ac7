"""The lines of a text and what makes two of them the same."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE = re.compile(r"[^\n]++\n*+")  # blank or not; it is never read twice
KEPT = re.compile(r"\s*(#{1,6}\s|\||```|~~~)")  # headings, tables and code are written on purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line with something on it, up to where the next one begins."""

    start: int
    end: int  # past its line ends and the blank lines after it
    text: str  # one space where there were several


def lines(text: str, start: int = 0, end: int | None = None) -> Iterator[Line]:
    """Yield the lines between two offsets that are not blank, in order."""
    for found in LINE.finditer(text, start, len(text) if end is None else end):
        if words := found[0].split():
            yield Line(start=found.start(), end=found.end(), text=" ".join(words))


def is_structure(line: Line) -> bool:
    """Tell a Markdown heading, table row or fence, which repeats on purpose."""
    return KEPT.match(line.text) is not None


def line_key(line: Line) -> int:
    """Give lines that say the same one number of 64 bits, signed as PostgreSQL has them."""
    digest = hashlib.blake2b(line.text.casefold().encode("utf-8", "replace"), digest_size=8)
    return int.from_bytes(digest.digest(), signed=True)
