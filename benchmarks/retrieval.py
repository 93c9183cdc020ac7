"""How good and how fast retrieval is, beside bounds and peers.

make bench NAME=retrieval [ARGS="--data DIR --sets 'scifact xquad_en' --sizes '20000 200000'"]

Quality is of real questions, through the whole product. Speed is of a corpus that is made: what
everybody who sees 100, 50, 5, .5 or 0 per cent of his tenant finds, against a look at each row.
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from benchmarks import cells, throughput, vector_peers
from benchmarks.datasets import DEFAULT, RetrievalSet, retrieval_sets
from benchmarks.field import K
from benchmarks.quality import RERANKED, SYSTEMS, Quality, ingest, judge
from benchmarks.up import Up, fresh_home, services_of
from roadworthy.core.intervals import gain_interval, mean_interval

# nDCG@10 that others reached: OGX with its hybrid search on the full corpus (published), and the
# best hybrid of BM25 and the same embedding model (measured; for PIAF on a sample of documents).
ANCHORS = {"scifact": 0.714, "xquad_en": 0.984, "xquad_es": 0.981, "piaf_fr": 0.857}
GAINS = (("hybrid", "bm25"), ("hybrid", "vector"), (RERANKED, "hybrid"))
PARTS = "cells throughput peers quality"


def main() -> None:
    options = _options()
    result: dict[str, object] = {}
    if "cells" in options.only:
        sizes = map(int, options.sizes.split())
        measured = [cells.measure(size, questions=options.asked) for size in sizes]
        result["cells"] = [asdict(cell) for found, _ in measured for cell in found]
        result["storage"] = [asdict(stored) for _, stored in measured]
    if "throughput" in options.only:
        phases = throughput.measure(options.at, questions=options.asked)
        result["throughput"] = [asdict(phase) for phase in phases]
    if "peers" in options.only:
        peers = vector_peers.measure(options.at, questions=options.asked, k=K)
        result["peers"] = [asdict(peer) for peer in peers]
    if "quality" in options.only:
        sets = retrieval_sets(
            options.data, most_questions=options.questions, most_documents=options.documents
        )
        named = options.sets.split()
        if unknown := {*named} - {data.name for data in sets}:
            raise SystemExit(f"There is no set {', '.join(sorted(unknown))} in {options.data}.")
        chosen = [data for data in sets if not named or data.name in named]
        result |= quality(chosen, candidates=options.candidates)
    print(json.dumps(result))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with retrieval sets")
    parser.add_argument("--questions", type=int, default=1000, help="most questions of a set")
    parser.add_argument("--documents", type=int, help="a sample of so many of each set")
    parser.add_argument("--sets", default="", help="names of sets; left out: all")
    parser.add_argument("--candidates", type=int, default=0, help="hits of a set that are reranked")
    parser.add_argument("--sizes", default="20000 200000 1000000", help="passages that are made")
    parser.add_argument("--asked", type=int, default=200, help="questions of each cell")
    parser.add_argument("--at", type=int, default=200_000, help="passages of throughput and peers")
    parser.add_argument("--only", default=PARTS, help="what is measured")
    return parser.parse_args()


def quality(sets: Sequence[RetrievalSet], *, candidates: int) -> dict[str, object]:
    """Tell how good rankings of real questions are."""
    with fresh_home() as home:
        up = Up(home, environ={"ROADWORTHY_RERANK_MODEL": "e5-small"} if candidates else {})
        judged = asyncio.run(_judged(up, sets, candidates=candidates))
    _show(judged)
    return {
        "ndcg10": {name: _intervals(q, "ndcg10") for name, q in judged.items()},
        "recall10": {name: _intervals(q, "recall10") for name, q in judged.items()},
        "anchors": {name: ANCHORS[name] for name in judged if name in ANCHORS},
    }


async def _judged(
    up: Up, sets: Sequence[RetrievalSet], *, candidates: int
) -> dict[str, dict[str, Quality]]:
    """Ingest each set as the product does, and ask all of its questions."""
    up.start()
    up.wait_until_greeted()
    try:
        async with services_of(up) as services:
            return {
                data.name: await judge(
                    services,
                    data,
                    await ingest(services, data, run=uuid4().hex[:6]),
                    candidates=candidates,
                )
                for data in sets
            }
    finally:
        up.stop()


def _intervals(quality: dict[str, Quality], figure: str) -> dict[str, dict[str, float] | None]:
    found = {system: mean_interval(getattr(each, figure)) for system, each in quality.items()}
    return {system: asdict(each) if each else None for system, each in found.items()}


def _show(quality: dict[str, dict[str, Quality]]) -> None:
    systems = list(next(iter(quality.values()), SYSTEMS))
    gains = [(new, old) for new, old in GAINS if {new, old} <= {*systems}]
    table = Table("nDCG@10", *systems, *(f"{new} over {old}" for new, old in gains), "anchor")
    for name, found in quality.items():
        table.add_row(
            name,
            *(str(mean_interval(found[system].ndcg10) or "-") for system in systems),
            *(
                str(gain_interval(found[old].ndcg10, found[new].ndcg10) or "-")
                for new, old in gains
            ),
            str(ANCHORS.get(name, "")),
        )
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
