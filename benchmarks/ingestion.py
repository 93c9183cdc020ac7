"""How fast files become searchable: against the engine alone, against LangChain, as it grows.

make bench NAME=ingestion [ARGS="--data DIR --passages 20000"]

`--data` is a folder with PDFs and Office files below it. The peer is installed once, into an
environment of its own in the user's cache.
"""

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.datasets import DEFAULT
from benchmarks.peer import run_peer
from benchmarks.quality import Ingested, engine_rate
from benchmarks.stub_model import MODEL, stub_model
from benchmarks.up import Up, fresh_home, peak_of, services_of
from roadworthy.bootstrap import Services, services
from roadworthy.core.errors import Invalid
from roadworthy.core.sentences import sentences
from roadworthy.corpus.accepting import Upload, accept
from roadworthy.corpus.access import access
from roadworthy.corpus.documents import ensure_corpus
from roadworthy.corpus.people import ensure_tenant
from roadworthy.ingestion import KIND
from roadworthy.ingestion.parser_process import ParserProcess
from roadworthy.ingestion.records import NeedsRecognition
from roadworthy.installation import running_database
from roadworthy.plumbing import jobs
from roadworthy.plumbing.settings import load_settings
from roadworthy.worker.tokenizers import tokenizer_path

SUFFIXES = frozenset({".pdf", ".docx", ".pptx", ".xlsx"})
WINDOW = 1000  # passages between two looks at the clock
SENTENCES = 40  # of a made document
PATIENCE_S = 900

