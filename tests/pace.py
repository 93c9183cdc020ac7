"""How long something takes, measured so that a busy machine changes little."""

import asyncio
import time
from collections.abc import Awaitable, Callable


def is_in_proportion(do: Callable[[str], object], part: str, *, size: int) -> bool:
    """Tell whether four times the text takes eight times as long at most; a square is sixteen."""
    short, long = (part * (many // len(part)) for many in (size, 4 * size))
    return _seconds(do, long) < max(8 * _seconds(do, short), 0.1)


def _seconds(do: Callable[[str], object], text: str) -> float:
    times: list[float] = []
    for _ in range(3):
        began = time.thread_time()
        do(text)
        times.append(time.thread_time() - began)
    return min(times)


async def lets_others_in(work: Awaitable[object]) -> bool:
    """Tell whether anybody else has a turn before `work` is done."""
    has_had_one = False

    async def other() -> None:
        nonlocal has_had_one
        has_had_one = True

    task = asyncio.create_task(other())
    await work
    let_in = has_had_one
    await task
    return let_in
