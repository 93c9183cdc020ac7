"""Break something while people ask, and look at what they were told."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from prometheus_client.parser import text_string_to_metric_families

# How a trace says what the door counts.
TRACED_AS = {"unavailable": "failed", "200": "found", "503": "failed"}


async def under_load(crowd, fault):
    """Let people ask before, within and after a fault; gives what they were told within."""
    async with crowd.asking():
        await crowd.until_whole()
        async with fault:
            told = await crowd.told_since(time.monotonic())
        await crowd.until_whole()
    return told


@asynccontextmanager
async def broken(wires, down, fault):
    async with AsyncExitStack() as stack:
        for name in down.split("+"):
            await stack.enter_async_context(getattr(wires[name], fault)())
        yield


def seen(replies, *ways):
    return {(each.outcome, each.degraded) for each in replies if each.of in ways}


async def no_trace_is_lost(crowd, traced, *, unbegun=()):
    """Whatever was begun has one trace, which says what became of it, and is told by its id."""
    begun = _counted((await crowd.client.get("/metrics")).text)
    begun.subtract(unbegun)
    rows, found = [], Counter()
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            while found != begun:
                await asyncio.sleep(0.1)
                rows = await asyncio.to_thread(traced)
                found = Counter((surface, outcome) for _, surface, outcome in rows)
    assert found == begun, f"traced: {found}; begun: {begun}"
    assert {each.trace for each in crowd.replies if each.trace} <= {row[0] for row in rows}


def _counted(metrics):
    """Count what was asked for, by what became of it; who was not known has no route."""
    counted = Counter()
    for family in text_string_to_metric_families(metrics):
        for name, labels, value, *_ in family.samples:
            if name == "roadworthy_answer_seconds_count":
                surface, became = "answers", labels["outcome"]
            elif name == "roadworthy_http_requests_total" and labels["route"] == "/v1/search":
                surface, became = "search", labels["status"]
            else:
                continue
            counted[surface, TRACED_AS.get(became, became)] += int(value)
    return counted
