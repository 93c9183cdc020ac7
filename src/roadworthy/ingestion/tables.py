"""Tell tables from lines of text by how their cells stand below each other, and write them."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from roadworthy.ingestion.runs import CELL_GAP, Line, Run, gap, is_from_the_right

TABLE_ROWS, TABLE_SHARE = 2, 0.6  # rows of several cells, at least, and of all rows
WIDEST_GAP = 3.0  # line heights between two rows
LONGEST = 400  # lines looked at in one go; a longer table goes on as another
ROW_GAP = 0.8  # line heights between rows that stand apart
CONTINUED = 0.25  # line heights, at most, above a line that goes on with a cell
WRAPPED_SHARE, WRAPPED_WORDS = 0.75, 3  # of its column, what a line that is wrapped takes up
BULLET = re.compile(r"\W|\(?\w{1,3}[.):]")  # before an item of a list

Columns = list[tuple[float, float]]  # their extents, from the left


def cells_of(line: Line, height: float) -> list[Run]:
    """Join what stands close together in a line.

    Returns: from the left.
    """
    cells: list[Run] = []
    for run in sorted(line, key=lambda run: run.left):
        near = cells and run.left - cells[-1].right <= CELL_GAP * height
        if cells and (near or BULLET.fullmatch(cells[-1].text.strip())):
            cells[-1] = _joined(cells[-1], run)
        else:
            cells.append(run)
    return cells


def table_end(
    lines: Sequence[Line], cells: Sequence[Sequence[Run]], start: int, *, height: float
) -> int:
    """Find where the table that begins at a line ends; `start` itself when there is none."""
    if len(cells[start]) < 2:
        return start
    columns: Columns = []
    last, of_several = start, 0
    for i in range(start, min(len(lines), start + LONGEST)):
        if i > start and gap(lines[i - 1], lines[i]) > WIDEST_GAP * height:
            break
        if any(run.is_table for run in lines[i]):
            break
        columns = _laid_over(columns, cells[i])
        if len(columns) < 2:
            break
        if len(cells[i]) > 1:
            last, of_several = i + 1, of_several + 1
    is_table = of_several >= TABLE_ROWS and of_several >= TABLE_SHARE * (last - start)
    return last if is_table else start


def table(lines: Sequence[Line], cells: Sequence[Sequence[Run]], height: float) -> Iterator[str]:
    """Write a table as rows between bars, in the direction of its script."""
    columns: Columns = []
    for row in cells:
        columns = _laid_over(columns, row)
    from_the_right = is_from_the_right([run for line in lines for run in line])
    for row in _rows(lines, cells, columns, height=height):
        yield "| " + " | ".join(reversed(row) if from_the_right else row) + " |"


def _joined(one: Run, other: Run) -> Run:
    words = (other.text, one.text) if is_from_the_right((one, other)) else (one.text, other.text)
    return Run(
        left=one.left,
        top=min(one.top, other.top),
        right=max(one.right, other.right),
        bottom=max(one.bottom, other.bottom),
        text=" ".join(words),
    )


def _laid_over(columns: Columns, cells: Sequence[Run]) -> Columns:
    """Lay cells over columns: those that overlap become one."""
    laid: Columns = []
    for left, right in sorted([*columns, *((cell.left, cell.right) for cell in cells)]):
        if laid and left <= laid[-1][1]:
            laid[-1] = (laid[-1][0], max(laid[-1][1], right))
        else:
            laid.append((left, right))
    return laid


def _rows(
    lines: Sequence[Line], cells: Sequence[Sequence[Run]], columns: Columns, *, height: float
) -> list[list[str]]:
    starts = [left for left, _ in columns]
    first = -1 if is_from_the_right([run for line in lines for run in line]) else 0
    gaps = [gap(above, below) / height for above, below in pairwise(lines)]
    are_apart = sum(each > ROW_GAP for each in gaps) >= TABLE_ROWS
    rows: list[list[str]] = []
    for i, row_cells in enumerate(cells):
        row = [""] * len(columns)
        for cell in row_cells:
            at = bisect_right(starts, cell.left) - 1
            row[at] = f"{row[at]} {cell.text.strip()}".strip().replace("|", "/")
        close = rows and gaps[i - 1] < CONTINUED
        if close and (not row[first] or (are_apart and _is_wrapped(cells[i - 1], row, columns))):
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    return rows


def _is_wrapped(above: Sequence[Run], row: Sequence[str], columns: Columns) -> bool:
    """Tell whether a cell of the line above is so full that it goes on in this one."""
    starts = [left for left, _ in columns]
    for cell in above:
        at = bisect_right(starts, cell.left) - 1
        left, right = columns[at]
        is_full = cell.width >= WRAPPED_SHARE * (right - left)
        if row[at] and is_full and len(cell.text.split()) >= WRAPPED_WORDS:
            return True
    return False
