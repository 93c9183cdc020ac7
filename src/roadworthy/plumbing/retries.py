"""How long a job waits before it is tried again, and how often: by the kind of its problem.

Source: full jitter, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): of the ways
compared there it spreads many clients of one dependency best.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

BUG = "bug"  # an exception that nobody foresaw, or a worker that died over the job


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """The n-th try waits between 0 and first_s * 2^n, at most longest_s; then there is an end."""

    first_s: float
    longest_s: float
    most: int

    def pause(self, earlier: int) -> timedelta | None:
        """Draw the pause after `earlier` tries that ended alike; None: it is not tried again."""
        if earlier >= self.most:
            return None
        step = min(self.longest_s, self.first_s * 2.0 ** min(earlier, 32))
        return timedelta(seconds=random.uniform(0, step))  # noqa: S311 - jitter needs no secrecy


NEVER = Retries(first_s=0, longest_s=0, most=0)
# An outage says nothing about the document: it is waited for, most of a day. A crash may well be
# the document's doing, and each one costs the other jobs of that worker.
POLICIES: Mapping[str, Retries] = {
    "unavailable": Retries(first_s=2, longest_s=300, most=500),
    "busy": Retries(first_s=1, longest_s=60, most=500),
    BUG: Retries(first_s=5, longest_s=60, most=4),
    "invalid": NEVER,
    "missing": NEVER,
    "conflict": NEVER,
    "refused": NEVER,
}
UNCOUNTED = frozenset({"unavailable", "busy"})  # do not count as attempts of the job itself
