"""Figures that say how far they may be off."""

import math
from dataclasses import dataclass

Z = 1.96  # of a 95 % interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """An estimate and its 95 % interval."""

    value: float
    low: float
    high: float


def share(count: int, *, of: int) -> Figure | None:
    """Give a share with Wilson's interval, which holds at 0 and 1 too; None without evidence."""
    if not of:
        return None
    part = count / of
    middle = (part + Z**2 / (2 * of)) / (1 + Z**2 / of)
    reach = Z * math.sqrt(part * (1 - part) / of + Z**2 / (4 * of**2)) / (1 + Z**2 / of)
    return Figure(value=part, low=max(0.0, middle - reach), high=min(1.0, middle + reach))
