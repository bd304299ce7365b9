"""Immune effector cell-associated neurotoxicity syndrome by the ASTCT 2019 consensus, adults.

Source: Lee 2019, doi 10.1016/j.bbmt.2018.12.758, tables 5 and 6. Only the score of the bedside examination
(ICE, 0 to 10 points) and the level of consciousness are simulated; seizures, motor findings and cerebral
oedema are not, so grades 3 and 4 that they alone would make are missing.

The model's encephalopathy index is 0 without impairment and 1 when the score is 0; above
`IcansThresholds.unarousable` the patient cannot be roused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.readings import Floats

POINTS = 10
LOWEST_SCORE_WITHOUT = {1: 10, 2: 7, 3: 3}
"""Lowest ICE score that a grade does not reach: 7-9 points are grade 1, 3-6 grade 2, 0-2 grade 3."""


@dataclass(frozen=True)
class IcansThresholds:
    """Depth of encephalopathy at which consciousness, not the score, makes the grade."""

    unarousable: float = number(
        1.5,
        "1",
        "assumed",
        "half as deep again as the loss of the last ICE point; no data link index and arousal",
    )

    def index(self, grade: int) -> float:
        """Give the encephalopathy index above which a patient has ``grade`` (1 to 4); care rules use it."""
        if grade in LOWEST_SCORE_WITHOUT:
            return 1.0 - (LOWEST_SCORE_WITHOUT[grade] - 0.5) / POINTS  # scores are rounded half up
        return self.unarousable


def ice_score(encephalopathy: Floats) -> Floats:
    """Score an encephalopathy index of any shape, 0 to 10 whole ICE points; NaN stays NaN."""
    return np.clip(np.floor(POINTS * (1.0 - encephalopathy) + 0.5), 0.0, float(POINTS))


def icans_course(times: Floats, encephalopathy: Floats, thresholds: IcansThresholds) -> Floats:
    """Grade every patient at every time (n, k), 0 to 4; 0 before the infusion, NaN without a reading."""
    score = ice_score(encephalopathy)
    grade = np.zeros(encephalopathy.shape)
    for level, lowest in LOWEST_SCORE_WITHOUT.items():
        grade[score < lowest] = level
    grade[encephalopathy > thresholds.unarousable] = 4.0
    grade[:, times < 0.0] = 0.0
    return np.where(np.isnan(encephalopathy), np.nan, grade)
