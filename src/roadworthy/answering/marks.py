"""Marks like [2] in what a model writes: each is a passage that it was given, or is removed.

Code that a passage holds stays, too: argv[7].
"""

import re
from functools import cached_property

from roadworthy.answering.context import BEFORE_AN_INDEX, Context
from roadworthy.answering.records import CitationInvented, TextPiece, Written, cite

MARK = re.compile(r"\[\s?(\d{1,3}(?:\s?[,;]\s?\d{1,3}){0,9})\s?\]")  # [2], [2, 5]
LONGEST = 61  # characters of a mark
UNFINISHED_MARK = re.compile(rf"\[[\d\s,;]{{0,{LONGEST - 1}}}$")
INDEXED = re.compile(rf"[{BEFORE_AN_INDEX}]++(?:\[[\d\s,;]+\])*+\Z")
LEFT_OUT = "…"


class Marks:
    """Checks marks like [2] in a text that arrives in pieces; each ends a piece, and is cited."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._hits = context.numbered
        self._held = ""  # the beginning of a mark, perhaps
        self._told = ""  # the end of what was given

    def check(self, piece: str) -> list[Written]:
        """Read the next piece; what may be the beginning of a mark is kept for later."""
        text = self._held + piece
        unfinished = UNFINISHED_MARK.search(text)
        cut = unfinished.start() if unfinished else len(text)
        self._held = text[cut:]
        return self._checked(text[:cut])

    def rest(self) -> list[Written]:
        """Give what was kept: nothing follows."""
        written = self._checked(self._held)
        self._held = self._told = ""
        return written

    def _checked(self, text: str) -> list[Written]:
        written: list[Written] = []
        kept = self._told
        told = len(kept)
        end = 0
        for mark in MARK.finditer(text):
            kept += text[end : mark.start()]
            end = mark.end()
            numbers = [int(number) for number in re.findall(r"\d+", mark[1])]
            if not any(map(self._is_passage, numbers)) and self._is_code(kept, mark[0]):
                kept += mark[0]
                continue
            for number in numbers:
                if not self._is_passage(number):
                    written.append(CitationInvented())
                    # Else what stands around it could join to a mark: [[99]2].
                    kept += LEFT_OUT if UNFINISHED_MARK.search(kept[-LONGEST:]) else ""
                    continue
                kept += f"[{number}]"
                hit = self._hits[number - 1]
                written += [
                    TextPiece(text=kept[told:]),
                    cite(hit, number, context=self._context),
                ]
                told = len(kept)
        kept += text[end:]
        self._told = kept[-LONGEST:]
        return [*written, TextPiece(text=kept[told:])] if kept[told:] else written

    def _is_passage(self, number: int) -> bool:
        return 1 <= number <= len(self._hits)

    def _is_code(self, before: str, mark: str) -> bool:
        indexed = INDEXED.search(before[-LONGEST:])
        return indexed is not None and f"{indexed[0]}{mark}" in self._read

    @cached_property
    def _read(self) -> str:
        return self._context.text
