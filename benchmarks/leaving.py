"""Many go away in mid-stream: what is left of it upstream, in sockets and in traces."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlsplit

import psutil

from benchmarks.desk_under_load import Desk, question

WARMING = 64
PIECES = 3  # of an answer, before who asked goes away
WITHIN_S = 30.0  # everything is to have ended
PATHS = {
    "/v1/answers": b"event: text",
    "/v1/chat/completions": b'"content":',
}  # and a piece of each


def patient(clients: int) -> Mapping[str, str]:
    """Tell an installation to let so many wait."""
    return {
        "ROADWORTHY_MAX_WAITING_ANSWERS": str(clients),
        "ROADWORTHY_MAX_WAIT_S": "300",
        "ROADWORTHY_ANSWER_TIMEOUT_S": "600",
    }


async def leave(desk: Desk, *, clients: int) -> dict[str, object]:
    """Let `clients` ask for a long answer, half of them at each address, and go away within it."""
    [api] = desk.up.processes("api")
    await asyncio.gather(*(_come_and_leave(desk, n) for n in range(min(clients, WARMING))))
    desk.provider.when_idle(within_s=WITHIN_S)
    before, pooled_before = desk.provider.stats(), _sockets(desk, api)["pooled"]
    began = time.perf_counter()
    outcomes = await asyncio.gather(*(_come_and_leave(desk, n) for n in range(clients)))
    seconds = time.perf_counter() - began
    told = desk.provider.when_idle(within_s=WITHIN_S)
    ended_s = time.perf_counter() - began - seconds
    until = time.perf_counter() + WITHIN_S
    while time.perf_counter() < until and _left(sockets := _sockets(desk, api)):  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return {
        "left_in_mid_stream": sum(outcomes),
        "upstream_calls": told["chat"] - before["chat"],
        "upstream_cancelled": told["cancelled"] - before["cancelled"],
        "upstream_live_after": told["live"],
        "upstream_ended_within_s": round(ended_s, 2),
        "leaked_connections": _left(sockets),
        "leaked_upstream_connections": sockets["models"],
        # To PostgreSQL and the engine: pools grow to their size, which is no leak.
        "pooled_connections_before_and_after": [pooled_before, sockets["pooled"]],
        "leaving_s": round(seconds, 1),
    }


async def _come_and_leave(desk: Desk, number: int) -> bool:
    """Go away when some words have come; False: they did not come."""
    path, piece = list(PATHS.items())[number % len(PATHS)]
    turns = [{"role": "user", "content": question()}]
    asked = {"messages": turns, "release" if path == "/v1/answers" else "model": "endless"}
    client = desk.client()
    try:
        reply = await client.post(path, asked | {"stream": True}, until=piece, times=PIECES)
    finally:
        client.hang_up()
    return reply.status == 200 and not reply.is_whole


def _sockets(desk: Desk, api: psutil.Process) -> Counter[str]:
    """Count what the API's process has open, by who is at the other end."""
    clients, models = urlsplit(desk.up.url).port, urlsplit(desk.provider.url).port
    return Counter(
        "clients" if each.laddr.port == clients
        else "models" if each.raddr and each.raddr.port == models
        else "pooled"
        for each in api.net_connections("tcp")
        if each.status not in {psutil.CONN_LISTEN, psutil.CONN_TIME_WAIT}
    )  # fmt: skip


def _left(sockets: Counter[str]) -> int:
    return sockets["clients"] + sockets["models"]
