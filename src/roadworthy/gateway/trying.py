"""Try what may be down, and leave it alone for a while when it is."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from roadworthy.core.errors import RoadworthyError, Unavailable
from roadworthy.core.spaces import SpaceMismatch
from roadworthy.gateway.lanes import has_answered, is_to_blame
from roadworthy.plumbing.breaker import Breaker


@contextmanager
def tried(
    breaker: Breaker,
    *,
    what: str,
    late_s: float = math.inf,
    blames: Callable[[RoadworthyError], bool] = is_to_blame,
) -> Iterator[None]:
    """Do the block unless `what` is being left alone, and tell the breaker what came of it.

    Args:
        late_s: after which it has failed also where it was cancelled. Who leaves sooner says
            nothing of it.
        blames: tells whether a failure says that it is not well.

    Raises:
        Unavailable: it is left alone.
    """
    attempt = breaker.attempt()
    if attempt is None:
        raise Unavailable(f"{what} has failed and is left alone for a while.")
    began = time.monotonic()
    try:
        yield
    except asyncio.CancelledError:
        if time.monotonic() - began >= late_s:
            breaker.failed(attempt)
        raise
    except SpaceMismatch:
        raise  # no outage: whoever asks is to hear of it, too
    except RoadworthyError as error:
        if blames(error):
            breaker.failed(attempt)
        elif has_answered(error):
            breaker.succeeded(attempt)
        raise
    breaker.succeeded(attempt)
