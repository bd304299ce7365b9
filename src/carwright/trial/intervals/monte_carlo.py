"""Monte Carlo error: how far a simulated mean may lie from the one that endless simulation would give.

It says how precise the simulation is, never how plausible the result: more population draws and trials make it as
small as one likes. Trials of one population draw resemble each other, so draws, not trials, are counted: the variance
is that of a ratio mean of clusters (Cochran 1977, Sampling Techniques, 3rd ed., section 11.2 with equal weights).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri, stdtrit

from carwright.trial.intervals.interval import Interval, check_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def monte_carlo_mean(
    values: ArrayLike, block: ArrayLike, level: float = 0.9, weights: ArrayLike | None = None
) -> Interval:
    """Mean over trials with its Monte Carlo interval.

    Parameters
    ----------
    values
        One value per trial, shape (t,).
    block
        Population draw of each trial, shape (t,).
    level
        Probability content of the interval.
    weights
        Weight of each trial; every weight 1 when None.

    Returns
    -------
    Interval
        Student's t interval with as many degrees of freedom as draws, less one; its ends are NaN with one draw.

    Raises
    ------
    ValueError
        If the level is not between 0 and 1.
    """
    mean, error, draws = _mean_and_error(values, block, level, weights)
    half = float(stdtrit(draws - 1, (1.0 + level) / 2.0)) * error if draws > 1 else np.nan
    return Interval(mean, mean - half, mean + half, level)


def monte_carlo_rate(
    values: ArrayLike, block: ArrayLike, level: float = 0.9, weights: ArrayLike | None = None
) -> Interval:
    """Share of trials with its Monte Carlo interval; as `monte_carlo_mean`, for values from 0 to 1.

    The score interval (Wilson 1927) with the effective number of trials (Korn and Graubard 1998, Survey Methodology
    24:193): as many as independent trials would need for the same error, and as many as there are draws where nothing
    or everything happened.
    """
    rate, error, draws = _mean_and_error(values, block, level, weights)
    if draws < 2:
        return Interval(rate, np.nan, np.nan, level)
    inner = 0.0 < rate < 1.0 and error > 0.0
    size = rate * (1.0 - rate) / error**2 if inner else float(draws)
    # The few draws leave the error itself unsure, hence Student's quantile.
    z = float(stdtrit(draws - 1, (1.0 + level) / 2.0)) if inner else float(ndtri((1.0 + level) / 2.0))
    spread = 1.0 + z * z / size
    middle = (rate + z * z / (2.0 * size)) / spread
    half = z / spread * (rate * (1.0 - rate) / size + z * z / (4.0 * size * size)) ** 0.5
    return Interval.around(rate, max(0.0, middle - half), min(1.0, middle + half), level)


def _mean_and_error(
    values: ArrayLike, block: ArrayLike, level: float, weights: ArrayLike | None
) -> tuple[float, float, int]:
    check_level(level)
    value = np.asarray(values, dtype=np.float64)
    weight = np.ones(value.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    used = weight > 0.0
    if not used.any():
        return np.nan, np.nan, 0
    value, weight = value[used], weight[used]
    _, index = np.unique(np.asarray(block)[used], return_inverse=True)
    mean = float(np.average(value, weights=weight))
    by_draw = np.bincount(index, weight * (value - mean))
    draws = by_draw.size
    error = (draws / (draws - 1) * float(by_draw @ by_draw)) ** 0.5 / weight.sum() if draws > 1 else np.nan
    return mean, float(error), draws
