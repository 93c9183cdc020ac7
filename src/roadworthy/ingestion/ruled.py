"""Find tables by their ruling lines: what stands in which cell, however close the cells are."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from roadworthy.ingestion.runs import Line, Run, is_from_the_right, rejoined

THIN, SHORT = 2.0, 4.0  # points: a line is as thin, and no shorter
APART = 3.0  # points between two lines that are not one
LEAST = 3  # lines across and down, edges without a line counted: two rows and two columns
LEAST_LINES = 4  # more than a cross
TABLE_ROWS = 2  # of several filled cells
LEAST_FILLED = 0.5  # of the cells; a drawing has few words
LONGEST_CELL = 15  # lines; of more it is a frame around a part of the page
STACKED = 3  # lines of a cell that tell whether they are wrapped
PADDING = 1.5  # line heights left free in a cell, and between two words
MOST, MOST_CELLS = 1_000, 5_000  # lines of a page, cells of a table; a drawing has more


Cell = tuple[int, int]  # its row and column


class Box(NamedTuple):
    """A place on a page. Invariant: left <= right, top <= bottom; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float


class Grid:
    """The cells between lines that touch each other; some may lack the line between them."""

    def __init__(
        self, *, columns: Sequence[float], rows: Sequence[float], lines: Sequence[Box]
    ) -> None:
        self.columns, self.rows = columns, rows
        upright = [line for line in lines if _is_upright(line)]
        level = [line for line in lines if not _is_upright(line)]
        self._beside = [[line for line in upright if abs(line.left - x) <= APART] for x in columns]
        self._above = [[line for line in level if abs(line.top - y) <= APART] for y in rows]

    def cell(self, x: float, y: float) -> Cell | None:
        """Tell in which row and column a point is; of cells that are one, the first."""
        row, column = bisect_right(self.rows, y) - 1, bisect_right(self.columns, x) - 1
        if not (0 <= row < len(self.rows) - 1 and 0 <= column < len(self.columns) - 1):
            return None
        return self.first(row, column)

    def first(self, row: int, column: int) -> Cell:
        """Go up and to the left from a cell as far as no line is in the way."""
        while True:
            x = (self.columns[column] + self.columns[column + 1]) / 2
            y = (self.rows[row] + self.rows[row + 1]) / 2
            if row and not any(line.left <= x <= line.right for line in self._above[row]):
                row -= 1
            elif column and not any(line.top <= y <= line.bottom for line in self._beside[column]):
                column -= 1
            else:
                return row, column

    def cells(self) -> list[Cell]:
        """List the first of the cells that are one, row by row."""
        rows, columns = range(len(self.rows) - 1), range(len(self.columns) - 1)
        every = ((row, column) for row in rows for column in columns)
        return [cell for cell in every if self.first(*cell) == cell]


def grids(boxes: Sequence[Box]) -> Iterator[Grid]:
    """Find the grids that boxes make: lines, thin as they are, and frames around cells."""
    lines = [line for box in boxes for line in _lines(box)]
    if len(lines) > MOST:
        return
    for group in _touching(lines):
        upright = [line for line in group if _is_upright(line)]
        level = [line for line in group if not _is_upright(line)]
        # Many a table has no line at its sides.
        columns = _places(
            [line.left for line in upright], [x for line in level for x in (line.left, line.right)]
        )
        rows = _places(
            [line.top for line in level], [y for line in upright for y in (line.top, line.bottom)]
        )
        is_table = upright and level and min(len(columns), len(rows)) >= LEAST
        if is_table and len(group) >= LEAST_LINES and len(columns) * len(rows) <= MOST_CELLS:
            yield Grid(columns=columns, rows=rows, lines=group)


def is_table(grid: Grid, inside: Mapping[Cell, Sequence[Line]]) -> bool:
    """Tell whether the lines inside are of table cells, not of a drawing or a part of the page."""
    filled = Counter(row for row, _ in inside)
    return (
        sum(count > 1 for count in filled.values()) >= TABLE_ROWS
        and len(inside) >= LEAST_FILLED * len(grid.cells())
        and max(map(len, inside.values())) <= LONGEST_CELL
        and not any(_is_stacked(grid, inside, row) for row in filled)
    )


def table(grid: Grid, inside: Mapping[Cell, Sequence[Line]]) -> Run:
    """Write a table as rows between bars, in the direction of its script."""
    from_the_right = is_from_the_right(
        [run for lines in inside.values() for line in lines for run in line]
    )
    rows: list[str] = []
    for _, cells in groupby(grid.cells(), lambda cell: cell[0]):
        texts = [_text(inside.get(cell, ())) for cell in cells]
        if any(texts):
            rows.append("| " + " | ".join(reversed(texts) if from_the_right else texts) + " |")
    return Run(
        left=grid.columns[0],
        top=grid.rows[0],
        right=grid.columns[-1],
        bottom=grid.rows[-1],
        text="\n".join(rows),
        is_table=True,
    )


def _text(lines: Sequence[Line]) -> str:
    text = "\n".join(" ".join(run.text.strip() for run in line) for line in lines)
    return rejoined(text).replace("\n", " ").replace("|", "/")


def _is_stacked(grid: Grid, inside: Mapping[Cell, Sequence[Line]], row: int) -> bool:
    """Tell whether a row is several, without lines between them: their ends are not wrapped."""
    long = [
        (lines, grid.columns[column + 1] - grid.columns[column])
        for (cell_row, column), lines in inside.items()
        if cell_row == row and len(lines) >= STACKED
    ]
    breaks = [is_wrapped for lines, width in long for is_wrapped in _wrapped(lines, width)]
    return len(long) > 1 and sum(breaks) * 2 < len(breaks)


def _wrapped(lines: Sequence[Line], width: float) -> Iterator[bool]:
    """Tell of each line but the last whether the first word of the next had no room in it."""
    extents = [(min(r.left for r in line), max(r.right for r in line)) for line in lines]
    room = max(width, *(right - left for left, right in extents))
    for (left, right), below in zip(extents, lines[1:], strict=False):
        first = below[0]
        word = len(first.text.split()[0]) / len(first.text) * first.width
        yield right - left + word + PADDING * first.height > room


def _is_upright(line: Box) -> bool:
    return line.bottom - line.top > line.right - line.left


def _lines(box: Box) -> Iterator[Box]:
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    if min(wide, high) <= THIN and max(wide, high) >= SHORT:
        yield box
    elif wide > SHORT and high > SHORT:
        yield from (Box(x, top, x, bottom) for x in (left, right))
        yield from (Box(left, y, right, y) for y in (top, bottom))


def _touching(lines: Sequence[Box]) -> Iterator[list[Box]]:
    """Yield the lines that hang together, each crossing or reaching another of them."""
    left_over = list(lines)
    while left_over:
        group = [left_over.pop()]
        for line in group:  # which grows meanwhile
            touched = [other for other in left_over if _touch(line, other)]
            if touched:
                group += touched
                left_over = [other for other in left_over if not _touch(line, other)]
        yield group


def _touch(one: Box, other: Box) -> bool:
    return (
        one.left <= other.right + THIN
        and other.left <= one.right + THIN
        and one.top <= other.bottom + THIN
        and other.top <= one.bottom + THIN
    )


def _places(lines: Sequence[float], ends: Sequence[float] = ()) -> list[float]:
    """Tell where lines are, and where those that cross them end on either side."""
    places: list[float] = []
    for each in sorted([*lines, *(end(ends) for end in (min, max) if ends)]):
        if not places or each - places[-1] > APART:
            places.append(each)
    return places
