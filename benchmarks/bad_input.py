"""What becomes of files that are damaged, locked, huge, empty, mislabelled or made to do harm.

make bench NAME=bad_input [ARGS="--data DIR --all"]

They are handed in over HTTP, one by one, to a whole installation, while somebody searches. `--data`
has a bad_inputs.jsonl with the paths of bad files below its folder; files made to do harm are
added. `--all` takes every file of that folder, pictures of text among them, which takes long.
"""

import argparse
import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.datasets import DEFAULT
from benchmarks.up import Up, fresh_home, peak_of, services_of
from roadworthy.core.identity import Principal
from roadworthy.corpus.documents import ensure_corpus
from roadworthy.corpus.people import create_key, ensure_tenant, put_principal
from roadworthy.releases import BUILT_IN, add_release, make_live
from roadworthy.releases.records import DEFAULT as RELEASE
from tests.ingestion.hostile import HOSTILE

LIST = "bad_inputs.jsonl"
PATIENCE_S = 1800
ASK_EVERY_S = 0.5
SLOWEST_S = 5.0  # an answer that takes longer counts as none
READ = "read"


@dataclass(slots=True, kw_only=True)
class Watched:
    """How the service was while the files came."""

    asked: int = 0
    failed: int = 0
    slowest_s: float = 0.0
    processes: Counter[str] = field(default_factory=Counter)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--all", action="store_true", help="good files, too")
    options = parser.parse_args()
    files = dict(_files(options.data, everything=options.all))
    figures = asyncio.run(measure(files))
    _show(figures)
    print(json.dumps(figures))


async def measure(files: Mapping[str, bytes]) -> dict[str, object]:
    with fresh_home() as home:
        up = Up(home)
        up.start()
        up.wait_until_greeted()
        try:
            idle_mb = sum(up.resident_mb().values())
            settings = up.settings
            async with httpx.AsyncClient(
                base_url=up.url,
                headers={"authorization": f"Bearer {await _key(up)}"},
                timeout=60,
                trust_env=False,
            ) as client:
                before = _services(home)
                with peak_of(up) as peak:
                    began = time.perf_counter()
                    reasons, watched = await _handed_in(client, files)
                    seconds = time.perf_counter() - began
                restarted = before != _services(home)
        finally:
            up.stop()
    return {
        "files": reasons,
        "named": sum(bool(reason) for reason in reasons.values()),
        "unnamed": [name for name, reason in reasons.items() if not reason],
        "bugs": [name for name, reason in reasons.items() if "bug" in reason.lower()],
        "read": sum(reason.startswith(READ) for reason in reasons.values()),
        "searches_meanwhile": watched.asked,
        "searches_failed": watched.failed,
        "slowest_search_s": round(watched.slowest_s, 2),
        "services_restarted": restarted,
        "idle_rss_mb": round(idle_mb, 1),
        "peak_rss_mb": round(peak.total_mb, 1),
        "peak_by_process_mb": peak.by_process,
        # Two children, one for written and one for drawn pages.
        "bound_mb": round(idle_mb + 2 * settings.parse_memory_mb * 1.048576, 1),
        "seconds": round(seconds, 1),
    }


async def _handed_in(
    client: httpx.AsyncClient, files: Mapping[str, bytes]
) -> tuple[dict[str, str], Watched]:
    watched, ended = Watched(), asyncio.Event()
    watching = asyncio.create_task(_watch(client, watched, ended))
    reasons: dict[str, str] = {}
    waiting: dict[str, str] = {}
    for name, content in track(files.items(), "handing in", transient=True):
        told = await client.post(
            "/v1/documents", files={"file": (name, content)}, data={"name": name}
        )
        body = told.json()
        if told.status_code != httpx.codes.ACCEPTED:
            reasons[name] = f"{told.status_code}: {body.get('detail', '')}"
        elif body["data"][0]["outcome"] == "accepted":
            waiting[name] = body["data"][0]["document_id"]
        else:
            reasons[name] = f"{READ} ({body['data'][0]['outcome']})"
    reasons |= await _ended(client, waiting)
    ended.set()
    await watching
    return dict(sorted(reasons.items())), watched


