"""How good and how fast retrieval is, beside bounds and peers.

make bench NAME=retrieval [ARGS="--data DIR --questions 1000 --sets 'scifact xquad_en'"]
"""

import argparse
import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from benchmarks.datasets import DEFAULT, RetrievalSet, retrieval_sets
from benchmarks.quality import SYSTEMS, Quality, ingest, judge
from benchmarks.up import Up, fresh_home, services_of
from roadworthy.core.intervals import Interval, gain_interval, mean_interval

# nDCG@10 that others reached: OGX with its hybrid search on the full corpus (published), and the
# best hybrid of BM25 and the same embedding model on a sample of the corpus (measured).
ANCHORS = {"scifact": 0.714, "xquad_en": 0.984, "xquad_es": 0.981, "piaf_fr": 0.857}
PARTS = ("bm25", "vector")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with retrieval sets")
    parser.add_argument("--questions", type=int, default=1000, help="most questions of a set")
    parser.add_argument("--sets", default="", help="names of sets; left out: all")
    options = parser.parse_args()
    named = options.sets.split()
    sets = [
        data
        for data in retrieval_sets(options.data, most_questions=options.questions)
        if not named or data.name in named
    ]
    with fresh_home() as home:
        quality = asyncio.run(measure(Up(home), sets))
    _show(quality)
    print(
        json.dumps(
            {
                "ndcg10": {n: _intervals(q, "ndcg10") for n, q in quality.items()},
                "recall10": {n: _intervals(q, "recall10") for n, q in quality.items()},
                "anchors": {name: ANCHORS[name] for name in quality if name in ANCHORS},
            }
        )
    )


async def measure(up: Up, sets: list[RetrievalSet]) -> dict[str, dict[str, Quality]]:
    """Ingest each set as the product does, and ask all of its questions."""
    up.start()
    up.wait_until_greeted()
    try:
        async with services_of(up) as services:
            return {
                data.name: await judge(
                    services, data, await ingest(services, data, run=uuid4().hex[:6])
                )
                for data in sets
            }
    finally:
        up.stop()


def _intervals(quality: dict[str, Quality], figure: str) -> dict[str, dict[str, float] | None]:
    found = {system: mean_interval(getattr(quality[system], figure)) for system in SYSTEMS}
    return {system: asdict(each) if each else None for system, each in found.items()}


def _show(quality: dict[str, dict[str, Quality]]) -> None:
    table = Table("nDCG@10 (95 %)", *SYSTEMS, *(f"gain over {part}" for part in PARTS), "anchor")
    for name, systems in quality.items():
        hybrid = systems["hybrid"].ndcg10
        table.add_row(
            name,
            *(_told(mean_interval(systems[system].ndcg10)) for system in SYSTEMS),
            *(_told(gain_interval(systems[part].ndcg10, hybrid)) for part in PARTS),
            str(ANCHORS.get(name, "")),
        )
    Console(width=160).print(table)


def _told(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


if __name__ == "__main__":
    main()
