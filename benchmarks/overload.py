"""More than can be done: what is still answered, health routes too, and what memory does."""

import asyncio
import time

import numpy as np

from benchmarks.desk_under_load import Desk, answers, chats
from benchmarks.light_client import Client, Reply
from benchmarks.under_load import Run, a_second, at_once

LEVELS = (4, 8, 16, 32)  # answers at once, to find the peak
LEVEL_S, PEAK_S, OVERLOAD_S = 8, 20, 30
TIMES = 3  # the peak
PATIENCE_S = 10.0
ASK_HEALTH_EVERY_S = 0.5
AT_ONCE = 16  # while memory is watched
READ_EVERY = 5
WARM_SHARE = 10  # a tenth of the requests comes before the first look


async def goodput(desk: Desk) -> dict[str, object]:
    """Find the peak, then ask TIMES as much; what is answered in time counts.

    The best of several levels is better than it will be again: where the peak is, its height is
    taken anew, before and after, so that a machine that is shared is about the same for both.
    """
    ask = answers("fast")
    await at_once(ask, desk.clients(16), seconds=LEVEL_S)
    levels = {n: await at_once(ask, desk.clients(n), seconds=LEVEL_S) for n in LEVELS}
    best = max(levels, key=lambda n: levels[n].a_second)
    peaks = [(await at_once(ask, desk.clients(best), seconds=PEAK_S)).a_second]
    peak = peaks[0]
    over = asyncio.Event()
    asking = asyncio.create_task(_health(desk, over))
    run = await a_second(
        ask, desk.client, rate=TIMES * peak, seconds=OVERLOAD_S, patience_s=PATIENCE_S
    )
    over.set()
    health = await asking
    peaks.append((await at_once(ask, desk.clients(best), seconds=PEAK_S)).a_second)
    return {
        "goodput_at_3x": round(run.a_second / (sum(peaks) / len(peaks)), 3),
        "goodput_a_second": round(run.a_second, 1),
        "peak_a_second_before_and_after": [round(each, 1) for each in peaks],
        "a_second_by_answers_at_once": {n: round(each.a_second, 1) for n, each in levels.items()},
        "asked_a_second": round(TIMES * peak, 1),
        "answered_p50_ms": _ms(run, 50),
        "answered_p99_ms": _ms(run, 99),
        "other_outcomes_at_3x": run.others,
        **health,
    }


async def memory(desk: Desk, *, requests: int) -> dict[str, object]:
    """Answer many questions, and look at what the API's process holds before and after.

    One in READ_EVERY is answered from documents, which takes most of the time.
    """
    read, chat = answers("fast"), chats("fast-chat")

    async def ask(client: Client, number: int) -> Reply:
        return await (read if number % READ_EVERY == 0 else chat)(client, number)

    [api] = desk.up.processes("api")
    clients = desk.clients(AT_ONCE)
    await at_once(ask, clients, requests=requests // WARM_SHARE)
    before = api.memory_info().rss
    began = time.perf_counter()
    run = await at_once(ask, clients, requests=requests - requests // WARM_SHARE)
    after = api.memory_info().rss
    return {
        "rss_growth_mb": round((after - before) / 1e6, 1),
        "rss_mb": round(after / 1e6, 1),
        "requests": requests,
        "failed_requests": run.others,
        "requests_a_second": round(len(run.replies) / (time.perf_counter() - began), 1),
    }


async def _health(desk: Desk, over: asyncio.Event) -> dict[str, object]:
    """Ask whether it is live and ready, now and then, as an orchestrator does."""
    took, failed = dict[str, list[float]](livez=[], readyz=[]), 0
    while not over.is_set():
        for name, times in took.items():
            async with desk.client() as client:
                reply = await client.get(f"/{name}")
            times.append(1000 * reply.total_s)
            failed += reply.status != 200
        await asyncio.sleep(ASK_HEALTH_EVERY_S)
    return {
        "health_failures": failed,
        "livez_p99_ms": round(float(np.percentile(took["livez"], 99)), 1),
        "readyz_p99_ms": round(float(np.percentile(took["readyz"], 99)), 1),
    }


def _ms(run: Run, percent: float) -> float | None:
    took = [1000 * reply.total_s for reply in run.replies]
    return round(float(np.percentile(took, percent)), 1) if took else None
