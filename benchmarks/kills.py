"""Whether kill -9 at any moment loses or doubles a document, over each transport.

make bench NAME=kills [ARGS="--transports rabbitmq --kills 50 --documents 200"]

A whole installation reads documents while its worker, the worker's parser, the relay and the
broker (of the first transport: PostgreSQL itself) are killed at random. A document that says that
it is ready is searched for at that moment. Each transport has an installation of its own.
"""

import argparse
import json
import os
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import fpdf
import httpx
import psutil
import psycopg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.up import Up, fresh_home
from roadworthy.installation import attached_installation
from tests.brokers import Broker, running_kafka, running_rabbitmq

TRANSPORTS = ("postgresql", "rabbitmq", "kafka")
AHEAD = 16  # documents that are handed in before the first kill
PAUSE_S = (0.1, 1.0)  # between two kills
OUTAGE_S = (0.0, 3.0)  # of a broker
LOOK_EVERY_S = 0.2
PATIENCE_S = 600.0
SENTENCES = 40
WHO = ("fitter", "welder", "driver", "storekeeper", "inspector", "apprentice", "planner", "cook")
DID = ("checked", "repaired", "ordered", "painted", "moved", "weighed", "cleaned", "returned")
WHAT = ("crane", "ladder", "pump", "boiler", "trolley", "gearbox", "compressor", "lamp", "fence")
WHERE = ("behind the hall", "at the quay", "in the yard", "near the gate", "under the roof")

TENANT = """
SELECT set_config('roadworthy.tenant', id::text, false) FROM tenant ORDER BY id LIMIT 1
"""
DONE_ONCE = """
SELECT document.id, state = 'ready' AND version = 1
       AND 1 = (SELECT count(*) FROM revision
                 WHERE revision.document_id = document.id AND revision.state = 'ready')
       AND 1 = (SELECT count(*) FROM job WHERE job.document_id = document.id)
       AND (SELECT count(*) > 0 AND count(*) = count(DISTINCT ordinal)
                   AND count(*) = max(ordinal) + 1
              FROM passage WHERE passage.document_id = document.id)
       AND NOT EXISTS (SELECT FROM passage
                        WHERE passage.document_id = document.id
                          AND 1 <> (SELECT count(*) FROM embedding WHERE passage_id = passage.id))
  FROM document WHERE id = ANY (%s)
"""
COUNTED = """
SELECT (SELECT sum(passages) FROM passage_count) = (SELECT count(*) FROM passage)
"""
ATTEMPTS = "SELECT max(attempts) FROM job WHERE document_id = ANY (%s)"


@dataclass(slots=True, kw_only=True)
class Client:
    """A person with a key, who calls again after an outage, as clients do."""

    url: str
    key: str

    def call(self, method: str, path: str, **request: object) -> dict:
        until = time.monotonic() + PATIENCE_S
        while True:
            headers = {"authorization": f"Bearer {self.key}"}
            try:
                response = httpx.request(
                    method, self.url + path, headers=headers, timeout=60, **request
                )
            except httpx.TransportError as error:
                said = str(error)
            else:
                if response.is_success:
                    return response.json()
                said = response.text
                assert response.status_code in {429, 503}, said
            assert time.monotonic() < until, said
            time.sleep(0.1)


