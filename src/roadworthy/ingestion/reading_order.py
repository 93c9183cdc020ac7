"""Put the text runs of a page into the order in which a person reads them.

A page stores runs of text with their places, in any order. Columns of prose are read one after
the other; the cells of a table row stay together, with the columns of the table kept apart.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from statistics import median

from roadworthy.ingestion.runs import Line, Run, gap, is_from_the_right, lines_of
from roadworthy.ingestion.tables import TABLE_ROWS, TABLE_SHARE, cells_of, table, table_end

PARAGRAPH_GAP = 0.8  # of the line height, between two lines
# What a column of prose has and a column of table cells has not. Measured on the pages of the
# tests and on printed papers, forms and statistics with columns and tables.
LEAST_LINES = 4
LEAST_WIDTH = 7.0  # line heights, at the median
LEAST_WORDS = 3  # at the median
FULL_LINE, FULL_SHARE = 0.6, 0.5  # so many of its lines are at least so full
MOST_SPANNING = 0.4  # of the runs of a page may lie across the gutter of its columns
MOST_GUTTERS = 8  # looked at on a page, those first that the fewest runs lie across
LEAST_STARTS, ALIGNED_SHARE = 3, 0.7  # paragraphs of two columns that begin at one height
MOST_DEEP = 4  # columns in columns
MOST_RUNS = 5_000  # that columns and tables are looked for among


def arranged(runs: Sequence[Run]) -> str:
    """Write the runs as lines: columns one after the other, tables as rows between bars.

    A page of more than `MOST_RUNS` is a map or a plan: its lines go from top to bottom.

    Returns: lines, with a blank one between paragraphs; "" for no runs.
    """
    runs = [run for run in runs if run.text.strip()]
    if not runs:
        return ""
    if len(runs) > MOST_RUNS:
        return "\n".join(" ".join(run.text.strip() for run in line) for line in lines_of(runs))
    height = max(median(run.height for run in runs), 0.1)
    blocks = (_block(region, height) for region in _regions(runs, height))
    return "\n".join(block for block in blocks if block)


def _regions(runs: Sequence[Run], height: float, depth: int = 0) -> Iterator[list[Run]]:
    """Yield the parts of a page that are read from top to bottom, in their order."""
    gutter = _gutter(runs, height) if depth < MOST_DEEP else None
    if gutter is None:
        yield list(runs)
        return
    from_the_right = is_from_the_right(runs)
    for band, is_parted in _bands(runs, gutter, height):
        if not is_parted:
            yield band
            continue
        sides = _sides(band, gutter)
        for side in reversed(sides) if from_the_right else sides:
            if side:
                yield from _regions(side, height, depth + 1)


def _bands(runs: Sequence[Run], gutter: float, height: float) -> Iterator[tuple[list[Run], bool]]:
    """Part a page above and below what goes across its gutter: a heading, or a table.

    Yields: each band from the top, and whether it is parted into columns.
    """
    lines = sorted(lines_of(runs), key=lambda line: min(run.top for run in line))
    for is_across, band in groupby(lines, lambda line: any(_spans(run, gutter) for run in line)):
        if is_across:
            yield [run for line in band for run in line], False
            continue
        strips = list(_strips(band, height))
        are_rows = [_are_rows(strip, gutter, height) for strip in strips]
        # A line by itself may be how columns end.
        counted = groupby(zip(strips, are_rows, strict=True), lambda each: each[1])
        for is_table, parts in groupby(_long_enough(counted), lambda each: each[1]):
            yield [run for strip, _ in parts for line in strip for run in line], not is_table


def _long_enough(
    groups: Iterable[tuple[bool, Iterable[tuple[list[Line], bool]]]],
) -> Iterator[tuple[list[Line], bool]]:
    for is_table, group in groups:
        strips = [strip for strip, _ in group]
        long_enough = is_table and sum(map(len, strips)) >= TABLE_ROWS
        yield from ((strip, long_enough) for strip in strips)


def _strips(lines: Iterable[Line], height: float) -> Iterator[list[Line]]:
    """Part lines, from the top, where nothing stands from one side to the other."""
    strip: list[Line] = []
    bottom = float("inf")
    for line in lines:
        if strip and min(run.top for run in line) - bottom > PARAGRAPH_GAP * height:
            yield strip
            strip, bottom = [], float("-inf")
        strip.append(line)
        reached = max(run.bottom for run in line)
        bottom = reached if len(strip) == 1 else max(bottom, reached)
    if strip:
        yield strip


def _are_rows(strip: Sequence[Line], gutter: float, height: float) -> bool:
    """Tell whether a gutter of the page only happens to part the cells of a table here."""
    sides = _sides([run for line in strip for run in line], gutter)
    both = sum(all(_sides(line, gutter)) for line in strip)
    return both >= TABLE_SHARE * len(strip) and not any(_is_wordy(side, height) for side in sides)


def _sides(runs: Sequence[Run], gutter: float) -> tuple[list[Run], list[Run]]:
    return (
        [run for run in runs if run.right <= gutter],
        [run for run in runs if run.right > gutter],
    )


def _gutter(runs: Sequence[Run], height: float) -> float | None:
    """Find where the page is parted into columns of prose, if it is."""
    left, right = min(run.left for run in runs), max(run.right for run in runs)
    if len(runs) < 2 * LEAST_LINES or right - left < 2 * LEAST_WIDTH * height:
        return None
    margin = LEAST_WIDTH * height
    for x in _candidates(runs, least=left + margin, most=right - margin):
        before = [run for run in runs if run.right <= x]
        after = [run for run in runs if run.left >= x]
        if (
            _is_prose(before, height)
            and _is_prose(after, height)
            and _beside(before, after)
            and not _starts_align(before, after, height)
        ):
            return x
    return None


def _candidates(runs: Sequence[Run], *, least: float, most: float) -> list[float]:
    """Name the places left of where several runs begin, which the fewest runs lie across."""
    starts = Counter(round(run.left) for run in runs)
    places = [
        start - 0.5
        for start in sorted(starts)
        if least <= start <= most
        and sum(starts[near] for near in (start - 1, start, start + 1)) >= LEAST_LINES
    ]
    lefts, rights = sorted(run.left for run in runs), sorted(run.right for run in runs)
    spanning = {x: bisect_left(lefts, x) - bisect_right(rights, x) for x in places}
    fit = [x for x in places if spanning[x] <= MOST_SPANNING * len(runs)]
    return sorted(fit, key=lambda x: (spanning[x], x))[:MOST_GUTTERS]


def _is_prose(runs: Sequence[Run], height: float) -> bool:
    """Tell whether runs may be a column of running text: full lines, close together."""
    if len(runs) < LEAST_LINES or not _is_wordy(runs, height):
        return False
    widths = [run.width for run in runs]
    full = sum(width >= FULL_LINE * max(widths) for width in widths)
    gaps = [below.top - above.bottom for above, below in pairwise(_from_the_top(runs))]
    return full >= FULL_SHARE * len(runs) and median(gaps) <= PARAGRAPH_GAP * height


def _is_wordy(runs: Sequence[Run], height: float) -> bool:
    return (
        bool(runs)
        and median(run.width for run in runs) >= LEAST_WIDTH * height
        and median(len(run.text.split()) for run in runs) >= LEAST_WORDS
    )


def _beside(before: Sequence[Run], after: Sequence[Run]) -> bool:
    """Tell whether the two stand at one height, as columns do, and not one below the other."""
    top = max(min(run.top for run in before), min(run.top for run in after))
    bottom = min(max(run.bottom for run in before), max(run.bottom for run in after))
    shorter = min(_extent(before), _extent(after))
    return bottom - top >= 0.5 * shorter


def _starts_align(before: Sequence[Run], after: Sequence[Run], height: float) -> bool:
    """Tell whether paragraphs begin at the same heights on both sides, as rows of a form do."""
    left, right = _starts(before, height), _starts(after, height)
    if min(len(left), len(right)) < LEAST_STARTS:
        return False
    fewer, more = sorted((left, right), key=len)
    found = sum(any(abs(top - other) <= 0.3 * height for other in more) for top in fewer)
    return found >= ALIGNED_SHARE * len(fewer)


def _starts(runs: Sequence[Run], height: float) -> list[float]:
    pairs = pairwise(_from_the_top(runs))
    return [
        below.top for above, below in pairs if below.top - above.bottom > PARAGRAPH_GAP * height
    ]


def _from_the_top(runs: Sequence[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: run.middle)


def _extent(runs: Sequence[Run]) -> float:
    return max(run.bottom for run in runs) - min(run.top for run in runs)


def _spans(run: Run, x: float) -> bool:
    return run.left < x < run.right


def _block(runs: Sequence[Run], height: float) -> str:
    lines = lines_of(runs)
    cells = [cells_of(line, height) for line in lines]
    written: list[str] = []
    at = 0
    while at < len(lines):
        end = table_end(lines, cells, at, height=height)
        if at and gap(lines[at - 1], lines[at]) > PARAGRAPH_GAP * height:
            written.append("")
        if any(run.is_table for run in lines[at]):
            written.extend(["", *(run.text for run in lines[at]), ""])
        elif end > at:
            written.extend(["", *table(lines[at:end], cells[at:end], height), ""])
        else:
            written.append(" ".join(run.text.strip() for run in lines[at]))
        at = max(end, at + 1)
    return "\n".join(written).strip("\n")
