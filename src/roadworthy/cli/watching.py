"""Tell when something changed in folders."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

from watchfiles import awatch

SETTLED = timedelta(seconds=1)  # nothing more has changed for so long
LATEST = timedelta(seconds=30)  # unless it never stops
# A network drive tells of no change, and a kernel may drop some.
LOOK_ANYWAY = timedelta(minutes=5)


async def looks(folders: Sequence[Path]) -> AsyncGenerator[None, None]:
    """Say at once, whenever something has changed, and every LOOK_ANYWAY, that it is time to look.

    What changes while the caller looks is told afterwards, so nothing is missed.

    Raises:
        FileNotFoundError: a folder is not there when it begins.
    """
    changes = awatch(
        *folders,
        watch_filter=None,
        debounce=_ms(LATEST),
        step=_ms(SETTLED),
        rust_timeout=_ms(LOOK_ANYWAY),
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )
    async with aclosing(changes):
        following = asyncio.ensure_future(anext(changes))  # listens before the first look
        try:
            while True:
                yield
                await following
                following = asyncio.ensure_future(anext(changes))
        finally:
            following.cancel()
            await asyncio.wait({following})  # or the generator could not be closed


def _ms(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)
