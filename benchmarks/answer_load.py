"""The answer path under load, before a model that costs nothing: what is left is our own work.

make bench NAME=answer-load [ARGS="--requests 5000 --only 'overhead goodput'"]

The fake provider writes the answers (docs/fake-provider.md). Its models' names say how long that
takes, so that what takes longer is the work of whoever stands before it. Everything runs on this
machine, the load included.
"""

import argparse
import asyncio
import json
from collections.abc import Mapping
from functools import partial

from rich.console import Console
from rich.table import Table

from benchmarks.desk_under_load import Desk, opened_desk
from benchmarks.leaving import leave, patient
from benchmarks.overhead import beside_litellm, of_tracing, with_retrieval
from benchmarks.overload import goodput, memory
from tests.fake_provider import running_fake_provider

PARTS = ("overhead", "ratio", "tracing", "goodput", "memory", "leaving")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=50_000, help="over which memory is flat")
    parser.add_argument("--clients", type=int, default=1_000, help="who leave in mid-stream")
    parser.add_argument("--only", default=" ".join(PARTS), help="some of these parts")
    options = parser.parse_args()
    chosen = options.only.split()
    with running_fake_provider() as provider:
        figures: dict[str, object] = {}
        if set(chosen) - {"leaving"}:
            with opened_desk(provider) as desk:
                figures |= asyncio.run(_measure(desk, chosen, requests=options.requests))
        if "leaving" in chosen:
            with opened_desk(provider, patient(options.clients)) as desk:
                figures |= asyncio.run(leave(desk, clients=options.clients))
    _show(figures)
    print(json.dumps(figures))


async def _measure(desk: Desk, chosen: list[str], *, requests: int) -> dict[str, object]:
    measures = {
        "overhead": with_retrieval,
        "ratio": beside_litellm,
        "tracing": of_tracing,
        "goodput": goodput,
        "memory": partial(memory, requests=requests),
    }
    figures: dict[str, object] = {}
    for name, measure in measures.items():
        if name in chosen:
            found = await measure(desk)
            print(f"{name}: {found}", flush=True)
            figures |= found
    return figures


def _show(figures: Mapping[str, object]) -> None:
    table = Table("figure", "value", title="answer-load")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
