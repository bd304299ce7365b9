"""Severe neutropenia after the infusion: how long and how deep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Floats, for_patients_read, window

HEMATOTOX = "CAR-HEMATOTOX, Rejeski 2021, doi 10.1182/blood.2020010543: days below 500/uL from day 0 to day 60"


@dataclass(frozen=True)
class NeutropeniaWindow(Assessment):
    """Which days below which count are severe neutropenia."""

    reads = ("neutrophils_per_ul",)

    severe_count: float = number(500.0, "1/uL", "published", HEMATOTOX)
    last_day: float = number(60.0, "day", "published", HEMATOTOX)

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give the columns of `neutropenia_outcomes`."""
        return neutropenia_outcomes(seen.times, seen.courses["neutrophils_per_ul"], self)


def days_below(times: Floats, counts: Floats, limit: float, last_day: float) -> Floats:
    """Measure the days (n,) below a count from the infusion to ``last_day``.

    Parameters
    ----------
    times, counts
        Days (k,) and counts (n, k), taken as linear between times; days without a reading do not count.
    """
    days, counts = window(times, counts, 0.0, last_day)
    low = np.minimum(counts[:, :-1], counts[:, 1:])
    high = np.maximum(counts[:, :-1], counts[:, 1:])
    with np.errstate(all="ignore"):  # flat stretches divide by zero and are decided apart
        partly = np.clip((limit - low) / (high - low), 0.0, 1.0)
    below = np.where(high == low, low < limit, np.nan_to_num(partly))
    return for_patients_read(below @ np.diff(days), counts)


def days_read(times: Floats, counts: Floats, last_day: float) -> Floats:
    """Measure the days (n,) between readings from the infusion to ``last_day``: those that a patient lived."""
    days, counts = window(times, counts, 0.0, last_day)
    known = ~np.isnan(counts)
    return for_patients_read((known[:, :-1] & known[:, 1:]) @ np.diff(days), counts)


def neutropenia_outcomes(times: Floats, neutrophils: Floats, rules: NeutropeniaWindow) -> dict[str, Floats]:
    """Measure severe neutropenia from the infusion to ``rules.last_day``.

    Parameters
    ----------
    times, neutrophils
        Days (k,) and counts per uL (n, k), taken as linear between times.

    Returns
    -------
    dict
        ``anc_below_500_days``, the days below the severe count; ``anc_nadir``, the lowest count, each (n,).
    """
    _, counts = window(times, neutrophils, 0.0, rules.last_day)
    nadir = np.where(np.isnan(counts), np.inf, counts).min(axis=1)
    return {
        "anc_below_500_days": days_below(times, neutrophils, rules.severe_count, rules.last_day),
        "anc_nadir": for_patients_read(nadir, counts),
    }
