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
    # Doses first: whole rows of trials are then next to each other in memory.
    nothing = np.zeros((1, values.shape[0]))
    weighted = np.concatenate([nothing, np.cumsum((values * weights).T, axis=0)])
    total = np.concatenate([nothing, np.cumsum(weights.T, axis=0)])
    fitted = np.full(values.T.shape, -np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        for first in range(doses):
            lowest = np.full(values.shape[0], np.inf)
            for last in range(doses - 1, first - 1, -1):
                mean = (weighted[last + 1] - weighted[first]) / (total[last + 1] - total[first])
                np.fmin(lowest, mean, out=lowest)  # a block without weight is NaN, and left out
                np.maximum(fitted[last], lowest, out=fitted[last])
    return fitted.T


def toxicity_estimates(patients: Ints, dlts: Ints, counted: Flags) -> Floats:
    """Isotonic estimates of the probability of toxicity; NaN where ``counted`` is false; shape (t, m).

    Weights are the inverse variances of the Beta posteriors (R package BOIN 2.7.2, select.mtd).
    """
    a, b = dlts + PRIOR, patients - dlts + PRIOR
    return np.where(counted, isotonic(a / (a + b), _weights(patients, dlts, counted)), np.nan)


def isotonic_summaries(patients: Ints, dlts: Ints, target: float) -> tuple[Floats, Floats, Floats]:
    """Limits of 95 % intervals and probability of more toxicity than ``target``, each made isotonic; shape (t, m).

    NaN for nodes that nobody was given. The limits are weighted as the estimates are, the probability is not (R
    package BOIN 2.7.2, select.mtd).
    """
    from scipy.special import betaincc, betaincinv

    given = patients > 0
    a, b = dlts + PRIOR, patients - dlts + PRIOR
    weights = _weights(patients, dlts, given)
    low, high = (np.where(given, isotonic(betaincinv(a, b, level), weights), np.nan) for level in (0.025, 0.975))
    above = np.where(given, isotonic(betaincc(a, b, target), given.astype(np.float64)), np.nan)
    return low, high, above


def _weights(patients: Ints, dlts: Ints, counted: Flags) -> Floats:
    """Inverse variances of the Beta posteriors, 0 for what is left out."""
    a, b = dlts + PRIOR, patients - dlts + PRIOR
    n = a + b
    return np.where(counted, n * n * (n + 1.0) / (a * b), 0.0)


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
