"""Delete half of 100 documents while 20 clients search: nothing of them is found after a receipt.

make bench NAME=deletion [ARGS="--clients 20 --seed 1"]

Each document holds a word of its own, a canary: in its name, its metadata and each paragraph. What
the clients are told is searched for the canaries of documents whose receipt had come before the
request began (`hits_after_receipt`), or before that part of the answer came (`hits_in_flight`).
Then every table, every file of the home and a restarted installation are searched. The same looks
find the canaries before the deletion, or they would prove nothing.
"""

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.remains import files_that_hold, tables_that_hold
from benchmarks.stub_model import MODEL, dawdling_writer
from benchmarks.up import Up, fresh_home
from roadworthy.plumbing.embedded_postgres import DATABASE, EmbeddedPostgres

DOCUMENTS, DELETED = 100, 50
TOPICS = ("harbour", "bakery", "railway", "orchard", "library", "museum", "stadium", "brewery")
CANARY = re.compile(r"zyqx\d+zyqx")
LONGEST = len("zyqx100zyqx")
RELEASES = ("extract", "slow")  # quoted sentences; a chat model that takes its time
PATIENCE_S = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with fresh_home() as home, dawdling_writer(CANARY) as url:
        up = Up(home, environ={"ROADWORTHY_CHAT_URL": url})
        up.start()
        up.wait_until_greeted()
        try:
            figures = asyncio.run(
                measure(up, clients=options.clients, chance=random.Random(options.seed))  # noqa: S311
            )
        finally:
            up.stop()
    _show(figures)
    print(json.dumps(figures))


def canary(number: int) -> str:
    return f"zyqx{number}zyqx"


