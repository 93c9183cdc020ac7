"""What an answer takes beside its model: with retrieval, without, beside a peer, without traces."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median

import numpy as np

from benchmarks.desk_under_load import SLOW, SLOW_S, Desk, answers, chats
from benchmarks.light_client import Client, Reply
from benchmarks.litellm_proxy import KEY, litellm_proxy
from benchmarks.under_load import Ask, at_once
from tests.engine_process import free_port

STREAMS = 50
WARMING, ANSWERS = 100, 600
ROUNDS, EACH = 3, 300  # of a comparison; who is measured first changes from round to round
SATURATING, PHASE_S, PHASES = 16, 8, 4
CLOSELY = b'"note":"closely"'
MISSING = re.compile(rb'"degraded":\[[^\]]*"relevance"')


async def with_retrieval(desk: Desk) -> dict[str, object]:
    """Keep STREAMS answers under way; all but the models' time is ours."""
    clients = desk.clients(STREAMS)
    await at_once(answers("slow"), clients, requests=WARMING)
    run = await at_once(answers("slow"), clients, requests=ANSWERS)
    embedded = [_ms_of("embed", reply) for reply in run.replies]
    # With the wait for its place; who waited for one in vain, or was late, waited for us.
    looks = [_ms_of("judge", reply) if CLOSELY in reply.body else 0.0 for reply in run.replies]
    overhead = [
        1000 * (reply.total_s - SLOW_S) - embedding - look
        for reply, embedding, look in zip(run.replies, embedded, looks, strict=True)
    ]
    looked = [look for look in looks if look]
    missing = sum(MISSING.search(bytes(reply.body)) is not None for reply in run.replies)
    return {
        "overhead_p50_ms": _ms(overhead, 50),
        "overhead_p99_ms": _ms(overhead, 99),
        "first_event_p50_ms": _ms([1000 * reply.first_s for reply in run.replies], 50),
        "embedding_p50_ms": _ms(embedded, 50),
        "close_looks": len(looked),
        "close_look_p50_ms": _ms(looked, 50) if looked else None,
        "close_looks_missing": missing,
        "streams": STREAMS,
        "answers": len(run.replies),
        "other_outcomes": run.others,
    }


async def beside_litellm(desk: Desk) -> dict[str, object]:
    """Compare with LiteLLM's proxy: the same upstream, model, client and number of streams."""
    with litellm_proxy(desk.provider.url, model=SLOW) as peer:
        found: dict[str, list[float]] = {}
        asked: list[tuple[str, Ask, list[Client]]] = [
            (name, chats(model), [desk.client(url, key) for _ in range(STREAMS)])
            for name, url, key, model in (
                ("direct", desk.provider.url.removesuffix("/v1"), "any", SLOW),
                ("ours", desk.up.url, desk.key, "chat"),
                ("litellm", peer, KEY, SLOW),
            )
        ]
        for _, ask, clients in asked:
            await at_once(ask, clients, requests=WARMING)
        for number in range(ROUNDS):
            for name, ask, clients in asked if number % 2 else asked[::-1]:
                run = await at_once(ask, clients, requests=EACH)
                assert not run.others, (name, run.others)
                found.setdefault(name, []).extend(
                    1000 * (reply.total_s - SLOW_S) for reply in run.replies
                )
    bare = median(found["direct"])
    ours, theirs = median(found["ours"]) - bare, median(found["litellm"]) - bare
    return {
        "ratio_to_litellm": round(ours / theirs, 3),
        "chat_overhead_p50_ms": round(ours, 1),
        "chat_overhead_p99_ms": round(float(np.percentile(found["ours"], 99)) - bare, 1),
        "litellm_overhead_p50_ms": round(theirs, 1),
        "litellm_overhead_p99_ms": round(float(np.percentile(found["litellm"], 99)) - bare, 1),
        "direct_p50_ms": round(bare, 1),
    }


async def of_tracing(desk: Desk) -> dict[str, object]:
    """Saturate two processes in turn, one of which records nothing; the rest is alike."""
    rates: dict[str, list[float]] = {"on": [], "off": []}
    with _served(desk, "on") as on, _served(desk, "off") as off:
        at = {
            "on": [desk.client(on) for _ in range(SATURATING)],
            "off": [desk.client(off) for _ in range(SATURATING)],
        }
        for clients in at.values():
            await at_once(answers("fast"), clients, seconds=PHASE_S / 2)
        for number in range(PHASES):
            for tracing in ("on", "off") if number % 2 else ("off", "on"):
                run = await at_once(answers("fast"), at[tracing], seconds=PHASE_S)
                assert not run.others, run.others
                rates[tracing].append(run.a_second)
    on_rate, off_rate = median(rates["on"]), median(rates["off"])
    return {
        "tracing_cost_pct": round(100 * (1 - on_rate / off_rate), 1),
        "answers_a_second": round(on_rate, 1),
        "answers_a_second_untraced": round(off_rate, 1),
    }


@contextmanager
def _served(desk: Desk, tracing: str) -> Iterator[str]:
    """Run one more API of the installation for a block."""
    port = free_port()
    environ = os.environ | desk.up.environ | {"ROADWORTHY_PORT": str(port)}
    command = [sys.executable, "-m", "benchmarks.serve_traced", str(desk.up.home), tracing]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            assert process.stdout.readline().strip() == b"ready"
            time.sleep(0.5)  # it listens a moment later
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _ms_of(stage: str, reply: Reply) -> float:
    found = re.search(rb'"name":"%s","ms":([\d.e-]+)' % stage.encode(), bytes(reply.body))
    return float(found[1]) if found else 0.0


def _ms(values: Sequence[float], percent: float) -> float:
    return round(float(np.percentile(values, percent)), 1)
