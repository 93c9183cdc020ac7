"""The whole product on this machine: start, memory, ingestion, overhead, quality.

make bench NAME=spine [ARGS="--data DIR --questions 1000 --sets 'scifact xquad_en'"]
"""

import argparse
import asyncio
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from benchmarks.datasets import DEFAULT, RetrievalSet, retrieval_sets
from benchmarks.load import ask_together
from benchmarks.quality import SYSTEMS, engine_rate, ingest, judge
from benchmarks.up import Up, fresh_home, services_of
from roadworthy.core.ranking_metrics import mean

USERS, QUESTIONS_EACH = 20, 25
PAUSE_S = 2.0  # that a person reads an answer before the next question, on average


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with retrieval sets")
    parser.add_argument("--questions", type=int, default=1000, help="most questions of a set")
    parser.add_argument("--sets", default="", help="names of sets; left out: all")
    options = parser.parse_args()
    sets = retrieval_sets(options.data, most_questions=options.questions)
    named = options.sets.split()
    sets = [data for data in sets if not named or data.name in named]
    with fresh_home() as home:
        result = asyncio.run(measure(Up(home), sets))
    print(json.dumps(result))


async def measure(up: Up, sets: list[RetrievalSet]) -> dict[str, object]:
    cold = up.start()
    up.wait_until_greeted()  # the rest of the sample corpus
    up.stop()
    warm = statistics.median(_restarted(up) for _ in range(3))
    up.start()
    try:
        resident = up.resident_mb()
        await ask_together(up.url, up.keys(), users=USERS, each=5, pause_s=0)  # warm
        load = await ask_together(
            up.url, up.keys(), users=USERS, each=QUESTIONS_EACH, pause_s=PAUSE_S
        )
        saturated = await ask_together(
            up.url, up.keys(), users=USERS, each=QUESTIONS_EACH, pause_s=0
        )
        resident_after = up.resident_mb()
        quality, ratios = await _quality(up, sets)
    finally:
        up.stop()
    figures: dict[str, object] = {
        "cold_start_s": round(cold, 2),
        "warm_start_s": round(warm, 2),
        "resident_mb": round(sum(resident.values()), 1),
        "resident_after_load_mb": round(sum(resident_after.values()), 1),
        "resident_by_process_mb": resident_after,
        "ingest_to_engine_ratio": _rounded(statistics.median(ratios.values()) if ratios else None),
        "ingest_to_engine_ratios": ratios,
        "overhead_p50_ms": load.overhead_p50_ms,
        "overhead_p99_ms": load.overhead_p99_ms,
        "load": asdict(load) | {"users": USERS, "mean_pause_s": PAUSE_S},
        "saturated": asdict(saturated) | {"users": USERS, "mean_pause_s": 0},
        "ndcg10": {n: _means({s: q[s].ndcg10 for s in q}) for n, q in quality.items()},
        "recall10": {n: _means({s: q[s].recall10 for s in q}) for n, q in quality.items()},
    }
    _show(figures)
    return figures


def _restarted(up: Up) -> float:
    seconds = up.start()
    up.stop()
    return seconds


async def _quality(up: Up, sets: list[RetrievalSet]) -> tuple[dict, dict[str, float]]:
    quality, ratios = {}, {}
    async with services_of(up) as services:
        for data in sets:
            ingested = await ingest(services, data, run=uuid4().hex[:6])
            # The machine's speed drifts: the engine alone is measured right beside.
            alone = await engine_rate(services, ingested, texts=200)
            ratios[data.name] = round(ingested.passages / ingested.seconds / alone, 3)
            quality[data.name] = await judge(services, data, ingested)
            print(
                f"{data.name}: {ingested.passages} passages in {ingested.seconds:.0f} s, "
                f"{ratios[data.name]:.2f} of the engine alone ({alone:.1f}/s)"
            )
    return quality, ratios


def _means(figures: dict[str, Sequence[float | None]]) -> dict[str, float | None]:
    return {system: _rounded(mean(values)) for system, values in figures.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _show(figures: dict) -> None:
    console = Console()
    table = Table("figure", "value", title="spine")
    for name, value in figures.items():
        if not isinstance(value, dict):
            table.add_row(name, str(value))
    console.print(table)
    table = Table("nDCG@10 / recall@10", *SYSTEMS)
    for name, systems in figures["ndcg10"].items():
        recall = figures["recall10"][name]
        table.add_row(name, *(f"{systems[s]} / {recall[s]}" for s in SYSTEMS))
    console.print(table)


if __name__ == "__main__":
    main()
