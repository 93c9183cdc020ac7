"""Let one engine find the nearest vectors that a tenant's person may see.

Runs in an environment of its own (vectors.txt), without the product. Reads from standard input
what to do: {"folder", "peer", "visible": {per cent: how many classes are seen}, "k", "cell_s"},
where the folder holds the arrays of a made corpus. Writes one line, {"peer", "version", "how",
"build_s", "rss_mb", "cells": {per cent: {"ms", "ids"}}}, or {"peer", "problem"}. A cell holds
each question in order, fewer when its seconds are over.
"""

import gc
import importlib
import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import psutil
from corpus import Ask, Corpus, Engine, Question

MODULES = {
    "faiss": "faiss_graph",
    "usearch": "usearch_graphs",
    "qdrant-edge": "qdrant_shard",
    "lancedb": "lance_table",
    "chroma": "chroma_collection",
}
WARM_UP = 20  # questions


def main() -> None:
    told = json.load(sys.stdin)
    try:
        with tempfile.TemporaryDirectory(dir=told["folder"]) as scratch:
            found = measure(told, Path(told["folder"]), Path(scratch))
    except Exception as error:  # noqa: BLE001 - whatever an engine fails with is told
        found = {"problem": f"{type(error).__name__}: {error}"}
    print(json.dumps({"peer": told["peer"]} | found))


def measure(told: dict, folder: Path, scratch: Path) -> dict:
    def array(name: str) -> np.ndarray:
        return np.load(folder / f"{name}.npy")

    engine: Engine = importlib.import_module(MODULES[told["peer"]]).ENGINE
    clearances = list(told["visible"].values())
    corpus = Corpus(array("vectors"), array("tenants"), array("classes"), clearances)
    before = _rss_mb()
    began = time.perf_counter()
    ask = engine.build(corpus, scratch)
    build_s = time.perf_counter() - began
    cells = {}
    for percent, classes in told["visible"].items():
        asked = zip(array("questions"), array("asked_by").tolist(), strict=True)
        questions = [Question(vector, tenant, classes) for vector, tenant in asked]
        cells[percent] = _cell(ask, questions, k=told["k"], cell_s=told["cell_s"])
    return {
        "version": version(engine.package),
        "how": engine.how,
        "build_s": build_s,
        "rss_mb": _rss_mb() - before,
        "cells": cells,
    }


def _cell(ask: Ask, questions: list[Question], *, k: int, cell_s: float) -> dict:
    for question in questions[-WARM_UP:]:
        ask(question, k)
    ms, ids, until = [], [], time.perf_counter() + cell_s
    for question in questions:
        began = time.perf_counter()
        if began > until:
            break
        found = ask(question, k)
        ms.append((time.perf_counter() - began) * 1000)
        ids.append([int(each) for each in found])
    return {"ms": ms, "ids": ids}


def _rss_mb() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6


if __name__ == "__main__":
    main()
