"""Wait for what nobody tells; where it never comes, a test fails and does not hang."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], *, seconds: float = 40) -> None:
    """Wait until `condition` holds, which others of this process or of others bring about."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
