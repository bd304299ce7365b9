"""Immune effector cell-associated haematotoxicity by EHA and EBMT, early and late.

Source: Rejeski 2023, Blood 142:865, doi 10.1182/blood.2023020578, with the reading of Liang's automated grading
(github.com/emilyliangmd/automatedicahtgrading): early ICAHT (day 0 to 30) goes by the longest time with neutrophils at
500/uL or below, and 100/uL or below, times apart by less than three days of recovery being one; neutropenia from the
first days to day 30 without recovery is grade 4. Late ICAHT (day 31 to 100) goes by the lowest count, provided that a
second one is low too. Counts are read once a day.

=======  ===================================  ======================================
grade    early                                late
=======  ===================================  ======================================
1        up to 6 days at 500 or below         1,500 or below
2        7 to 13 days                         1,000 or below
3        14 days or more, or 7 days at 100    500 or below
4        never above 500, or 14 days at 100   100 or below
=======  ===================================  ======================================
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Bools, Floats, for_patients_read, value_at

ICAHT = "ICAHT, Rejeski 2023, doi 10.1182/blood.2023020578"
LIANG = "automated grading of ICAHT, github.com/emilyliangmd/automatedicahtgrading"


@dataclass(frozen=True)
class Icaht(Assessment):
    """Limits and days of the grades."""

    reads = ("neutrophils_per_ul",)

    severe: float = number(500.0, "1/uL", "published", ICAHT)
    profound: float = number(100.0, "1/uL", "published", ICAHT)
    late_mild: float = number(1_500.0, "1/uL", "published", ICAHT)
    late_moderate: float = number(1_000.0, "1/uL", "published", ICAHT)
    week: int = number(7, "day", "published", ICAHT)
    fortnight: int = number(14, "day", "published", ICAHT)
    recovery: int = number(3, "day", "published", LIANG + ": recovery is three days in a row")
    early_start: int = number(3, "day", "published", LIANG + ": neutropenia that begins by day 3 and never ends")
    early_end: float = number(30.0, "day", "published", ICAHT)
    late_end: float = number(100.0, "day", "published", LIANG)

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give ``icaht_early`` and ``icaht_late``, 0 to 4; late is NaN for patients who died before day 31."""
        counts = seen.courses["neutrophils_per_ul"]
        return {
            "icaht_early": for_patients_read(self._early(seen.times, counts), counts),
            "icaht_late": self._late(seen.times, counts),
        }

    def _early(self, times: Floats, counts: Floats) -> Floats:
        daily = _daily(times, counts, 0.0, min(self.early_end, float(times[-1])))
        read = ~np.isnan(daily)
        below = (daily <= self.severe) & read
        longest = longest_run(below, self.recovery)
        profound = longest_run((daily <= self.profound) & read, self.recovery)
        last = np.maximum(read.shape[1] - 1 - read[:, ::-1].argmax(axis=1), 0)
        columns = np.arange(daily.shape[1])
        # Never recovered: low on every day that was read from one of the first days on.
        never = np.zeros(daily.shape[0], dtype=bool)
        for start in range(self.early_start + 1):
            inside = (columns >= start) & (columns <= last[:, None])
            never |= (below | ~inside).all(axis=1) & inside.any(axis=1)
        grade = np.select([longest >= self.fortnight, longest >= self.week, longest > 0], [3, 2, 1], 0)
        grade = np.maximum(grade, np.select([profound >= self.fortnight, profound >= self.week], [4, 3], 0))
        return np.where(never, 4.0, grade)

    def _late(self, times: Floats, counts: Floats) -> Floats:
        first = self.early_end + 1.0
        if times[-1] < first:
            return np.full(counts.shape[0], np.nan)
        daily = _daily(times, counts, first, min(self.late_end, float(times[-1])))
        known = np.where(np.isnan(daily), np.inf, daily)
        lowest = known.min(axis=1)
        twice = (known <= self.late_mild).sum(axis=1) >= 2
        limits = (self.late_mild, self.late_moderate, self.severe, self.profound)
        grade = sum((lowest <= limit).astype(np.float64) for limit in limits)
        return for_patients_read(np.where(twice, grade, 0.0), daily)


def _daily(times: Floats, counts: Floats, first: float, last: float) -> Floats:
    """Read counts on whole days (n, d)."""
    return np.stack([value_at(times, counts, day) for day in np.arange(first, last + 1e-9)], axis=1)


def longest_run(happens: Bools, gap: int) -> Floats:
    """Count the days (n,) of the longest run in ``happens`` (n, d), over pauses shorter than ``gap`` days."""
    longest = np.zeros(happens.shape[0])
    run, pause = np.zeros(happens.shape[0]), np.zeros(happens.shape[0])
    for day in happens.T:
        pause = np.where(day, 0.0, pause + 1.0)
        run = np.where(pause >= gap, 0.0, np.where(run > 0.0, run + 1.0, day))
        longest = np.maximum(longest, np.where(day, run, 0.0))
    return longest
