"""Go on through outages, but not beyond one's own end."""

import asyncio


async def pause(seconds: float) -> None:
    """Sleep between two tries of a loop that catches what an outage raises.

    Raises:
        CancelledError: also if the task was cancelled before, and an error hid that: a client may
            raise one of its own while it closes, which the loop would take for an outage.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    await asyncio.sleep(seconds)
