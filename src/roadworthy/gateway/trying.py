"""Try what may be down, and leave it alone for a while when it is."""

from collections.abc import Iterator
from contextlib import contextmanager

from roadworthy.core.errors import RoadworthyError, Unavailable
from roadworthy.core.spaces import SpaceMismatch
from roadworthy.gateway.lanes import has_answered, is_to_blame
from roadworthy.plumbing.breaker import Breaker


@contextmanager
def tried(breaker: Breaker, *, what: str) -> Iterator[None]:
    """Do the block unless `what` is being left alone, and tell the breaker what came of it.

    Raises:
        Unavailable: it is left alone.
    """
    attempt = breaker.attempt()
    if attempt is None:
        raise Unavailable(f"{what} has failed and is left alone for a while.")
    try:
        yield
    except SpaceMismatch:
        raise  # no outage: whoever asks is to hear of it, too
    except RoadworthyError as error:
        if is_to_blame(error):
            breaker.failed(attempt)
        elif has_answered(error):
            breaker.succeeded(attempt)
        raise
    breaker.succeeded(attempt)
