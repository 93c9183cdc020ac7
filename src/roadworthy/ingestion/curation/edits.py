"""Change a text, and keep its pages where they belong."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from roadworthy.corpus.verdicts import Removal
from roadworthy.ingestion.curation.records import Edit
from roadworthy.ingestion.records import ParsedDocument


def edited(document: ParsedDocument, edits: Sequence[Edit]) -> ParsedDocument:
    """Apply edits that are in order and apart; pages begin and end where their text went."""
    if not edits:
        return document
    moved = _mover(edits)
    pages = tuple(replace(p, start=moved(p.start), end=moved(p.end)) for p in document.pages)
    kept = zip([0, *(edit.end for edit in edits)], [*(e.start for e in edits), None], strict=True)
    parts = [document.text[a:b] for a, b in kept]
    replacements = [edit.replacement for edit in edits]
    text = "".join(x for pair in zip(parts, [*replacements, ""], strict=True) for x in pair)
    return replace(document, text=text, pages=pages)


def removals(document: ParsedDocument, edits: Sequence[Edit]) -> list[Removal]:
    """Record what recorded edits take out of `document`, and where it stood in what is left."""
    moved = _mover(edits)
    starts = [page.start for page in document.pages]
    return [
        Removal(
            at=moved(edit.start),
            page=document.pages[max(bisect_right(starts, edit.start) - 1, 0)].number
            if starts
            else None,
            text=document.text[edit.start : edit.end].strip("\n"),
        )
        for edit in edits
        if edit.is_recorded
    ]


def _mover(edits: Sequence[Edit]) -> Callable[[int], int]:
    """Map offsets before to offsets after; one inside an edit goes to the edit's start."""
    assert all(a.end <= b.start for a, b in pairwise(edits)), "edits overlap"
    starts = [edit.start for edit in edits]
    shifts = [0, *accumulate(len(e.replacement) - (e.end - e.start) for e in edits)]

    def moved(offset: int) -> int:
        before = bisect_right(starts, offset)
        if before and offset < edits[before - 1].end:
            return edits[before - 1].start + shifts[before - 1]
        return offset + shifts[before]

    return moved
