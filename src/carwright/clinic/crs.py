"""Cytokine release syndrome by the ASTCT 2019 consensus.

Source: Lee, Santomasso, Locke et al., Biol Blood Marrow Transplant 2019;25:625-638, doi
10.1016/j.bbmt.2018.12.758, table 2. Fever of 38.0 C or more starts the syndrome; from then on the worse of
hypotension and hypoxia makes the grade, whether or not the fever lasts, because antipyretics and anticytokine
drugs take it away:

======  ===============================  ==============================================
grade   hypotension needs                hypoxia needs
======  ===============================  ==============================================
1       (none)                           (none)
2       fluids, no vasopressor           low-flow oxygen, at most 6 L/min
3       one vasopressor                  high-flow oxygen, face mask
4       several vasopressors             positive pressure
5       death from the syndrome          (`carwright.clinic.death`)
======  ===============================  ==============================================

The model gives the mean arterial pressure that a patient would have without vasopressors and the saturation
that they would have on room air. `SignThresholds` maps them to the support that would be needed; care rules
use the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.readings import Floats

ASTCT = "Lee 2019, doi 10.1016/j.bbmt.2018.12.758, table 2"
PRESSURE = (
    "reasoned: fluids alone restore a fall of up to about 8 mmHg; one vasopressor at ordinary dose about"
    " 12 mmHg more before a second is added"
)
SATURATION = (
    "reasoned: steps of 10 mmHg of arterial oxygen on the oxyhaemoglobin curve, 85 % being about 50 mmHg (low"
    " flow no longer suffices) and 75 % about 40 mmHg, mixed venous blood (only positive pressure helps)"
)
TENTH = "reasoned: a tenth of one dose in the body still masks fever"
SUPPORT_GRADES = (2, 3, 4)


@dataclass(frozen=True)
class SignThresholds:
    """Where signs turn into grades: temperature in deg C, mean arterial pressure in mmHg, saturation in %."""

    fever: float = number(38.0, "deg C", "published", ASTCT)
    hypotension: float = number(
        65.0,
        "mmHg",
        "published",
        "Evans 2021, Surviving Sepsis, doi 10.1007/s00134-021-06506-y: target 65 mmHg",
    )
    one_vasopressor: float = number(57.0, "mmHg", "assumed", PRESSURE)
    several_vasopressors: float = number(45.0, "mmHg", "assumed", PRESSURE)
    low_flow_oxygen: float = number(92.0, "%", "assumed", "usual lower limit for oxygen by nasal cannula")
    high_flow_oxygen: float = number(85.0, "%", "assumed", SATURATION)
    positive_pressure: float = number(75.0, "%", "assumed", SATURATION)
    tocilizumab_active: float = number(0.8, "mg/kg", "assumed", TENTH)
    corticosteroid_active: float = number(1.0, "mg", "assumed", TENTH)
    anakinra_active: float = number(10.0, "mg", "assumed", TENTH)
    resolution: float = number(1.0, "day", "assumed", "resolved after 24 h without fever, hypotension and hypoxia")

    def pressure(self, grade: int) -> float:
        """Give the pressure below which hypotension alone makes ``grade`` (2 to 4)."""
        return dict(
            zip(
                SUPPORT_GRADES,
                (self.hypotension, self.one_vasopressor, self.several_vasopressors),
                strict=True,
            )
        )[grade]

    def saturation(self, grade: int) -> float:
        """Give the saturation below which hypoxia alone makes ``grade`` (2 to 4)."""
        return dict(
            zip(
                SUPPORT_GRADES,
                (self.low_flow_oxygen, self.high_flow_oxygen, self.positive_pressure),
                strict=True,
            )
        )[grade]


def support_grade(arterial_pressure: Floats, oxygen_saturation: Floats, thresholds: SignThresholds) -> Floats:
    """Grade hypotension and hypoxia alone, the worse of the two; 0 when neither needs support.

    Parameters
    ----------
    arterial_pressure
        Mean arterial pressure without vasopressors, mmHg, any shape.
    oxygen_saturation
        Saturation on room air, %, same shape.
    """
    grade = np.zeros(arterial_pressure.shape)
    for level in SUPPORT_GRADES:
        low = arterial_pressure < thresholds.pressure(level)
        grade[low | (oxygen_saturation < thresholds.saturation(level))] = level
    return grade


def crs_course(
    times: Floats,
    courses: Mapping[str, Floats],
    thresholds: SignThresholds,
    first_signs: Mapping[int, Floats] | None = None,
) -> Floats:
    """Grade every patient at every time, 0 to 4, before any death.

    The syndrome starts at a reading with fever, or with hypotension or hypoxia while an anticytokine drug is
    in the body (the drug hides the fever). It lasts until no sign has been present for
    ``thresholds.resolution``, and may start again. A patient inside the syndrome without hypotension and
    hypoxia has grade 1.

    Parameters
    ----------
    times
        Days, shape (k,).
    courses
        ``temperature`` (deg C), ``arterial_pressure`` (mmHg), ``oxygen_saturation`` (%), and the amounts in
        the body ``tocilizumab`` (mg/kg), ``corticosteroid`` (mg dexamethasone-equivalent), ``anakinra`` (mg),
        each (n, k).
    first_signs
        Grade (2 to 4) -> day on which its signs first showed, NaN for never, shape (n,). Care that answers at once can
        end the signs between two readings; the reading that follows then has at least this grade.

    Returns
    -------
    ndarray of float64, shape (n, k)
        Grades; NaN where the temperature is NaN.
    """
    # Times lead, so that each step of the loop reads memory in order.
    fever = np.ascontiguousarray((courses["temperature"] >= thresholds.fever).T)
    support = np.ascontiguousarray(
        support_grade(courses["arterial_pressure"], courses["oxygen_saturation"], thresholds).T
    )
    masked = np.ascontiguousarray(
        (
            (courses["tocilizumab"] > thresholds.tocilizumab_active)
            | (courses["corticosteroid"] > thresholds.corticosteroid_active)
            | (courses["anakinra"] > thresholds.anakinra_active)
        ).T
    )
    seen = np.zeros(support.shape, dtype=bool)
    for level, days in (first_signs or {}).items():
        patients = np.flatnonzero(days <= times[-1])
        reading = np.searchsorted(times, days[patients])
        support[reading, patients] = np.maximum(support[reading, patients], level)
        seen[reading, patients] = True
    signs = fever | (support > 0.0)
    starts = fever | seen | (masked & signs)
    # Sums of steps such as 1/24 are not exact: a reading a rounding error early has still waited 24 h.
    waiting = thresholds.resolution * (1.0 - 1e-9)
    grade = np.zeros(fever.shape)
    inside = np.zeros(fever.shape[1], dtype=bool)
    last_sign = np.full(fever.shape[1], -np.inf)
    for index in range(int(np.searchsorted(times, 0.0)), times.size):
        inside |= starts[index]
        last_sign[signs[index]] = times[index]
        inside &= times[index] - last_sign < waiting
        grade[index] = np.where(inside, np.maximum(support[index], 1.0), 0.0)
    return np.where(np.isnan(courses["temperature"]), np.nan, grade.T)


def days_at_grade(times: Floats, course: Floats, grade: int) -> Floats:
    """Count the days (n,) at ``grade`` or above; a grade (n, k) holds from its reading to the next."""
    return np.asarray((course[:, :-1] >= grade) @ np.diff(times))
