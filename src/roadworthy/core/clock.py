"""The time, always aware and in UTC; and how long something takes."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Tell the time in UTC."""
    return datetime.now(UTC)


class Laps:
    """How long each of several steps takes, one after the other."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}  # by the step's name, in their order
        self._since = time.perf_counter()

    def end(self, step: str) -> None:
        """Note that a step has ended, and that the next one begins."""
        until = time.perf_counter()
        self.ms[step] = (until - self._since) * 1000
        self._since = until
