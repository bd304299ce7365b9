"""How long blood counts stay down, and whether the marrow comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.clinic.neutropenia import HEMATOTOX, days_below, days_read
from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Bools, Floats, for_patients_read, value_at, window

ENGRAFTMENT = "CIBMTR forms manual, ANC recovery: the first of three consecutive days at 500/uL or above"


@dataclass(frozen=True)
class Cytopenia(Assessment):
    """Which counts are severe, until when days are counted, and what recovery is."""

    reads = ("neutrophils_per_ul", "platelets_per_ul")
    flags = ("aplasia_day60",)

    severe_neutrophils: float = number(500.0, "1/uL", "published", HEMATOTOX)
    severe_platelets: float = number(
        50_000.0, "1/uL", "published", "CAR-HEMATOTOX, Rejeski 2021, doi 10.1182/blood.2020010543: severe below 50 G/L"
    )
    last_day: float = number(60.0, "day", "published", HEMATOTOX)
    aplasia_day: float = number(60.0, "day", "assumed", "two months: no induction course leaves a marrow empty as long")
    stable_days: float = number(3.0, "day", "published", ENGRAFTMENT)

    def days(self, end: float) -> Floats:
        """Give the landmarks, and weekly counts to the end."""
        landmarks = [day for day in (self.aplasia_day, self.last_day) if day <= end]
        return np.unique([*landmarks, *np.arange(0.0, end + 1e-9, 7.0)])

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Measure both counts.

        Returns
        -------
        dict
            ``anc_below_500_days`` and ``platelets_below_50_days``, from the infusion to ``last_day``;
            ``days_alive_with_neutrophils``, the days of that time on which a patient lived at or above the severe
            count: unlike the days below it, an early death does not make them look better; ``anc_nadir`` and
            ``platelet_nadir`` in that time; ``anc_recovery_day``, the first of the stable days after severe
            neutropenia (0 for a patient who never had it, NaN for one who never recovered); ``aplasia_day60``, severe
            neutropenia on the landmark day, or at death before it.
        """
        times = seen.times
        neutrophils, platelets = (seen.courses[name] for name in self.reads)
        _, early = window(times, neutrophils, 0.0, self.last_day)
        _, early_platelets = window(times, platelets, 0.0, self.last_day)
        below = days_below(times, neutrophils, self.severe_neutrophils, self.last_day)
        return {
            "anc_below_500_days": below,
            "days_alive_with_neutrophils": days_read(times, neutrophils, self.last_day) - below,
            "anc_nadir": _lowest(early),
            "platelets_below_50_days": days_below(times, platelets, self.severe_platelets, self.last_day),
            "platelet_nadir": _lowest(early_platelets),
            "anc_recovery_day": for_patients_read(
                recovery_day(times, neutrophils, self.severe_neutrophils, self.stable_days), neutrophils
            ),
            "aplasia_day60": for_patients_read(self._aplastic(seen), neutrophils),
        }

    def _aplastic(self, seen: Seen) -> Bools:
        """Find who has no neutrophils on the landmark day, or died before it without any."""
        counts, times = seen.courses["neutrophils_per_ul"], seen.times
        last = last_reading(times, counts, self.aplasia_day)
        at = value_at(times, counts, self.aplasia_day)
        return np.where(np.isnan(at), last, at) < self.severe_neutrophils


@dataclass(frozen=True)
class LongCytopenia(Cytopenia):
    """The same over a longer time, for diseases whose treatment can empty the marrow."""

    last_day: float = number(100.0, "day", "assumed", "the landmark of transplant units; 60 days cut a rescue off")


def last_reading(times: Floats, course: Floats, day: float) -> Floats:
    """Find each patient's last reading (n,) up to a day; NaN without one."""
    read = ~np.isnan(course) & (times <= day)
    column = read.shape[1] - 1 - read[:, ::-1].argmax(axis=1)
    return np.where(read.any(axis=1), course[np.arange(course.shape[0]), column], np.nan)


def recovery_day(times: Floats, counts: Floats, limit: float, stable: float) -> Floats:
    """Find the first day (n,) after the first fall below the limit from which counts stay at it for ``stable`` days.

    0 for counts that never fell after the infusion; NaN for those that never came back for long enough.
    """
    after = times >= 0.0
    days, seen = times[after], counts[:, after]
    low = seen < limit
    following = np.append(days[1:], np.inf)
    # At each reading, the first reading after the last low one: the start of the run in which the counts are.
    start = np.maximum.accumulate(np.where(low, following, -np.inf), axis=1)
    stays = ~low & ~np.isnan(seen) & np.isfinite(start) & (days - start >= stable * (1.0 - 1e-9))
    found = np.take_along_axis(start, stays.argmax(axis=1)[:, None], axis=1)[:, 0]
    return np.where(low.any(axis=1), np.where(stays.any(axis=1), found, np.nan), 0.0)


def _lowest(counts: Floats) -> Floats:
    return for_patients_read(np.where(np.isnan(counts), np.inf, counts).min(axis=1), counts)
