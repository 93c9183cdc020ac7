"""Finish the deletions that were cut off, now and then."""

import asyncio
from typing import Never

import structlog

from roadworthy.core.errors import Busy, Unavailable
from roadworthy.deletion import DeletionService

LOOK_EVERY_S = 60.0

log = structlog.get_logger(__name__)


async def finish_deletions(deletion: DeletionService) -> Never:
    """Finish the receipts of processes that died before they could, until cancelled."""
    while True:
        try:
            if finished := await deletion.finish_left():
                log.info("finished deletions that were cut off", receipts=finished)
        except (Unavailable, Busy) as error:
            log.warning("deletions are not finished", problem=error.message)
        await asyncio.sleep(LOOK_EVERY_S)
