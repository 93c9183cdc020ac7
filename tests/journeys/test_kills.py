"""Any process may be killed at any moment: nothing is lost, nothing doubled, and it comes back."""

import os
import re
import signal
import time
import uuid
from dataclasses import dataclass

import httpx
import psutil
import pytest

FILES = 12
GAUGES = 60  # a sentence each; sentences are never cut in two
GAUGE = re.compile(r"Gauge (\d+) of")
PATIENCE_S = 120


def pid_of(started, kind: str) -> int:
    """Find the process of a kind, waiting for one that is being restarted."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if kind == "postgres":
            state = (started.up.home / "postgres" / "postmaster.pid").read_text()
            return int(state.split()[0])
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if str(started.up.home) in words and any(kind in word for word in words):
                return process.pid
        time.sleep(0.1)
    raise AssertionError(f"no {kind} runs")


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Somebody else than the sample's people: other journeys count what those own."""

    url: str
    key: str

    def call(self, method: str, path: str, **request) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.request(method, self.url + path, headers=headers, timeout=60, **request)


@pytest.fixture(scope="module")
def witness(started):
    key, *_ = started.cli("key", "create", "--user", "witness").splitlines()
    return Witness(url=started.url, key=key)


KINDS = {"worker": "worker", "engine": "roadworthy.gateway.engine", "postgres": "postgres"}


def upload(witness, run: str) -> list[dict]:
    """Hand files in; a call that met an outage is made again, as a client does."""
    receipts = []
    for number in range(FILES):
        text = f"Report {run} {number}.\n\n" + " ".join(
            f"Gauge {gauge} of site {run}-{number} was read." for gauge in range(GAUGES)
        )
        receipts.append(retried(witness, "POST", "/v1/documents", files={
            "file": (f"{run}-{number}.txt", text.encode())
        })["data"][0])  # fmt: skip
    return receipts


def retried(witness, method: str, path: str, **request) -> dict:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            response = witness.call(method, path, **request)
        except httpx.TransportError:
            assert time.monotonic() < until
        else:
            if response.is_success:
                return response.json()
            assert response.status_code in {429, 500, 503}, response.text
            assert time.monotonic() < until, response.text
        time.sleep(0.3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_during_ingest_loses_and_doubles_nothing(witness, started, kind):
    run = uuid.uuid4().hex[:8]
    victim = pid_of(started, KINDS[kind])
    receipts = upload(witness, run)
    os.kill(victim, signal.SIGKILL)
    until = time.monotonic() + PATIENCE_S
    waiting = [receipt["document_id"] for receipt in receipts]
    assert len(set(waiting)) == FILES
    while waiting and time.monotonic() < until:
        waiting = [
            each
            for each in waiting
            if retried(witness, "GET", f"/v1/documents/{each}")["state"] != "ready"
        ]
        time.sleep(0.3)
    assert waiting == []
    for number, receipt in enumerate(receipts):
        document = retried(witness, "GET", f"/v1/documents/{receipt['document_id']}")
        assert document["version"] == 1
        found = retried(witness, "POST", "/v1/search", json={
            "question": f'gauge name:"{run}-{number}.txt"', "limit": 100,
        })  # fmt: skip
        assert len(found["hits"]) == document["passages"]
        read = GAUGE.findall(" ".join(hit["text"] for hit in found["hits"]))
        assert sorted(map(int, read)) == list(range(GAUGES))
    assert pid_of(started, KINDS[kind]) != victim


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_during_asking_is_survived(witness, started, kind):
    # A question of its own for each kind: no vector of it is at hand when the engine is gone. One
    # that ends in a long code is nearly nothing but that code to the search by words that is left.
    question = {"question": f"How many paid holidays do I have as a {kind}?"}
    victim = pid_of(started, KINDS[kind])
    retried(witness, "POST", "/v1/answers", json=question)
    os.kill(victim, signal.SIGKILL)
    answers = [retried(witness, "POST", "/v1/answers", json=question) for _ in range(5)]
    assert {answer["outcome"] for answer in answers} == {"answered"}
    ids = [answer["id"] for answer in answers]
    for each in ids:  # a trace reaches the database soon after its answer
        until = time.monotonic() + PATIENCE_S
        while not witness.call("GET", f"/v1/traces/{each}").is_success:
            assert time.monotonic() < until
            time.sleep(0.2)
    assert len(set(ids)) == 5
