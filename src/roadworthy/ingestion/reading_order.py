"""Put the text runs of a page into the order in which a person reads them.

A page stores runs of text with their places, in any order. Columns of prose are read one after
the other; the cells of a table row stay together, with the columns of the table kept apart.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

CELL_GAP = 0.9  # of the line height: a wider gap in a line parts cells or columns
PARAGRAPH_GAP = 0.8  # of the line height, between two lines
SAME_LINE = 0.5  # of the lower run's height that two runs of one line share
# What a column of prose has and a column of table cells has not. Measured on the pages of the
# tests and on printed papers, forms and statistics with columns and tables.
LEAST_LINES = 4
LEAST_WIDTH = 7.0  # line heights, at the median
LEAST_WORDS = 3  # at the median
FULL_LINE, FULL_SHARE = 0.6, 0.5  # so many of its lines are at least so full
MOST_SPANNING = 0.4  # of the runs of a page may lie across the gutter of its columns
TABLE_ROWS, TABLE_SHARE = 2, 0.6  # rows of several cells, at least, and of all rows
MOST_DEEP = 4  # columns in columns
RTL = ("\u0590", "\u08ff")
BULLET = re.compile(r"\W|\(?\w{1,3}[.):]")  # before an item of a list


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of text in one line. Invariant: left <= right, top <= bottom; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float
    text: str

    @property
    def width(self) -> float:
        """Tell how far it goes to the right."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Tell how far it goes down."""
        return self.bottom - self.top


Line = list[Run]


def arranged(runs: Sequence[Run]) -> str:
    """Write the runs as lines: columns one after the other, tables as rows between bars.

    Returns: lines, with a blank one between paragraphs; "" for no runs.
    """
    runs = [run for run in runs if run.text.strip()]
    if not runs:
        return ""
    height = max(median(run.height for run in runs), 0.1)
    blocks = (_block(region, height) for region in _regions(runs, height))
    return "\n".join(block for block in blocks if block)


def _regions(runs: Sequence[Run], height: float, depth: int = 0) -> Iterator[list[Run]]:
    """Yield the parts of a page that are read from top to bottom, in their order."""
    gutter = _gutter(runs, height) if depth < MOST_DEEP else None
    if gutter is None:
        yield list(runs)
        return
    across = sorted((run for run in runs if _spans(run, gutter)), key=lambda run: run.top)
    rest = [run for run in runs if not _spans(run, gutter)]
    edges = [float("-inf"), *(_middle(run) for run in across), float("inf")]
    for i, (above, below) in enumerate(pairwise(edges)):
        band = [run for run in rest if above <= _middle(run) < below]
        for side in (
            [run for run in band if run.right <= gutter],
            [run for run in band if run.right > gutter],
        ):
            if side:
                yield from _regions(side, height, depth + 1)
        if i < len(across):
            yield [across[i]]


def _gutter(runs: Sequence[Run], height: float) -> float | None:
    """Find where the page is parted into columns of prose, if it is."""
    left, right = min(run.left for run in runs), max(run.right for run in runs)
    if len(runs) < 2 * LEAST_LINES or right - left < 2 * LEAST_WIDTH * height:
        return None
    best: tuple[int, float] | None = None
    for x in _gaps(runs, least=left + LEAST_WIDTH * height, most=right - LEAST_WIDTH * height):
        spanning = sum(_spans(run, x) for run in runs)
        if best is not None and spanning >= best[0]:
            continue
        before = [run for run in runs if run.right <= x]
        after = [run for run in runs if run.left >= x]
        if (
            spanning <= MOST_SPANNING * len(runs)
            and _is_prose(before, height)
            and _is_prose(after, height)
            and _beside(before, after)
        ):
            best = (spanning, x)
    return None if best is None else best[1]


def _gaps(runs: Sequence[Run], *, least: float, most: float) -> Iterator[float]:
    """Yield where runs begin: the right edge of any gutter is the left edge of a column."""
    starts = sorted({round(run.left) for run in runs})
    yield from (start - 0.5 for start in starts if least <= start <= most)


def _is_prose(runs: Sequence[Run], height: float) -> bool:
    if len(runs) < LEAST_LINES:
        return False
    widths = [run.width for run in runs]
    full = sum(width >= FULL_LINE * max(widths) for width in widths)
    return (
        median(widths) >= LEAST_WIDTH * height
        and median(len(run.text.split()) for run in runs) >= LEAST_WORDS
        and full >= FULL_SHARE * len(runs)
    )


