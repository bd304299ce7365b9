"""The calendar of a trial: accrual, staggered infusions, windows of observation, review.

Days count from the opening of the trial. Patients are enrolled only into free places of an open cohort and
infused in the order of enrolment. The first patient of a cohort to receive the assigned dose is the sentinel:
the others wait for the sentinel gap. When the next cohort opens is for `carwright.trial.course` to say.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carwright.population.streams import uniforms
from carwright.trial.settings import check_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAYS_PER_MONTH = 365.25 / 12.0

_ALLOWED: Mapping[str, tuple[float, float]] = {
    "accrual_per_month": (1e-3, 1e3),
    "dlt_window_days": (1.0, 365.0),
    "sentinel_gap_days": (0.0, 365.0),
    "review_days": (0.0, 365.0),
}


@dataclass(frozen=True, slots=True)
class Calendar:
    """Settings of the calendar.

    Parameters
    ----------
    accrual_per_month
        Patients enrolled per month while a place is free. Assumed: the accrual of NCT03089203 was not
        readable.
    dlt_window_days
        Observation for dose-limiting toxicity, from infusion. Assumed: 28 d is usual in trials of CAR-T
        cells; NCT07488546 observes to day 29.
    sentinel_gap_days
        Least time between the infusions of the first and of every other patient of a cohort. Published for
        another trial: at least 14 d in NCT07488546; assumed here.
    review_days
        From the end of the last window to the opening of the next cohort. Assumed.

    Raises
    ------
    CarwrightError
        Naming every setting that is out of range.
    """

    accrual_per_month: float = 1.0
    dlt_window_days: float = 28.0
    sentinel_gap_days: float = 14.0
    review_days: float = 7.0

    def __post_init__(self) -> None:
        check_ranges("calendar", self, _ALLOWED)

    def enrolment_gaps(self, seed: int, first: int, trials: int, width: int) -> NDArray[np.float64]:
        """Days from a free place to the enrolment that fills it, for the trials ``first`` onwards.

        Patients arrive as a Poisson process, which has no memory: the waiting time from any day is
        exponential.

        Returns
        -------
        ndarray, shape (trials, width)
            One gap per enrolment; ``width`` is the largest number of enrolments.
        """
        mean = DAYS_PER_MONTH / self.accrual_per_month
        return -mean * np.log(uniforms(seed, "trial-accrual", first, trials, width))


class CohortDiary:
    """The days of one cohort.

    Parameters
    ----------
    calendar
        Settings.
    opened
        Day on which the cohort opens.
    places
        Evaluable patients wanted.
    sentinel
        Day on which the node's sentinel was infused in an earlier cohort; None where this cohort has its own.
    """

    __slots__ = ("_calendar", "_places", "halted", "last_infusion", "opened", "sentinel")

    def __init__(self, calendar: Calendar, opened: float, places: int, sentinel: float | None = None) -> None:
        self._calendar = calendar
        self._places = [opened] * places
        self.last_infusion = -np.inf
        """Day of the latest infusion; minus infinity before the first."""
        self.sentinel = -np.inf if sentinel is None else sentinel
        """Day of the sentinel's infusion; minus infinity before it."""
        self.opened = opened
        self.halted = np.inf
        """Day from which nobody is enrolled or infused at the node any more."""

    @property
    def has_place(self) -> bool:
        """Whether a place is still to be filled."""
        return bool(self._places)

    def take_place(self) -> float:
        """Take the place that falls free first, and say on which day that is."""
        return heapq.heappop(self._places)

    def free_place(self, day: float) -> None:
        """Give a place back from ``day`` on, to be filled by a replacement."""
        heapq.heappush(self._places, day)

    def infusion_day(self, ready: float) -> float:
        """Day on which a patient whose product is ready on ``ready`` can be infused."""
        return max(ready, self.opened, self.last_infusion, self.sentinel + self._calendar.sentinel_gap_days)

    def infuse(self, day: float, *, assigned_dose: bool) -> None:
        """Record an infusion."""
        self.last_infusion = day
        if assigned_dose and self.sentinel == -np.inf:
            self.sentinel = day
