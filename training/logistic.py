"""Fit a logistic regression: few features, and nothing to tune."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RIDGE = 0.01  # on standardised features; only keeps the fit to a separable set finite

Numbers = NDArray[np.float64]


def fit(features: Sequence[Sequence[float]] | Numbers, truth: Numbers) -> tuple[float, list[float]]:
    """Fit by Newton's method.

    Args:
        features: shape (cases, features).
        truth: 1 or 0, shape (cases,); both occur.

    Returns: intercept and slopes, for features as they are.

    Source: iteratively reweighted least squares (Bishop 2006, 4.3.3), with a ridge.
    """
    table = np.asarray(features, np.float64)
    centre, scale = table.mean(axis=0), np.maximum(table.std(axis=0), 1e-9)
    design = np.column_stack([np.ones(len(table)), (table - centre) / scale])
    penalty = RIDGE * np.diag([0.0, *np.ones(table.shape[1])])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (truth - chance) - penalty @ weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-9:
            slopes = weights[1:] / scale
            return float(weights[0] - slopes @ centre), slopes.tolist()
    raise RuntimeError("The fit does not converge.")