def _beside(before: Sequence[Run], after: Sequence[Run]) -> bool:
    """Tell whether the two stand at one height, as columns do, and not one below the other."""
    top = max(min(run.top for run in before), min(run.top for run in after))
    bottom = min(max(run.bottom for run in before), max(run.bottom for run in after))
    shorter = min(_extent(before), _extent(after))
    return bottom - top >= 0.5 * shorter


def _extent(runs: Sequence[Run]) -> float:
    return max(run.bottom for run in runs) - min(run.top for run in runs)


def _spans(run: Run, x: float) -> bool:
    return run.left < x < run.right


def _middle(run: Run) -> float:
    return (run.top + run.bottom) / 2


def _block(runs: Sequence[Run], height: float) -> str:
    lines = _lines(runs)
    written: list[str] = []
    at = 0
    while at < len(lines):
        end = _table_end(lines, at, height)
        if at and _gap(lines[at - 1], lines[at]) > PARAGRAPH_GAP * height:
            written.append("")
        if end > at:
            written.extend(["", *_table(lines[at:end], height), ""])
        else:
            written.append(_written(lines[at]))
        at = max(end, at + 1)
    return "\n".join(written).strip("\n")


def _lines(runs: Sequence[Run]) -> list[Line]:
    lines: list[Line] = []
    for run in sorted(runs, key=lambda run: (_middle(run), run.left)):
        if lines and _same_line(lines[-1][-1], run):
            lines[-1].append(run)
        else:
            lines.append([run])
    return [sorted(line, key=lambda run: run.left, reverse=_is_rtl(line)) for line in lines]


def _same_line(one: Run, other: Run) -> bool:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared >= SAME_LINE * min(one.height, other.height)


def _is_rtl(line: Line) -> bool:
    letters = [c for run in line for c in run.text if c.isalpha()]
    return sum(RTL[0] <= c <= RTL[1] for c in letters) * 2 > len(letters)


def _written(line: Line) -> str:
    return " ".join(run.text.strip() for run in line)


def _gap(above: Line, below: Line) -> float:
    return min(run.top for run in below) - max(run.bottom for run in above)


def _table_end(lines: Sequence[Line], start: int, height: float) -> int:
    """Find where the table that begins at a line ends; `start` itself when there is none."""
    if len(_cells(lines[start], height)) < 2:
        return start
    end, last = start + 1, start + 1
    while end < len(lines) and _gap(lines[end - 1], lines[end]) <= 3 * height:
        columns = _columns(lines[start : end + 1], height)
        if len(columns) < 2:
            break
        end += 1
        if len(_cells(lines[end - 1], height)) > 1:
            last = end
    of_several = sum(len(_cells(line, height)) > 1 for line in lines[start:last])
    is_table = of_several >= TABLE_ROWS and of_several >= TABLE_SHARE * (last - start)
    return last if is_table else start


def _cells(line: Line, height: float) -> list[Run]:
    """Join what stands close together in a line."""
    cells: list[Run] = []
    for run in sorted(line, key=lambda run: run.left):
        near = cells and run.left - cells[-1].right <= CELL_GAP * height
        if cells and (near or BULLET.fullmatch(cells[-1].text.strip())):
            cells[-1] = _joined(cells[-1], run)
        else:
            cells.append(run)
    return cells


def _joined(one: Run, other: Run) -> Run:
    return Run(
        left=one.left,
        top=min(one.top, other.top),
        right=max(one.right, other.right),
        bottom=max(one.bottom, other.bottom),
        text=f"{one.text} {other.text}",
    )


def _columns(lines: Sequence[Line], height: float) -> list[tuple[float, float]]:
    """Give the extents of the columns: what is left when the cells of all lines are laid over."""
    spans = sorted((cell.left, cell.right) for line in lines for cell in _cells(line, height))
    columns = [spans[0]]
    for left, right in spans[1:]:
        if left <= columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], right))
        else:
            columns.append((left, right))
    return columns


def _table(lines: Sequence[Line], height: float) -> Iterator[str]:
    columns = _columns(lines, height)
    for row in _rows(lines, columns, height):
        yield "| " + " | ".join(row) + " |"


def _rows(
    lines: Sequence[Line], columns: Sequence[tuple[float, float]], height: float
) -> list[list[str]]:
    rows: list[list[str]] = []
    for i, line in enumerate(lines):
        row = [""] * len(columns)
        for cell in _cells(line, height):
            at = max(j for j, (left, _) in enumerate(columns) if left <= cell.left)
            row[at] = f"{row[at]} {cell.text.strip()}".strip().replace("|", "/")
        # A line without a first cell, close below the last one, goes on with its cells.
        if rows and not row[0] and _gap(lines[i - 1], line) < 0.25 * height:
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    return rows
