"""Phases of a CAR-T course in blood, read as the published population models define them.

After the infusion the transgene level rises exponentially to its maximum and then falls in two phases
(Stein 2019, doi 10.1002/psp4.12388; Ogasawara 2021, PMC8613160):
``C(t) = Cmax ((1 - FB) exp(-alpha (t - Tmax)) + FB exp(-beta (t - Tmax)))``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

Floats = NDArray[np.float64]

VISITS = np.array([0, 1, 2, 4, 7, 9, 11, 14, 17, 21, 28, 42, 60, 90, 120, 180, 270, 360], dtype=float)
"""Days after the maximum at which the decline is sampled; published trials sampled for about a year."""

DETECTABLE = 50.0
"""Limit of quantification of the transgene assay, copies/ug (assumed)."""


@dataclass(frozen=True)
class Phases:
    """Phases of one course: times in days, the level in the unit of the course."""

    doubling: float
    tmax: float
    cmax: float
    first_half_life: float
    terminal_half_life: float
    share_at_break: float


def phases(days: Floats, level: Floats, detectable: float = DETECTABLE) -> Phases:
    """Read the phases of a course (k,), ``days`` ascending from 0 or before to at least a year after the maximum.

    The doubling time is that of the log-linear regression from the first level above ``detectable`` to the last before
    the maximum that is below half of it: what the exponential phase of the published models is fitted to.
    """
    after = days >= 0.0
    days, level = days[after], level[after]
    top = int(np.argmax(level))
    tmax, cmax = float(days[top]), float(level[top])
    rising = np.flatnonzero((np.arange(len(days)) < top) & (level > detectable) & (level < 0.5 * cmax))
    slope = np.polyfit(days[rising], np.log(level[rising]), 1)[0] if len(rising) > 2 else np.nan
    at = tmax + VISITS[tmax + VISITS <= days[-1]]
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
