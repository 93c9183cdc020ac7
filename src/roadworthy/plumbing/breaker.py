"""Leave alone for a while what has just failed, so that not everybody waits for it in vain.

Source: M. Nygard, Release It!, 2nd edition, 2018, "Circuit Breaker".
"""

import time
from collections.abc import Callable

FIRST_REST_S, LONGEST_REST_S = 1.0, 60.0


class Breaker:
    """Says when something may be tried again: by one at a time, after rests that double."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rest_s = 0.0  # 0: it is well
        self._failed_at = self._resting_until = float("-inf")

    @property
    def is_well(self) -> bool:
        """Tell whether the last that was heard of it was good."""
        return not self._rest_s

    def attempt(self) -> float | None:
        """Begin an attempt, whose outcome is to be told by this value; None: let it rest."""
        now = self._clock()
        if now < self._resting_until:
            return None
        self._resting_until = now + self._rest_s  # nobody else, until this one is heard of
        return now

    def succeeded(self, attempt: float) -> None:
        """Let everybody at it, unless it has failed since that attempt began."""
        if attempt > self._failed_at:
            self._rest_s, self._resting_until = 0.0, float("-inf")

    def failed(self, attempt: float) -> None:
        """Let it rest; attempts that began before it failed tell nothing new."""
        if attempt > self._failed_at:
            self._failed_at = self._clock()
            self._rest_s = min(max(2 * self._rest_s, FIRST_REST_S), LONGEST_REST_S)
            self._resting_until = self._failed_at + self._rest_s
