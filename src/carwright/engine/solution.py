"""What a solve returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Solution:
    """Results of n patients; every number of a patient whose outcome is not OK is NaN.

    Attributes
    ----------
    outcome
        (n,) uint8, see `carwright.engine.Outcome`.
    times
        (k,) times of the courses.
    courses
        (n, k, observables) values just after any dose at the same time, except at the end of the solve, where
        doses come last.
    functionals
        (n, functionals).
    trigger_counts
        (n, triggers) number of firings.
    trigger_days
        (n, triggers) time of the first firing, NaN if never.
    steps
        (n,) steps tried, rejected ones included.
    lowest
        (n,) most negative value of a state that cannot be negative at the end of any step, in units of its absolute
        tolerance; 0 when none was below zero. Values of a few units are rounding of the method; values far below
        deserve a look at the model, and are an outcome beyond the limit given to the solve.
    path
        ``compiled`` or ``interpreted``, see `carwright.engine.compile_kernel`.
    """

    outcome: npt.NDArray[np.uint8]
    times: npt.NDArray[np.float64]
    courses: npt.NDArray[np.float64]
    functionals: npt.NDArray[np.float64]
    trigger_counts: npt.NDArray[np.float64]
    trigger_days: npt.NDArray[np.float64]
    steps: npt.NDArray[np.int64]
    lowest: npt.NDArray[np.float64]
    path: str

    def give_up(self, patients: npt.NDArray[np.bool_], outcome: int) -> None:
        """Give patients another outcome; their numbers become NaN, but for ``steps`` and ``lowest``."""
        self.outcome[patients] = outcome
        for numbers in (self.courses, self.functionals, self.trigger_counts, self.trigger_days):
            numbers[patients] = np.nan
