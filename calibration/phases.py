"""Phases of a CAR-T course in blood, read as the published population models define them.

After the infusion the transgene level rises exponentially to its maximum and then falls in two phases
(Stein 2019, doi 10.1002/psp4.12388; Ogasawara 2021, PMC8613160):
``C(t) = Cmax ((1 - FB) exp(-alpha (t - Tmax)) + FB exp(-beta (t - Tmax)))``.

The published numbers are typical values of such curves over patients who were sampled on given days. Ours are medians
of the curves fitted to virtual patients on those days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Floats = NDArray[np.float64]

VISITS = np.array([1, 4, 7, 11, 14, 21, 28, 90, 180, 270, 360, 540, 720], dtype=float)
"""Days on which patients are sampled: weekly for a month, then every three and six months for two years. The days are
assumed (general knowledge of trials of CD19 products); the length is not: transgene was followed for more than two
years in leukaemia and found until day 693 in lymphoma (Awasthi 2020, Blood Adv 4:560)."""

DETECTABLE = 50.0
"""Limit of quantification of the transgene assay, copies/ug (assumed). Only the rise is read above it. The decline is
read from every level: to leave patients out who fall below it would keep those with lasting cells."""


@dataclass(frozen=True)
class Phases:
    """Phases of one course: times in days, the level in the unit of the course."""

    doubling: float
    tmax: float
    cmax: float
    first_half_life: float
    terminal_half_life: float
    share_at_break: float


def phases(days: Floats, level: Floats, until: float = np.inf, detectable: float = DETECTABLE) -> Phases:
    """Read the phases of a course (k,), ``days`` ascending from 0 or before; no visits take place after ``until``.

    The doubling time is that of the log-linear regression from the first level above ``detectable`` to the last before
    the maximum that is below half of it: what the exponential phase of the published models is fitted to. The decline
    is fitted to the logarithms of the levels on the visits after the maximum; its three numbers are nan for a patient
    with fewer than five such visits.
    """
    after = days >= 0.0
    days, level = days[after], level[after]
    top = int(np.argmax(level))
    tmax, cmax = float(days[top]), float(level[top])
    rising = np.flatnonzero((np.arange(len(days)) < top) & (level > detectable) & (level < 0.5 * cmax))
    slope = np.polyfit(days[rising], np.log(level[rising]), 1)[0] if len(rising) > 2 else np.nan
    at = VISITS[(tmax < VISITS) & (min(until, days[-1]) >= VISITS)]
    if len(at) < 5:
        return Phases(float(np.log(2) / slope), tmax, cmax, np.nan, np.nan, np.nan)
    observed = np.log(np.interp(at, days, np.maximum(level, 1e-12)))

    def residual(x: Floats) -> Floats:
        alpha, beta, share = np.exp(x[0]), np.exp(x[1]), 1.0 / (1.0 + np.exp(-x[2]))
        return (
            np.log(cmax * ((1 - share) * np.exp(-alpha * (at - tmax)) + share * np.exp(-beta * (at - tmax)))) - observed
        )

    start = np.array([np.log(0.16), np.log(0.0032), -4.8])
    fit = least_squares(residual, start, bounds=([-5.0, -9.0, -12.0], [1.0, -3.0, 0.0]))
    return Phases(
        doubling=float(np.log(2) / slope),
        tmax=tmax,
        cmax=cmax,
        first_half_life=float(np.log(2) / np.exp(fit.x[0])),
        terminal_half_life=float(np.log(2) / np.exp(fit.x[1])),
        share_at_break=float(1.0 / (1.0 + np.exp(-fit.x[2]))),
    )
