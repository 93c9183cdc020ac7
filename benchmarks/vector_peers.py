"""The same vectors in other engines: each in a process of its own, filtered by its own means."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.made import VISIBLE, Made, make
from benchmarks.peer import run_peer

PEERS = ("faiss", "usearch", "qdrant-edge", "lancedb", "chroma")
PEER_S = 1_800  # for one engine, its build included
CELL_S = 60  # an engine that is slow answers as many questions as it can

Truth = Mapping[float, Sequence[NDArray[np.intp]]]  # per cent seen -> of each question, best first


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCell:
    """Searches by people who see one share of their tenant."""

    visible_pct: float
    questions: int  # that were asked
    p50_ms: float
    p95_ms: float
    recall10: float | None  # of the exact answer; None: nobody sees anything
    forbidden: int  # rows that the person may not see
    short: int  # rows that were missing though visible


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFound:
    """What an engine did; without cells, the problem says why."""

    peer: str
    passages: int
    version: str = ""
    how: str = ""  # is filtered
    build_s: float | None = None
    rss_mb: float | None = None  # that the process grew by, mapped files included
    cells: Sequence[PeerCell] = ()
    problem: str = ""


def measure(passages: int, *, questions: int, k: int) -> list[PeerFound]:
    """Let every engine index a made corpus and answer its questions; prints a table."""
    corpus = make(passages, questions=questions)
    with tempfile.TemporaryDirectory(prefix="roadworthy-bench-") as folder:
        found = ask_peers(corpus, folder=Path(folder), k=k, timeout_s=PEER_S)
    show(found)
    return found


def show(peers: Sequence[PeerFound]) -> None:
    """Print a row for each engine and share."""
    figures = ("p50_ms", "p95_ms", "recall10", "forbidden", "short")
    table = Table("engine", "visible", *figures, "build_s", "rss_mb")
    for peer in peers:
        if peer.problem:
            table.add_row(peer.peer, peer.problem)
        for cell in peer.cells:
            told = (str(getattr(cell, figure)) for figure in figures)
            size = (str(peer.build_s), str(peer.rss_mb))
            table.add_row(f"{peer.peer} {peer.version}", f"{cell.visible_pct:g} %", *told, *size)
    Console(width=120).print(table)


def ask_peers(
    made: Made, *, folder: Path, peers: Sequence[str] = PEERS, k: int, timeout_s: float
) -> list[PeerFound]:
    """Let engines index a corpus and answer its questions, one engine and one question at a time.

    Args:
        folder: is written to, and left to the caller.
        timeout_s: for one engine, its build included.
    """
    made.save(folder)
    told = {"folder": str(folder), "visible": VISIBLE, "k": k, "cell_s": CELL_S}
    said = {
        peer: _said(told | {"peer": peer}, timeout_s=timeout_s)
        for peer in track(peers, "peers", transient=True)
    }
    numbers = range(len(made.questions))
    truth = {percent: [made.nearest(n, percent, k) for n in numbers] for percent in VISIBLE}
    return [_found(made, peer, each, truth=truth) for peer, each in said.items()]


def _said(told: Mapping[str, object], *, timeout_s: float) -> dict:
    try:
        said = run_peer("vectors", "vector_search", told=json.dumps(told), timeout_s=timeout_s)
    except TimeoutExpired:
        return {"problem": f"not through after {timeout_s:.0f} s"}
    except CalledProcessError as error:
        # An engine that was killed for its memory, say; what fails by itself is told in the line.
        return {"problem": f"ended with {error.returncode}"}
    return json.loads(said.splitlines()[-1])


def _found(made: Made, peer: str, said: dict, *, truth: Truth) -> PeerFound:
    if "problem" in said:
        return PeerFound(peer=peer, passages=len(made.vectors), problem=said["problem"])
    return PeerFound(
        peer=peer,
        passages=len(made.vectors),
        version=said["version"],
        how=said["how"],
        build_s=round(said["build_s"], 1),
        rss_mb=round(said["rss_mb"], 1),
        cells=[
            _cell(made, float(percent), cell, truth=truth[float(percent)])
            for percent, cell in said["cells"].items()
        ],
    )


def _cell(made: Made, percent: float, said: dict, *, truth: Sequence[NDArray[np.intp]]) -> PeerCell:
    recalls, forbidden, short = [], 0, 0
    # The last questions are missing where the time was over.
    for question, (found, true) in enumerate(zip(said["ids"], truth, strict=False)):
        seen = made.visible(int(made.asked_by[question]), percent)
        forbidden += sum(not seen[number] for number in found)
        short += max(0, len(true) - len(set(found)))
        if len(true):
            recalls.append(len(set(true.tolist()) & set(found)) / len(true))
    return PeerCell(
        visible_pct=percent,
        questions=len(said["ids"]),
        p50_ms=round(float(np.percentile(said["ms"], 50)), 2),
        p95_ms=round(float(np.percentile(said["ms"], 95)), 2),
        recall10=round(float(np.mean(recalls)), 4) if recalls else None,
        forbidden=forbidden,
        short=short,
    )
