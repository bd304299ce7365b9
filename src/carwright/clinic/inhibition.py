"""Inhibitory molecules in the tumour, before and after transfer.

NCT03089203 compared biopsies before and after the infusion and found several inhibitory molecules
up-regulated (Narayan 2022, doi 10.1038/s41591-022-01726-1). The biopsies here are taken on the day of the
infusion and on `BiopsyDay.after`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Floats, value_at

MOLECULES = ("inhibitory_index", "pd_l1", "tim_3", "tigit")


@dataclass(frozen=True)
class BiopsyDay(Assessment):
    """Day of the second biopsy."""

    reads = (*MOLECULES, "site_inhibition")

    after: float = number(28.0, "day", "assumed", "a biopsy at the end of the dose-limiting-toxicity window")

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give the columns of `inhibition_outcomes`."""
        return inhibition_outcomes(seen.times, seen.courses, self)


def inhibition_outcomes(times: Floats, courses: Mapping[str, Floats], biopsy: BiopsyDay) -> dict[str, Floats]:
    """Compare inhibitory molecules before and after, each (n,).

    Parameters
    ----------
    times, courses
        Days (k,) and the courses of `MOLECULES` and of ``site_inhibition``, the share of function that a CAR-T
        cell loses in the tumour to these molecules and to TGF-beta (n, k).

    Returns
    -------
    dict
        ``inhibitory_index_baseline``, ``inhibitory_index_day28``, ``site_inhibition_day28`` and
        ``<molecule>_fold_day28`` (second biopsy over first; NaN when the first shows none, or the patient died
        before the second).
    """
    before = {name: value_at(times, courses[name], 0.0) for name in MOLECULES}
    after = {name: value_at(times, courses[name], biopsy.after) for name in MOLECULES}
    outcomes = {
        "inhibitory_index_baseline": before["inhibitory_index"],
        "inhibitory_index_day28": after["inhibitory_index"],
        "site_inhibition_day28": value_at(times, courses["site_inhibition"], biopsy.after),
    }
    for name in MOLECULES:
        present = np.where(before[name] > 0.0, before[name], np.nan)
        outcomes[f"{name}_fold_day28"] = after[name] / present
    return outcomes
