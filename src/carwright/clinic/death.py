"""Grade 5: death from cytokine release syndrome.

Only a patient in grade 4 can die, at a daily hazard that rises with concurrent sepsis. Anchors: Hay 2017
(Blood 130:2295, doi 10.1182/blood-2017-06-793141), 133 adults after CD19 CAR-T cells, saw grade 4 in 3.8 %
and grade 5 in 3.8 %, so that about half of those who reached grade 4 died; later series lost fewer. In
NCT03089203 the one patient with grade 4 had sepsis and died (Narayan 2022, doi 10.1038/s41591-022-01726-1).
Deaths of sepsis alone, of neurotoxicity or of cancer are not simulated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.readings import Floats, hazard_day


@dataclass(frozen=True)
class DeathHazard:
    """Hazard of death while cytokine release syndrome has grade 4."""

    daily: float = number(
        0.027,
        "1/day",
        "fitted",
        "half of the simulated patients with grade 4 die, as in Hay 2017; their grade 4 lasts some twelve days",
    )
    sepsis_factor: float = number(3.0, "1", "assumed", "sepsis triples the hazard; no figure was found")


def crs_death_day(times: Floats, crs: Floats, sepsis_day: Floats, uniforms: Floats, hazard: DeathHazard) -> Floats:
    """Draw the day of death from cytokine release syndrome (n,); NaN for survivors.

    Parameters
    ----------
    times
        Days, shape (k,).
    crs
        Grade 0-4 before death, shape (n, k).
    sepsis_day
        Day on which sepsis began, NaN for never, shape (n,).
    uniforms
        One number in (0, 1) per patient; a smaller one dies earlier, shape (n,).
    """
    septic = times[None, :] >= sepsis_day[:, None]
    daily = np.where(septic, hazard.daily * hazard.sepsis_factor, hazard.daily)
    return hazard_day(times, np.where(crs >= 4.0, daily, 0.0), uniforms)


def with_death(times: Floats, crs: Floats, death_day: Floats) -> Floats:
    """Give the CRS course (n, k) grade 5 at every time from the day of death on."""
    return np.where(times[None, :] >= death_day[:, None], 5.0, crs)
