"""Isotonic regression of toxicity on dose, for many trials at once, and the selection of a dose by it."""

from __future__ import annotations

import numpy as np

from carwright.trial.batch import NOBODY, Flags, Floats, Ints

PRIOR = 0.05
"""Each count is raised by this before rates are formed, a Beta(0.05, 0.05) prior (published: R package BOIN 2.7.2,
select.mtd)."""

STEP = 1e-10
"""Raises equal estimates a little with dose, so that of equal ones below the target the highest is chosen and of
equal ones above it the lowest (published: R package BOIN 2.7.2)."""


def isotonic(values: Floats, weights: Floats) -> Floats:
    """Nearest non-decreasing values by weighted least squares, along the last axis.

    The max-min formula of Barlow et al. 1972 (Statistical Inference under Order Restrictions), which pooling of
    adjacent violators also computes.

    Parameters
    ----------
    values
        Shape (t, m).
    weights
        Shape (t, m); 0 leaves a value out, and what is returned in its place means nothing.
    """
    doses = values.shape[1]
    weighted = np.cumsum(values * weights, axis=1)
    total = np.cumsum(weights, axis=1)
    fitted = np.full(values.shape, -np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        for first in range(doses):
            before_value = weighted[:, first - 1 : first] if first else 0.0
            before_weight = total[:, first - 1 : first] if first else 0.0
            mean = (weighted[:, first:] - before_value) / (total[:, first:] - before_weight)
            mean[~np.isfinite(mean)] = np.inf
            lowest = np.minimum.accumulate(mean[:, ::-1], axis=1)[:, ::-1]
            fitted[:, first:] = np.maximum(fitted[:, first:], lowest)
    return fitted


def toxicity_estimates(patients: Ints, dlts: Ints, counted: Flags) -> Floats:
    """Isotonic estimates of the probability of toxicity; NaN where ``counted`` is false; shape (t, m).

    Weights are the inverse variances of the Beta posteriors (R package BOIN 2.7.2, select.mtd).
    """
    a, b = dlts + PRIOR, patients - dlts + PRIOR
    n = a + b
    weights = np.where(counted, n * n * (n + 1.0) / (a * b), 0.0)
    return np.where(counted, isotonic(a / n, weights), np.nan)


def select_nearest(patients: Ints, dlts: Ints, counted: Flags, target: float, bound: float = np.inf) -> Ints:
    """Column whose isotonic estimate is nearest to the target, -1 where no column counts; shape (t,).

    Parameters
    ----------
    patients, dlts
        Counts, shape (t, m).
    counted
        Columns that may be chosen; the others are also left out of the regression.
    target
        Probability of toxicity aimed at.
    bound
        Estimates above this are not chosen.
    """
    estimates = toxicity_estimates(patients, dlts, counted) + STEP * np.cumsum(counted, axis=1)
    distance = np.where(counted & (estimates <= bound), np.abs(estimates - target), np.inf)
    chosen: Ints = np.where(np.isfinite(distance).any(axis=1), distance.argmin(axis=1), NOBODY)
    return chosen
