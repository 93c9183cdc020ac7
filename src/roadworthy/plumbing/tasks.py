"""End asyncio tasks that have no end of their own."""

import asyncio

AGAIN_S = 3.0


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task, and again until it has ended.

    Once may be lost: Python before 3.12 forgets a cancellation that meets the end of what
    `asyncio.wait_for` waits for, and a client that is cancelled may raise an error of its own
    while it closes, which a loop that goes on through outages takes for one.

    Raises:
        Exception: what ended the task before it was cancelled.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN_S)
    if not task.cancelled():
        task.result()
