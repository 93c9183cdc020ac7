"""How many hybrid searches a second, while documents are written and large tenants move.

make bench NAME=retrieval ARGS="--only throughput"

Searchers ask one question after the other, each as a person who sees 50, 5 or .5 per cent of his
tenant. A worker publishes meanwhile, and in two phases every large tenant moves to a partition
with an index, and back.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.field import Asked, Field, asked, find, made_field
from benchmarks.writing import writer
from roadworthy.corpus.moving import arrange_places

SEEN = (50.0, 5.0, 0.5)  # per cent
SEARCHERS = (1, 8, 32)
WHILE_MOVING = 8
PHASE_S = 20
NEVER = 10**9  # passages that no tenant has: all go back


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """Searches at once, and what went on beside them."""

    passages: int
    beside: str  # writing; moving away, moving back: as well
    searchers: int
    seconds: float
    searches_a_s: float
    p50_ms: float
    p95_ms: float
    recall10: float
    forbidden: int
    short: int
    documents_written: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    ms: float
    recall: float
    forbidden: int
    short: int


def measure(passages: int, *, questions: int) -> list[Phase]:
    """Search a made corpus in each phase; prints a table."""
    found = asyncio.run(_measure(passages, questions=questions))
    figures = list(Phase.__slots__)
    table = Table(*figures)
    for each in found:
        table.add_row(*(str(getattr(each, figure)) for figure in figures))
    Console(width=140).print(table)
    return found


async def _measure(passages: int, *, questions: int) -> list[Phase]:
    async with made_field(passages, questions=questions) as field:
        numbers = track(range(questions), "truth", transient=True)
        each_asked = [asked(field, number, percent) for number in numbers for percent in SEEN]
        each_asked = [each for each in each_asked if each.truth["hybrid"]]

        async def phase(beside: str, searchers: int, going_on: Awaitable[object]) -> Phase:
            return await _phase(
                field, each_asked, beside=beside, searchers=searchers, going_on=going_on
            )

        def moving(**kwargs: int) -> Awaitable[object]:
            return arrange_places(field.database, owner_url=field.owner_url, report=print, **kwargs)

        away = await phase("moving away", WHILE_MOVING, moving())
        still = [await phase("writing", each, asyncio.sleep(PHASE_S)) for each in SEARCHERS]
        back = await phase("moving back", WHILE_MOVING, moving(most=NEVER))
        return [*still, away, back]


async def _phase(
    field: Field,
    questions: Sequence[Asked],
    *,
    beside: str,
    searchers: int,
    going_on: Awaitable[object],
) -> Phase:
    """Search while something goes on, until it is over."""
    waiting, over, done = cycle(questions), asyncio.Event(), list[_Search]()

    async def searcher() -> None:
        while not over.is_set():
            done.append(await _searched(field, next(waiting)))

    with writer(field) as written:
        while not written.documents.value:  # noqa: ASYNC110 (of another process)
            await asyncio.sleep(0.1)
        began, before = time.perf_counter(), written.documents.value
        async with asyncio.TaskGroup() as group:
            for _ in range(searchers):
                group.create_task(searcher())
            await going_on
            over.set()
        seconds = time.perf_counter() - began
        documents = written.documents.value - before
    took = [each.ms for each in done]
    return Phase(
        passages=len(field.corpus.vectors),
        beside=beside,
        searchers=searchers,
        seconds=round(seconds, 1),
        searches_a_s=round(len(done) / seconds, 1),
        p50_ms=round(float(np.percentile(took, 50)), 2),
        p95_ms=round(float(np.percentile(took, 95)), 2),
        recall10=round(float(np.mean([each.recall for each in done])), 4),
        forbidden=sum(each.forbidden for each in done),
        short=sum(each.short for each in done),
        documents_written=documents,
    )


async def _searched(field: Field, each: Asked) -> _Search:
    began = time.perf_counter()
    found = await find(field, each, part="hybrid")
    ms = (time.perf_counter() - began) * 1000
    seen = field.corpus.visible(each.tenant, each.percent)
    truth = each.truth["hybrid"]
    return _Search(
        ms=ms,
        recall=len(set(truth) & set(found)) / len(truth),
        # What was written since is nobody's of these to see either.
        forbidden=sum(number >= len(seen) or not seen[number] for number in found),
        short=max(0, len(truth) - len(found)),
    )
