"""Break something while people ask, and look at what they were told."""

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager

COUNTED = "roadworthy_answer_seconds_count{"


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


async def no_trace_is_lost(crowd, traced):
    """All who were answered have a trace, and of those who were let in as many as were counted."""
    told = {each.trace for each in crowd.replies if each.trace}
    metrics = (await crowd.client.get("/metrics")).text
    counted = sum(
        float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(COUNTED)
    )
    async with asyncio.timeout(20):
        while True:
            found = await asyncio.to_thread(traced)
            if told <= {row[0] for row in found}:
                break
            await asyncio.sleep(0.1)
    assert len([row for row in found if row[1] == "answers"]) >= counted