@dataclass(slots=True, kw_only=True)
class Load:
    """Documents that are handed in while `kills` go on, and what became of them."""

    client: Client
    documents: int
    kills: int
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:6])
    killed: Counter[str] = field(default_factory=Counter)
    accepted: dict[str, int] = field(default_factory=dict)  # id -> number
    ready: dict[str, bool] = field(default_factory=dict)  # id -> was found at that moment
    failed: dict[str, str] = field(default_factory=dict)

    def word(self, number: int) -> str:
        return f"zq{self.run}{number:03}"

    def hand_in(self) -> None:
        """Hand documents in, in step with the kills."""
        for number in range(self.documents):
            while number >= AHEAD + self.killed.total() * self.documents / self.kills:
                time.sleep(0.02)
            content = text_of(self.word(number))
            name = f"{self.word(number)}.txt"
            if number % 2:
                name, content = f"{self.word(number)}.pdf", pdf_of(content)
            handed = self.client.call(
                "POST",
                "/v1/documents",
                files={"file": (name, content if number % 2 else content.encode())},
                data={"groups": ["everyone"]},
            )
            self.accepted[handed["data"][0]["document_id"]] = number

    def watch(self) -> None:
        """Search for each document at the moment it says that it is ready."""
        until = time.monotonic() + PATIENCE_S
        while len(self.ready) + len(self.failed) < self.documents:
            assert time.monotonic() < until, f"{len(self.ready)} of {self.documents} are ready"
            for each in list(self.accepted):
                if each not in self.ready and each not in self.failed:
                    self._look_at(each)
            time.sleep(LOOK_EVERY_S)

    def is_found(self, document: str) -> bool:
        word = self.word(self.accepted[document])
        asked = {"question": f"What does the gauge {word} say?", "limit": 50}
        hits = self.client.call("POST", "/v1/search", json=asked)["hits"]
        ours = [hit["text"] for hit in hits if hit["document_id"] == document]
        return len(ours) == len(set(ours)) > 0

    def _look_at(self, document: str) -> None:
        told = self.client.call("GET", f"/v1/documents/{document}")
        if told["state"] == "ready":
            self.ready[document] = self.is_found(document)
        elif told["state"] != "pending":
            self.failed[document] = f"{told['state']}: {told['problem']}"


def text_of(word: str, *, sentences: int = SENTENCES) -> str:
    """Write a report that is like no other, or it would be kept back as a near duplicate."""
    chance = random.Random(word)  # noqa: S311
    told = (
        f"The {chance.choice(WHO)} {chance.choice(DID)} the {chance.choice(WHAT)} "
        f"{chance.choice(WHERE)} on day {chance.randrange(1000)} of shift {chance.randrange(1000)}."
        for _ in range(sentences)
    )
    return f"The gauge {word} says {chance.randrange(10_000)}.\n\n" + " ".join(told)


def pdf_of(text: str) -> bytes:
    document = fpdf.FPDF()
    document.add_page()
    document.set_font("Helvetica", size=11)
    document.multi_cell(0, 6, text)
    return bytes(document.output())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--transports", nargs="+", choices=TRANSPORTS, default=TRANSPORTS)
    parser.add_argument("--kills", type=int, default=50, help="over each transport")
    parser.add_argument("--documents", type=int, default=200, help="over each transport")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    found = {
        transport: measure(
            transport, kills=options.kills, documents=options.documents, seed=options.seed
        )
        for transport in options.transports
    }
    table = Table("figure", *found, title="kills")
    for name in next(iter(found.values())):
        table.add_row(name, *(str(each[name]) for each in found.values()))
    Console().print(table)
    sums = {
        name: sum(each[name] for each in found.values())
        for name in ("kills", "documents", "lost", "doubled", "ready_but_not_found")
    }
    print(json.dumps(sums | found))


def measure(transport: str, *, kills: int, documents: int, seed: int) -> dict:
    with fresh_home() as home, broker_of(transport) as broker:
        up = Up(home, environ={"ROADWORTHY_BROKER_URL": broker.url} if broker else {})
        up.start()
        try:
            up.wait_until_greeted()
            if broker:
                broker.settle()
            load = Load(
                client=Client(url=up.url, key=up.keys()[-1]), documents=documents, kills=kills
            )
            began = time.perf_counter()
            chance = random.Random(seed)  # noqa: S311
            disturb(load, up, broker=broker, chance=chance, title=transport)
            return {
                "kills": load.killed.total(),
                "documents": len(load.accepted),
                **verdict(load, up),
                "seconds": round(time.perf_counter() - began, 1),
                "killed": dict(load.killed),
            }
        finally:
            up.stop()


