"""Risk of haematotoxicity before treatment, after the CAR-HEMATOTOX score.

Source: Rejeski 2021, Blood 138:2499, doi 10.1182/blood.2020010543. The score adds points of five laboratory values
before lymphodepletion; two or more are high risk. Haemoglobin, worth one point, is not simulated, so the score here is
a point too low in anaemic patients. It was made for CD19 CAR-T cells in lymphoma.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Floats, for_patients_read

SCORE = "CAR-HEMATOTOX, Rejeski 2021, doi 10.1182/blood.2020010543 (points read in a re-implementation)"


@dataclass(frozen=True)
class HematotoxScore(Assessment):
    """Limits of the points."""

    reads = ("platelets_per_ul", "neutrophils_per_ul", "crp", "ferritin")
    flags = ("hematotox_high",)

    platelets_one: float = number(175_000.0, "1/uL", "published", SCORE)
    platelets_two: float = number(75_000.0, "1/uL", "published", SCORE)
    neutrophils: float = number(1_200.0, "1/uL", "published", SCORE)
    crp: float = number(30.0, "mg/L", "published", SCORE)
    ferritin_one: float = number(650.0, "ng/mL", "published", SCORE)
    ferritin_two: float = number(2_000.0, "ng/mL", "published", SCORE)
    high: int = number(2, "1", "published", SCORE)

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give ``hematotox_score`` (0 to 6, without haemoglobin) and ``hematotox_high``, from the first reading."""
        platelets, neutrophils, crp, ferritin = (seen.courses[name][:, 0] for name in self.reads)
        points = (
            (platelets <= self.platelets_one).astype(np.float64)
            + (platelets < self.platelets_two)
            + (neutrophils < self.neutrophils)
            + (crp >= self.crp)
            + (ferritin >= self.ferritin_one)
            + (ferritin > self.ferritin_two)
        )
        course = seen.courses["platelets_per_ul"]
        return {
            "hematotox_score": for_patients_read(points, course),
            "hematotox_high": for_patients_read(points >= self.high, course),
        }
