"""Runs of text at their places on a page, and the lines that they make."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

CELL_GAP = 0.9  # of the line height: a wider gap in a line parts cells or columns
# Of the height of the lower and of the higher run: what two runs of one line share.
SAME_LINE, SAME_LINE_AS_HIGHER = 0.5, 0.4
LINE_END_HYPHEN = "-\xad"  # which may be no hyphen of the word; told from one within a line
CUT_WORD = re.compile(r"-\n(?<=[^\W\d_]-\n)(?=[^\W\d_])")
RTL = re.compile("[\u0590-\u08ff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of text in one line. Invariant: left <= right, top <= bottom; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float
    text: str
    is_table: bool = False  # all of it, written as rows between bars

    @property
    def width(self) -> float:
        """Tell how far it goes to the right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Tell how far it goes down."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Tell at which height its middle lies."""
        return (self.top + self.bottom) / 2


Line = list[Run]


def lines_of(runs: Sequence[Run]) -> list[Line]:
    """Put runs that stand at one height into a line, each in the direction of its script."""
    lines: list[Line] = []
    for run in sorted(runs, key=lambda run: (run.middle, run.left)):
        if lines and _same_line(lines[-1][-1], run):
            lines[-1].append(run)
        else:
            lines.append([run])
    return [
        sorted(line, key=lambda run: run.left, reverse=is_from_the_right(line)) for line in lines
    ]


def gap(above: Line, below: Line) -> float:
    """Tell how much is free between two lines; below 0 where they overlap."""
    return min(run.top for run in below) - max(run.bottom for run in above)


def rejoined(text: str) -> str:
    """Put LINE_END_HYPHEN where a line ends in a hyphen between letters, and go on in that line."""
    return CUT_WORD.sub(LINE_END_HYPHEN, text)


def is_from_the_right(runs: Sequence[Run]) -> bool:
    """Tell whether most letters are of a script that is written from right to left."""
    text = "".join(run.text for run in runs)
    if text.isascii() or not RTL.search(text):
        return False
    letters = [c for c in text if c.isalpha()]
    return sum(RTL.match(c) is not None for c in letters) * 2 > len(letters)


def _same_line(one: Run, other: Run) -> bool:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    lower, higher = sorted((one.height, other.height))
    return shared >= SAME_LINE * lower and shared >= SAME_LINE_AS_HIGHER * higher