STATES = """
SELECT name, state,
       coalesce((SELECT string_agg(reason, ' ') FROM verdict
                  WHERE verdict.tenant_id = document.tenant_id
                    AND verdict.document_id = document.id AND outcome = 'quarantined'),
                problem) AS problem,
       (SELECT count(*) FROM passage WHERE passage.tenant_id = document.tenant_id
                                       AND passage.document_id = document.id) AS passages
  FROM document WHERE tenant_id = %s
"""
# Looked at often beside what is measured, so it must not count what grows.
LEFT = """
SELECT count(*) FROM job WHERE tenant_id = %(tenant_id)s AND state IN ('queued', 'running')
"""
GROWTH = """
SELECT extract(epoch FROM finished_at)::float, sum(passages) OVER (ORDER BY finished_at)::integer
  FROM (SELECT finished_at,
               (SELECT count(*) FROM passage WHERE passage.tenant_id = job.tenant_id
                                               AND passage.document_id = job.document_id)
               AS passages
          FROM job WHERE tenant_id = %(tenant_id)s AND finished_at IS NOT NULL) AS done
 ORDER BY finished_at
"""
LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of some files."""

    ingested: Ingested
    readable: Mapping[str, int]  # name -> passages
    failed: Mapping[str, str]  # name -> reason
    growth: Sequence[tuple[float, int]]  # seconds, passages searchable by then


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT, help="folder with PDFs and Office")
    parser.add_argument("--passages", type=int, default=20_000, help="to grow to")
    options = parser.parse_args()
    paths = sorted(p for p in options.data.rglob("*") if p.suffix.lower() in SUFFIXES)
    files = {str(p.relative_to(options.data)): p.read_bytes() for p in paths}
    figures = asyncio.run(measure(options.data, files, passages=options.passages))
    _show(figures)
    print(json.dumps(figures))


async def measure(data: Path, files: Mapping[str, bytes], *, passages: int) -> dict[str, object]:
    with fresh_home() as home:
        up = Up(home)
        up.start()
        up.wait_until_greeted()
        try:
            async with services_of(up) as opened:
                drawn = await asyncio.to_thread(_drawn, files)
                with peak_of(up) as peak:
                    real = await ingest(
                        opened,
                        {name: files[name] for name in files if name not in drawn},
                        label="with the engine",
                    )
                    # Recognition takes seconds a page; it would say nothing of the rest.
                    scanned = await ingest(
                        opened, {name: files[name] for name in drawn}, label="scanned"
                    )
                alone = await engine_rate(opened, real.ingested, texts=400)
                tokenizer = tokenizer_path(up.settings, opened.default_space)
        finally:
            up.stop()
        peer = _langchain([data / name for name in files])
        both = [name for name in real.readable if str(data / name) in peer]
        with fresh_home() as stubbed:
            async with _stubbed(stubbed, tokenizer) as opened:
                await ingest(opened, dict(list(files.items())[:5]), label="warm")
                common = {name: files[name] for name in both}
                ours = await ingest(opened, common, label="with a stub")
                grown = await ingest(opened, _made(data, passages), label="growing")
    peer_s = sum(peer[str(data / name)] for name in both)
    rate = real.ingested.passages / real.ingested.seconds
    return {
        "ingest_to_engine_ratio": round(rate / alone, 3) if real.readable else None,
        "pipeline_to_langchain_ratio": round(peer_s / ours.ingested.seconds, 2) if both else None,
        "peak_rss_mb": round(peak.total_mb, 1),
        "slowdown_1k_to_20k": _slowdown(grown.growth),
        "failed_files": dict(real.failed) | dict(scanned.failed),
        "files": len(files),
        "read_by_us": len(real.readable) + len(scanned.readable),
        "scanned_files": len(drawn),
        "scanned_s": round(scanned.ingested.seconds, 1) if drawn else None,
        "read_by_langchain": len(peer),
        "read_by_both": len(both),
        "files_per_s": round(len(real.readable) / real.ingested.seconds, 2),
        "passages_per_s": round(rate, 1),
        "engine_passages_per_s": round(alone, 1),
        "stubbed_s": round(ours.ingested.seconds, 2),
        "langchain_stubbed_s": round(peer_s, 2),
        "peak_by_process_mb": peak.by_process,
        "grown_to_passages": grown.ingested.passages,
        "stubbed_passages_per_s": round(grown.ingested.passages / grown.ingested.seconds, 1),
    }


def _drawn(files: Mapping[str, bytes]) -> list[str]:
    """Name the files with pages that have to be recognised."""
    parser, found = ParserProcess(), []
    for name, content in files.items():
        try:
            parser.parse(content, name=name)
        except NeedsRecognition:
            found.append(name)
        except Invalid:
            continue
    parser.close()
    return found


async def ingest(opened: Services, files: Mapping[str, bytes], *, label: str) -> Run:
    """Hand files in to a tenant of their own, and wait until the worker is through."""
    async with opened.database.as_worker() as conn:
        tenant_id = await ensure_tenant(conn, f"bench-{uuid.uuid4().hex[:8]}")
    async with opened.database.as_worker(tenant_id) as conn:
        corpus = await ensure_corpus(
            conn, tenant_id=tenant_id, name="main", space_id=opened.default_space.id
        )
    began = time.time()
    async with opened.database.as_worker(tenant_id) as conn:
        for name, content in files.items():
            upload = Upload(name=name, content=content, access=access(), owner="bench")
            receipt = await accept(conn, upload, tenant_id=tenant_id, corpus=corpus, by=None)
            if receipt.revision_id is not None:
                await jobs.enqueue(
                    conn,
                    tenant_id=tenant_id,
                    kind=KIND,
                    document_id=receipt.document_id,
                    revision_id=receipt.revision_id,
                )
    await _until_done(opened, tenant_id, total=len(files), label=label)
    async with opened.database.as_worker(tenant_id) as conn:
        rows = await (await conn.execute(STATES, (tenant_id,))).fetchall()
        done = await (await conn.execute(GROWTH, {"tenant_id": tenant_id})).fetchall()
    growth = [(at - began, passages) for at, passages in done]
    seconds, passages = growth[-1]
    return Run(
        ingested=Ingested(tenant_id=tenant_id, corpus=corpus, passages=passages, seconds=seconds),
        readable={name: count for name, state, _, count in rows if state == "ready"},
        failed={name: problem or state for name, state, problem, _ in rows if state != "ready"},
        growth=growth,
    )


async def _until_done(opened: Services, tenant_id: int, *, total: int, label: str) -> None:
    until = time.perf_counter() + PATIENCE_S
    with Progress(transient=True) as progress:
        bar = progress.add_task(label, total=total)
        while time.perf_counter() < until:
            async with opened.database.as_worker(tenant_id) as conn:
                [[left]] = await (await conn.execute(LEFT, {"tenant_id": tenant_id})).fetchall()
            progress.update(bar, completed=total - left)
            if not left:
                return
            await asyncio.sleep(LOOK_EVERY_S)
    raise RuntimeError(f"{label}: not through after {PATIENCE_S} s")


@asynccontextmanager
async def _stubbed(home: Path, tokenizer: Path | None):  # noqa: ANN202
    """Run PostgreSQL and a worker that embeds by the stub; yields services beside them."""
    with stub_model() as url:
        told = {
            "home": home,
            "embeddings_url": url,
            "chat_url": url,
            "embeddings_model": MODEL,
            "tokenizer_file": tokenizer,
        }
        settings = load_settings({}, overrides=told)
        environment = {f"ROADWORTHY_{name.upper()}": str(value) for name, value in told.items()}
        with running_database(settings) as urls:
            async with services(settings, urls=urls, engine=None) as opened:
                worker = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs
                    [sys.executable, "-m", "roadworthy.cli", "worker"],
                    env=os.environ | environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                try:
                    yield opened
                finally:
                    worker.terminate()
                    worker.wait(60)


def _langchain(paths: Sequence[Path]) -> dict[str, float]:
    """Let the peer ingest; the seconds of each file that it could read."""
    said = run_peer(
        "langchain",
        "langchain_ingest.py",
        told="".join(f"{path}\n" for path in paths),
        timeout_s=PATIENCE_S,
    )
    rows = [json.loads(line) for line in said.splitlines()]
    return {row["path"]: row["seconds"] for row in rows if row["passages"]}


def _made(data: Path, passages: int) -> dict[str, bytes]:
    """Make documents of random sentences, no two alike, of about as many passages as asked."""
    pool = [
        text[start:end]
        for path in sorted(data.rglob("corpus.jsonl"))
        for line in path.open(encoding="utf-8")
        for text in [json.loads(line)["text"]]
        for start, end in sentences(text)
        if 30 < end - start < 300
    ]
    chance = random.Random(3)  # noqa: S311
    pool = chance.sample(pool, min(len(pool), 50_000))
    each = 5.5  # passages that so many sentences become
    return {
        f"{number}.txt": " ".join(chance.sample(pool, SENTENCES)).encode()
        for number in range(round(passages / each) if pool else 0)
    }


def _slowdown(growth: Sequence[tuple[float, int]]) -> float | None:
    """Hold the last three windows of 1,000 passages against the first three."""
    marks: list[float] = []
    for seconds, passages in growth:
        while passages >= WINDOW * (len(marks) + 1):
            marks.append(seconds)
    windows = [later - earlier for earlier, later in pairwise(marks)]
    if len(windows) < 6:
        return None
    return round(statistics.median(windows[-3:]) / statistics.median(windows[:3]), 3)


def _show(figures: Mapping[str, object]) -> None:
    console = Console()
    table = Table("figure", "value", title="ingestion")
    for name, value in figures.items():
        if not isinstance(value, dict):
            table.add_row(name, str(value))
    console.print(table)
    failed = figures["failed_files"]
    assert isinstance(failed, dict)
    reasons = Table("file", "why it was not read")
    for name, reason in sorted(failed.items()):
        reasons.add_row(name, reason)
    console.print(reasons)


if __name__ == "__main__":
    main()