async def _ended(client: httpx.AsyncClient, waiting: Mapping[str, str]) -> dict[str, str]:
    """Wait until each document is ready or not; give what is said of it."""
    reasons: dict[str, str] = {}
    until = time.perf_counter() + PATIENCE_S
    for name, document in track(waiting.items(), "reading", transient=True):
        while time.perf_counter() < until:
            found = (await client.get(f"/v1/documents/{document}")).json()
            if found["state"] != "pending":
                reasons[name] = await _told(client, found)
                break
            await asyncio.sleep(0.2)
        else:
            reasons[name] = ""
    return reasons


async def _told(client: httpx.AsyncClient, document: Mapping[str, Any]) -> str:
    state, problem = document["state"], document["problem"]
    if state == "ready":
        return " ".join([f"{READ}, {document['passages']} passages.", *document["notes"]])
    if not problem:
        told = (await client.get(f"/v1/documents/{document['id']}/verdicts")).json()
        kept = (each for each in told.get("verdicts", ()) if each["outcome"] == "quarantined")
        problem = " ".join(each["reason"] for each in kept)
    return problem and f"{state}: {problem}"


async def _watch(client: httpx.AsyncClient, watched: Watched, ended: asyncio.Event) -> None:
    while not ended.is_set():
        began = time.perf_counter()
        watched.asked += 1
        try:
            told = await client.post("/v1/search", json={"question": "What do they sell?"})
            is_answered = told.is_success
        except httpx.HTTPError:
            is_answered = False
        took = time.perf_counter() - began
        watched.slowest_s = max(watched.slowest_s, took)
        watched.failed += not is_answered or took > SLOWEST_S
        await asyncio.sleep(ASK_EVERY_S)


async def _key(up: Up) -> str:
    """Make a tenant of its own, and a person in it who may hand in."""
    async with services_of(up) as opened:
        async with opened.database.as_worker() as conn:
            tenant_id = await ensure_tenant(conn, "bad-input")
        async with opened.database.as_worker(tenant_id) as conn:
            await ensure_corpus(
                conn, tenant_id=tenant_id, name="main", space_id=opened.default_space.id
            )
            for name, release in BUILT_IN.items():
                await add_release(conn, tenant_id=tenant_id, name=name, release=release)
            await make_live(conn, tenant_id=tenant_id, name=RELEASE)
            ana = Principal(tenant_id=tenant_id, user_id="ana", groups=frozenset(), clearance=0)
            await put_principal(conn, ana)
            _, key = await create_key(conn, ana, valid_for=timedelta(days=1), may_ingest=True)
    return key


def _files(data: Path, *, everything: bool) -> Iterator[tuple[str, bytes]]:
    [listed] = data.rglob(LIST)
    folder = listed.parent
    if everything:
        paths = sorted(path for path in folder.rglob("files/**/*") if path.is_file())
    else:
        lines = listed.read_text("utf-8").splitlines()
        paths = [folder / json.loads(line)["file"] for line in lines]
    yield from ((str(path.relative_to(folder)), path.read_bytes()) for path in paths)
    for name, (made, _) in HOSTILE.items():
        yield f"hostile/{name}", made()
    yield from _mislabelled()


def _mislabelled() -> Iterator[tuple[str, bytes]]:
    yield "mislabelled/text.pdf", b"This is no PDF, but a text."
    yield "mislabelled/program.docx", b"\x7fELF\x02\x01\x01" + os.urandom(50_000)
    yield "mislabelled/archive.txt", b"PK\x05\x06" + bytes(18)
    yield "mislabelled/noise.txt", os.urandom(100_000)
    yield "mislabelled/page.pdf.exe", b"<!DOCTYPE html><html><body><p>A page of a site.</p></html>"
    yield "mislabelled/../../etc/passwd", b"A text with a name that leaves its folder."
    yield "huge/zeros.txt", bytes(60_000_000)
    yield "empty/nothing.txt", b""
    yield "empty/blank.txt", b" \n" * 1000


def _services(home: Path) -> frozenset[tuple[int, float]]:
    """Name the processes that are to stay: all but the parsers, which may die."""
    found = set()
    for process in psutil.process_iter(["pid", "create_time", "cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if str(home) in words and "parser_process" not in words and "postgres:" not in words:
            found.add((process.info["pid"], process.info["create_time"]))
    return frozenset(found)


def _show(figures: Mapping[str, object]) -> None:
    table = Table("file", "what became of it", title="bad input")
    reasons = figures["files"]
    assert isinstance(reasons, dict)
    for name, reason in reasons.items():
        table.add_row(name, reason or "?")
    Console().print(table)


if __name__ == "__main__":
    main()
