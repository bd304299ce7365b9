"""Antigen-low relapse: the tumour comes back without its target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Floats, first_day, for_patients_read, value_at


@dataclass(frozen=True)
class RelapseRules(Assessment):
    """What counts as regrowth and as antigen-low."""

    reads = ("tumour_cells", "antigen_low_cells")
    flags = ("antigen_low_relapse",)

    regrowth: float = number(
        0.20, "1", "assumed", "the rise of RECIST 1.1, doi 10.1016/j.ejca.2008.10.026, applied to cells"
    )
    majority: float = number(0.5, "1", "assumed", "antigen-low cells outnumber the others")
    visible_cells: float = number(
        1e9,
        "cells",
        "assumed",
        "about 1 cm3 of tumour, the least that imaging shows: regrowth below it is not seen",
    )

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give ``antigen_low_relapse``."""
        courses = seen.courses
        found = antigen_low_relapse(seen.times, courses["tumour_cells"], courses["antigen_low_cells"], self)
        return {"antigen_low_relapse": found}


def antigen_low_relapse_day(times: Floats, tumour: Floats, antigen_low: Floats, rules: RelapseRules) -> Floats:
    """Find the first day after the infusion (n,) of an antigen-low relapse; NaN for never.

    On that day the tumour is at least 20 % above its lowest earlier size since the infusion and large enough
    to be seen, and antigen-low cells are the majority, having been the minority on day 0.

    Parameters
    ----------
    times, tumour, antigen_low
        Days (k,), all tumour cells and the antigen-low ones (n, k).
    """
    since = times >= 0.0
    days, cells, low = times[since], tumour[:, since], antigen_low[:, since]
    regrown = cells >= (1.0 + rules.regrowth) * np.fmin.accumulate(cells, axis=1)
    escaped = low > rules.majority * cells
    before = value_at(times, antigen_low, 0.0) <= rules.majority * value_at(times, tumour, 0.0)
    return first_day(days, regrown & (cells >= rules.visible_cells) & escaped & before[:, None])


def antigen_low_relapse(times: Floats, tumour: Floats, antigen_low: Floats, rules: RelapseRules) -> Floats:
    """Tell whether patients (n,) had an antigen-low relapse, 1 or 0; parameters as above."""
    return for_patients_read(~np.isnan(antigen_low_relapse_day(times, tumour, antigen_low, rules)), tumour)