@contextmanager
def broker_of(transport: str) -> Iterator[Broker | None]:
    running = {"rabbitmq": running_rabbitmq, "kafka": running_kafka}.get(transport, nullcontext)
    with running() as broker:
        yield broker


def disturb(
    load: Load, up: Up, *, broker: Broker | None, chance: random.Random, title: str
) -> None:
    """Hand documents in, kill, and wait until all documents have come to an end."""
    with Progress(transient=True) as bar, ThreadPoolExecutor(2) as threads:
        task = bar.add_task(title, total=load.kills + load.documents)
        others = [threads.submit(load.hand_in), threads.submit(load.watch)]
        for kind in plan(load.kills, broker, chance):
            time.sleep(chance.uniform(*PAUSE_S))
            kill(kind, up, broker, outage_s=chance.uniform(*OUTAGE_S))
            load.killed[kind] += 1
            bar.update(task, completed=load.killed.total() + len(load.ready))
            if any(each.done() and each.exception() for each in others):
                break
        for each in others:
            while not each.done():
                wait([each], timeout=1)
                bar.update(task, completed=load.killed.total() + len(load.ready))
            each.result()


def plan(kills: int, broker: Broker | None, chance: random.Random) -> Sequence[str]:
    """Give each kind its share, in random order."""
    kinds = ("worker", "parser", "relay", "broker") if broker else ("worker", "parser", "database")
    order = [kinds[number % len(kinds)] for number in range(kills)]
    chance.shuffle(order)
    return order


def kill(kind: str, up: Up, broker: Broker | None, *, outage_s: float) -> None:
    if kind == "broker":
        assert broker
        broker.kill()
        time.sleep(outage_s)
        broker.start()
        return
    until = time.monotonic() + PATIENCE_S
    while (pid := pid_of(kind, up.home)) is None:
        assert time.monotonic() < until, f"no {kind} comes back"
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)


def pid_of(kind: str, home: Path) -> int | None:
    """Find the process of a kind; None while it is not there."""
    try:
        if kind == "database":
            pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
            return pid if psutil.pid_exists(pid) else None
        if kind == "parser":
            worker = pid_of("worker", home)
            children = psutil.Process(worker).children() if worker else []
            parsers = [p.pid for p in children if is_parser(p)]
            return random.choice(parsers) if parsers else None  # noqa: S311
        for process in psutil.process_iter(["cmdline", "status"]):
            words = process.info["cmdline"] or []
            if process.info["status"] != "zombie" and str(home) in words and words[-1] == kind:
                return process.pid
    except (psutil.Error, OSError, IndexError):
        pass
    return None


def is_parser(process: psutil.Process) -> bool:
    return "roadworthy.ingestion.parser_process" in process.cmdline()


def verdict(load: Load, up: Up) -> dict[str, int]:
    """Count what was lost, doubled, or not found though it said that it is ready."""
    ids = [uuid.UUID(each) for each in load.accepted]
    with attached_installation(up.settings) as place, psycopg.connect(place.urls.worker) as conn:
        conn.execute(TENANT)
        once = {str(found) for found, is_once in conn.execute(DONE_ONCE, [ids]) if is_once}
        [counted] = conn.execute(COUNTED).fetchone() or [False]
        [attempts] = conn.execute(ATTEMPTS, [ids]).fetchone() or [0]
    for document, problem in load.failed.items():
        print(f"{document}: {problem}")
    return {
        "lost": load.documents - len(load.ready),
        "doubled": len(set(load.ready) - once) + (not counted),
        "ready_but_not_found": sum(not found for found in load.ready.values()),
        "not_found_afterwards": sum(not load.is_found(each) for each in load.ready),
        "most_attempts": attempts,
    }


if __name__ == "__main__":
    main()
