"""How fast and how right searches are at a size, for people who see more or less of it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import storage
from benchmarks.field import Asked, Field, asked, find, made_field, unjudged
from benchmarks.made import VISIBLE
from benchmarks.storage import Storage

PARTS = ("vector", "bm25", "hybrid")
WARMING = 500  # other questions, before those that count


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Searches of one kind, by people who see one share of their tenant."""

    passages: int
    visible_pct: float
    part: str  # vector, bm25, hybrid
    p50_ms: float
    p95_ms: float
    recall10: float | None  # of the exact answer; None: nobody sees anything
    forbidden: int  # rows that the person may not see
    short: int  # rows that were missing though visible


def measure(passages: int, *, questions: int) -> tuple[list[Cell], Storage]:
    """Make a corpus of a size, and search it as people who see more or less of it."""
    found, stored = asyncio.run(_measure(passages, questions=questions))
    show(found)
    storage.show(stored)
    return found, stored


def show(found: Sequence[Cell]) -> None:
    """Print a row for each cell."""
    figures = ("p50_ms", "p95_ms", "recall10", "forbidden", "short")
    table = Table("passages", "visible", "part", *figures)
    for each in found:
        told = (str(getattr(each, figure)) for figure in figures)
        table.add_row(f"{each.passages:,}", f"{each.visible_pct:g} %", each.part, *told)
    Console(width=120).print(table)


async def _measure(passages: int, *, questions: int) -> tuple[list[Cell], Storage]:
    async with made_field(passages, questions=questions + WARMING) as field:
        stored = await storage.arrange(field)
        found = []
        for percent in VISIBLE:
            numbers = track(range(questions), f"truth, {percent} %", transient=True)
            all_asked = [asked(field, number, percent) for number in numbers]
            others = [unjudged(field, questions + number, percent) for number in range(WARMING)]
            found += [await cell(field, all_asked, part=part, before=others) for part in PARTS]
        return found, replace(stored, search_mb=round(storage.server_mb(field), 1))


async def cell(
    field: Field, questions: Sequence[Asked], *, part: str, before: Sequence[Asked]
) -> Cell:
    """Search for each question, and compare with the truth.

    Args:
        before: other questions, which are asked first: a server that has run for a while holds what
            searches of it read.
    """
    for each in track(before, f"warm, {part}", transient=True):
        await find(field, each, part=part)
    took, recalls, forbidden, short = [], [], 0, 0
    for each in questions:
        began = time.perf_counter()
        found = await find(field, each, part=part)
        took.append((time.perf_counter() - began) * 1000)
        seen = field.corpus.visible(each.tenant, each.percent)
        forbidden += sum(not seen[number] for number in found)
        truth = each.truth[part]
        short += max(0, len(truth) - len(found))
        if truth:
            recalls.append(len(set(truth) & set(found)) / len(truth))
    return Cell(
        passages=len(field.corpus.vectors),
        visible_pct=questions[0].percent,
        part=part,
        p50_ms=round(float(np.percentile(took, 50)), 2),
        p95_ms=round(float(np.percentile(took, 95)), 2),
        recall10=round(float(np.mean(recalls)), 4) if recalls else None,
        forbidden=forbidden,
        short=short,
    )
