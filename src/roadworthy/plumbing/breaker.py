"""Leave alone for a while what has just failed, so that not everybody waits for it in vain.

Source: M. Nygard, Release It!, 2nd edition, 2018, "Circuit Breaker".
"""

import time
from collections.abc import Callable

FIRST_REST_S, LONGEST_REST_S = 1.0, 60.0


class Breaker:
    """Says when something may be tried again: by one at a time, after rests that double.

    Args:
        failures: in a row, with no success between them, until it is left alone.
        longest_rest_s: so long it may be well again unnoticed.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        failures: int = 1,
        longest_rest_s: float = LONGEST_REST_S,
    ) -> None:
        self._clock = clock
        self._longest_rest_s = longest_rest_s
        self._tolerated = self._left = failures
        self._rest_s = 0.0  # 0: it is well
        self._failed_at = self._resting_until = float("-inf")

    @property
    def is_well(self) -> bool:
        """Tell whether everybody may try it."""
        return not self._rest_s

    @property
    def is_resting(self) -> bool:
        """Tell whether an attempt would be in vain now."""
        return self._clock() < self._resting_until

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
            self._left = self._tolerated
            self._rest_s, self._resting_until = 0.0, float("-inf")

    def failed(self, attempt: float) -> None:
        """Let it rest; attempts that began before it failed tell nothing new."""
        if attempt <= self._failed_at:
            return
        self._left -= 1
        if self._left <= 0:
            self._failed_at = self._clock()
            self._rest_s = min(max(2 * self._rest_s, FIRST_REST_S), self._longest_rest_s)
            self._resting_until = self._failed_at + self._rest_s
