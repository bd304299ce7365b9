"""Death of infection during neutropenia, beside which death of CRS competes.

A patient in whom sepsis has begun (`carwright.clinic.sepsis`) carries a daily hazard of death for as long as severe
neutropenia lasts. So a long aplasia kills more than a short one, and a patient whose neutrophils come back is safe.
Deaths of infection without neutropenia and late deaths of fungi are not simulated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Floats, for_patients_read, hazard_day

MORTALITY, STAY = 0.095, 11.5
"""Deaths in hospital per episode of febrile neutropenia, and its mean stay in days: Kuderer 2006, 41,779 adults."""


@dataclass(frozen=True)
class NeutropenicInfection(Assessment):
    """Hazard of death once sepsis has begun."""

    reads = ("neutrophils_per_ul",)
    flags = ("death_infection",)

    severe_count: float = number(
        500.0, "1/uL", "published", "severe neutropenia, IDSA, Freifeld 2011, doi 10.1093/cid/cir073"
    )
    daily: float = number(
        -math.log(1.0 - MORTALITY) / STAY,
        "1/day",
        "fitted",
        "the hazard under which 9.5 % die within a stay of 11.5 days, Kuderer 2006, doi 10.1002/cncr.21847",
    )

    def uniforms(self, end: float) -> dict[str, int]:
        """Name the number that decides on death."""
        return {"infection_death": 1}

    def deaths(self, seen: Seen) -> dict[str, Floats]:
        """Draw the day of death of infection, NaN for never (n,)."""
        septic = seen.times[None, :] >= seen.sepsis_day[:, None]
        neutropenic = seen.courses["neutrophils_per_ul"] < self.severe_count
        hazard = np.where(septic & neutropenic, self.daily, 0.0)
        return {"infection": hazard_day(seen.times, hazard, seen.uniforms["infection_death"][:, 0])}

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give ``death_infection``: the patient died of infection before anything else."""
        died = ~np.isnan(seen.deaths["infection"])
        return {"death_infection": for_patients_read(died, seen.courses["neutrophils_per_ul"])}