@dataclass(slots=True, kw_only=True)
class Watch:
    """Which canaries were told to clients, and when that was after their receipt."""

    receipts: dict[str, float] = field(default_factory=dict)  # canary → when its receipt came
    told: set[str] = field(default_factory=set)
    answers: int = 0
    search_ms: list[float] = field(default_factory=list)
    after_receipt: list[str] = field(default_factory=list)
    in_flight: list[str] = field(default_factory=list)

    def look(self, text: str, *, what: str, began: float) -> None:
        for found in set(CANARY.findall(text)):
            self.told.add(found)
            received = self.receipts.get(found, float("inf"))
            if began > received:
                self.after_receipt.append(f"{what}: {found}")
            elif time.perf_counter() > received:
                self.in_flight.append(f"{what}: {found}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Somebody who asks, by any surface that tells something of documents."""

    http: httpx.AsyncClient
    headers: dict[str, str]
    watch: Watch

    async def call(self, method: str, path: str, *, body: object = None) -> str:
        """Call, and look at what is told piece by piece; gives all of it."""
        began, text = time.perf_counter(), ""
        async with self.http.stream(method, path, json=body, headers=self.headers) as response:
            async for piece in response.aiter_text():
                text += piece
                new = text[-len(piece) - LONGEST :]
                self.watch.look(new, what=f"{method} {path.split('?')[0]}", began=began)
        assert response.status_code < 500, (path, response.status_code, text)
        self.watch.answers += 1
        if path == "/v1/search":
            self.watch.search_ms.append((time.perf_counter() - began) * 1000)
        return text

    async def use(self, chance: random.Random) -> None:
        """Do one thing at random."""
        topic = chance.choice(TOPICS)
        question = f"Where does the {topic} plan keep its code word?"
        match chance.choices(("search", "answer", "chat", "list", "read"), (3, 6, 3, 1, 2))[0]:
            case "search":
                await self.call("POST", "/v1/search", body={"question": question, "limit": 50})
            case "answer":
                stream, release = chance.random() < 0.5, chance.choice(RELEASES)
                body = {"question": question, "stream": stream, "release": release}
                await self.call("POST", "/v1/answers", body=body)
            case "chat":
                said = [{"role": "user", "content": question}]
                body = {"messages": said, "model": "slow", "stream": chance.random() < 0.5}
                await self.call("POST", "/v1/chat/completions", body=body)
            case "list":
                await self.call("GET", "/v1/documents?limit=200")
            case _:
                traces = json.loads(await self.call("GET", "/v1/traces?limit=20"))["data"]
                for trace in traces[:3]:
                    await self.call("GET", f"/v1/traces/{trace['id']}")


async def measure(up: Up, *, clients: int, chance: random.Random) -> dict[str, object]:
    owner, reader = prepare(up)
    chosen = chance.sample(range(DOCUMENTS), DELETED)
    gone = [canary(number) for number in chosen]
    words = [canary(number) for number in range(DOCUMENTS)]
    remaining = [word for word in words if word not in gone]
    watch = Watch()
    figures: dict[str, object] = {"documents": DOCUMENTS, "clients": clients}
    async with _http(up, connections=clients + 4) as http:
        client = Client(http=http, headers=_headers(reader), watch=watch)
        ids = await hand_in(http, owner)
        figures["found_before"] = await found(client, TOPICS, expected=words)
        async with using([client] * clients, chance):
            await asyncio.sleep(3)  # answers, traces and vectors in memory that tell of them
            figures |= remains(up, gone, when="before")
            figures |= await delete_all(
                http, owner, documents={canary(n): ids[n] for n in chosen}, watch=watch
            )
            await asyncio.sleep(5)
        figures |= remains(up, gone, when="after")
        _run(up, "deletion", "purge")
        figures |= remains(up, gone, when="purged")
        figures["found_after"] = await found(client, words, expected=remaining)
    up.stop()
    up.start()
    async with _http(up, connections=1) as http:
        client = Client(http=http, headers=_headers(reader), watch=watch)
        figures["found_after_restart"] = await found(client, words, expected=remaining)
    return figures | {
        "deleted": len(watch.receipts),
        "answers": watch.answers,
        "search_p50_ms": round(median(watch.search_ms), 1),
        "hits_after_receipt": len(watch.after_receipt),
        "hits_in_flight": len(watch.in_flight),
        "where": sorted({*watch.after_receipt, *watch.in_flight})[:10],
    }


@asynccontextmanager
async def using(clients: Sequence[Client], chance: random.Random) -> AsyncIterator[None]:
    """Let clients do one thing after the other while the block runs."""
    stopped = asyncio.Event()

    async def use(client: Client) -> None:
        while not stopped.is_set():
            await client.use(chance)

    tasks = [asyncio.create_task(use(each)) for each in clients]
    try:
        yield
    finally:
        stopped.set()
        await asyncio.gather(*tasks)


def prepare(up: Up) -> tuple[str, str]:
    """Add the slow release; gives the keys of an owner and of a reader."""
    release = {"answerer": "generate", "model": MODEL, "prompt": "answer-1"}
    written = up.home / "slow.json"
    written.write_text(json.dumps(release))
    _run(up, "release", "add", str(written), "--name", "slow")
    return _run(up, "key", "create", "--user", "owner"), _run(
        up, "key", "create", "--user", "reader"
    )


async def hand_in(http: httpx.AsyncClient, key: str) -> list[str]:
    """Hand in the documents, wait until they are searchable, and give their ids."""
    ids = []
    for number in range(DOCUMENTS):
        topic, word = TOPICS[number % len(TOPICS)], canary(number)
        paragraphs = [
            f"The {topic} plan {number} keeps its code word {word} in drawer {part}. " * 3
            for part in range(4)
        ]
        response = await http.post(
            "/v1/documents",
            files={"file": (f"{topic}-{word}.md", "\n\n".join(paragraphs).encode())},
            data={"metadata": json.dumps({"note": word})},
            headers=_headers(key),
        )
        assert response.status_code == 202, response.text
        ids.append(response.json()["data"][0]["document_id"])
    until = time.monotonic() + PATIENCE_S
    while not all([await _is_ready(http, key, each) for each in ids[-20:]]):
        assert time.monotonic() < until
        await asyncio.sleep(0.5)
    assert all([await _is_ready(http, key, each) for each in ids])
    return ids


async def delete_all(
    http: httpx.AsyncClient, key: str, *, documents: dict[str, str], watch: Watch
) -> dict[str, object]:
    """Delete one document after the other, each by its canary; says how long receipts took."""
    took = []
    for word, document in documents.items():
        await asyncio.sleep(random.uniform(0, 0.2))  # noqa: S311
        took.append(await delete(http, key, document, watch=watch, word=word))
    return {"delete_p50_ms": round(median(took), 1), "delete_max_ms": round(max(took), 1)}


async def delete(
    http: httpx.AsyncClient, key: str, document: str, *, watch: Watch, word: str
) -> float:
    """Delete, wait until the receipt is finished, and give the milliseconds."""
    began = time.perf_counter()
    response = await http.delete(f"/v1/documents/{document}", headers=_headers(key))
    receipt = response.raise_for_status().json()
    while receipt["finished_at"] is None:
        path = f"/v1/deletions/{receipt['id']}"
        receipt = (await http.get(path, headers=_headers(key))).raise_for_status().json()
    watch.receipts[word] = time.perf_counter()
    return (watch.receipts[word] - began) * 1000


def remains(up: Up, words: Sequence[str], *, when: str) -> dict[str, int]:
    """Count the tables and the files that hold one of `words`.

    What PostgreSQL compresses is not seen in its files: names, metadata and passages are plain.
    """
    superuser, data = _superuser(up), up.home / "postgres"
    tables = tables_that_hold(superuser, *words)
    with psycopg.connect(superuser, autocommit=True) as conn:
        conn.execute("CHECKPOINT")  # what is in memory alone is then in the files
    files = [each for each in up.home.rglob("*") if each.is_file()]
    ours = [each for each in files if data not in each.parents]
    return {
        f"tables_{when}": len(tables),
        f"table_files_{when}": len(files_that_hold((data / "base").rglob("*"), words)),
        f"wal_files_{when}": len(files_that_hold((data / "pg_wal").rglob("*"), words)),
        f"other_files_{when}": len(files_that_hold(ours, words)),
    }


async def found(client: Client, words: Sequence[str], *, expected: Sequence[str]) -> int:
    """Ask for each word by itself, and count the canaries that are told of those expected."""
    told = ""
    for word in words:
        body = {"question": f"Where does the {word} plan keep its code word?", "limit": 50}
        told += await client.call("POST", "/v1/search", body=body)
    return len(set(CANARY.findall(told)) & set(expected))


async def _is_ready(http: httpx.AsyncClient, key: str, document: str) -> bool:
    response = await http.get(f"/v1/documents/{document}", headers=_headers(key))
    return response.raise_for_status().json()["state"] == "ready"


def _run(up: Up, *words: str) -> str:
    command = [sys.executable, "-m", "roadworthy.cli", "--home", str(up.home), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _superuser(up: Up) -> str:
    return EmbeddedPostgres(up.home).superuser_url(DATABASE)


def _http(up: Up, *, connections: int) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    return httpx.AsyncClient(base_url=up.url, timeout=60, limits=limits)


def _headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _show(figures: dict[str, object]) -> None:
    table = Table("figure", "value", title="deletion")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)


if __name__ == "__main__":
    main()
