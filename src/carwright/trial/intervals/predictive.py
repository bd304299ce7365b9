"""What a single trial would show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carwright.trial.intervals.interval import check_level

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_ROUNDING = 1e-9


def predictive(values: ArrayLike, level: float = 0.9) -> tuple[float, float]:
    """Central interval that holds at least ``level`` of the simulated trials.

    Each limit is a value that occurred, and leaves at most half of ``1 - level`` beyond it; counts and rates
    of small trials are discrete, so the interval holds more than ``level`` of them.

    Parameters
    ----------
    values
        One value per simulated trial, shape (trials,); NaN where a trial has none.
    level
        Least probability content.

    Raises
    ------
    ValueError
        If the level is not between 0 and 1.
    """
    check_level(level)
    present = np.asarray(values, dtype=np.float64)
    present = present[~np.isnan(present)]
    if present.size == 0:
        return np.nan, np.nan
    tail = (1.0 - level) / 2.0
    lo, hi = np.quantile(present, [tail, 1.0 - tail], method="inverted_cdf")
    return float(lo), float(hi)


def covered(count: int, of: int, trial_counts: ArrayLike, trial_of: ArrayLike, level: float = 0.9) -> bool:
    """Whether a published rate lies in the predictive interval of the rate of a single trial.

    Parameters
    ----------
    count, of
        Published figure.
    trial_counts, trial_of
        The same in every simulated trial, shape (trials,); trials with ``of`` zero are left out.
    level
        Least probability content of the interval.

    Raises
    ------
    ValueError
        If ``of`` is not positive or the level is not between 0 and 1.
    """
    if of < 1:
        message = f"a published rate needs patients; got {count} of {of}"
        raise ValueError(message)
    counts, totals = np.asarray(trial_counts, dtype=np.float64), np.asarray(trial_of, dtype=np.float64)
    some = totals > 0
    lo, hi = predictive(counts[some] / totals[some], level)
    # Equal fractions of different trials, such as 1/3 and 4/12, may differ in their last bit.
    return lo - _ROUNDING <= count / of <= hi + _ROUNDING
