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
    days, counts = window(times, neutrophils, 0.0, rules.last_day)
    low = np.minimum(counts[:, :-1], counts[:, 1:])
    high = np.maximum(counts[:, :-1], counts[:, 1:])
    with np.errstate(all="ignore"):  # flat stretches divide by zero and are decided apart
        partly = np.clip((rules.severe_count - low) / (high - low), 0.0, 1.0)
    below = np.where(high == low, low < rules.severe_count, np.nan_to_num(partly))
    nadir = np.where(np.isnan(counts), np.inf, counts).min(axis=1)
    return {
        "anc_below_500_days": for_patients_read(below @ np.diff(days), counts),
        "anc_nadir": for_patients_read(nadir, counts),
    }
