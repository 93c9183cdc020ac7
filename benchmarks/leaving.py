"""Many go away in mid-stream: what is left of it upstream, in sockets and in traces."""

import asyncio
import time
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
    # Pools grow to their size, and stay so: that is no leak.
    await asyncio.gather(*(_come_and_leave(desk, n) for n in range(min(clients, WARMING))))
    desk.provider.when_idle(within_s=WITHIN_S)
    before, sockets_before = desk.provider.stats(), len(_peers(api))
    began = time.perf_counter()
    outcomes = await asyncio.gather(*(_come_and_leave(desk, n) for n in range(clients)))
    seconds = time.perf_counter() - began
    told = desk.provider.when_idle(within_s=WITHIN_S)
    ended_s = time.perf_counter() - began - seconds
    upstream = urlsplit(desk.provider.url).port
    until = time.perf_counter() + WITHIN_S
    while time.perf_counter() < until and len(_peers(api)) > sockets_before:  # noqa: ASYNC110
        await asyncio.sleep(0.1)
    return {
        "left_in_mid_stream": sum(outcomes),
        "upstream_calls": told["chat"] - before["chat"],
        "upstream_cancelled": told["cancelled"] - before["cancelled"],
        "upstream_live_after": told["live"],
        "upstream_ended_within_s": round(ended_s, 2),
        "leaked_connections": max(0, len(_peers(api)) - sockets_before),
        "leaked_upstream_connections": _peers(api).count(upstream),
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


def _peers(process: psutil.Process) -> list[int | None]:
    """List the ports of the other ends of what is not closed."""
    listed = process.net_connections("tcp")
    open_ = [
        each for each in listed if each.status not in {psutil.CONN_LISTEN, psutil.CONN_TIME_WAIT}
    ]
    return [each.raddr.port if each.raddr else None for each in open_]
