"""Sepsis during neutropenia.

The hazard depends on the neutrophil count and on high-dose corticosteroid. Rates are those of bloodstream
infection, taken for sepsis (assumed: a bloodstream infection in severe neutropenia is managed as sepsis).
Sepsis at higher counts is rare beside it and not simulated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.readings import Floats, hazard_day


@dataclass(frozen=True)
class SepsisHazard:
    """Hazard of sepsis by neutrophil count and corticosteroid exposure."""

    severe_count: float = number(
        500.0, "1/uL", "published", "severe neutropenia, IDSA, Freifeld 2011, doi 10.1093/cid/cir073"
    )
    profound_count: float = number(
        100.0, "1/uL", "published", "profound neutropenia, IDSA, Freifeld 2011, doi 10.1093/cid/cir073"
    )
    daily: float = number(
        0.0087,
        "1/day",
        "published",
        "ONKO-KISS, doi 10.3205/10KIT087: 8.7 bloodstream infections per 1,000 neutropenic days, autologous"
        " transplant; the same in the second week of neutropenia, doi 10.1007/s15010-019-01327-0",
    )
    profound_factor: float = number(
        2.0,
        "1",
        "assumed",
        "the risk is that of counts below 100/uL, van der Meer 1979, doi 10.1007/BF01640936; the factor is"
        " 15.5 against 8.7 per 1,000 days after allogeneic and autologous transplant in ONKO-KISS, rounded",
    )
    corticosteroid_factor: float = number(
        2.08,
        "1",
        "published",
        "Rejeski 2022, doi 10.1136/jitc-2021-004475, table 2: severe infection, 9 days of dexamethasone",
    )
    high_dose: float = number(
        20.0,
        "mg",
        "assumed",
        "what 10 mg of dexamethasone a day keep in the body at a biological half-life of 36 h, rounded",
    )


def sepsis_hazard(neutrophils: Floats, corticosteroid: Floats, hazard: SepsisHazard) -> Floats:
    """Give the hazard per day from neutrophils (1/uL) and corticosteroid (mg dexamethasone in the body)."""
    daily = np.where(neutrophils < hazard.severe_count, hazard.daily, 0.0)
    daily[neutrophils < hazard.profound_count] *= hazard.profound_factor
    daily[corticosteroid > hazard.high_dose] *= hazard.corticosteroid_factor
    return daily


def sepsis_day(
    times: Floats, neutrophils: Floats, corticosteroid: Floats, uniforms: Floats, hazard: SepsisHazard
) -> Floats:
    """Draw the day on which sepsis begins after the infusion (n,); NaN for never.

    Parameters
    ----------
    times
        Days, shape (k,).
    neutrophils, corticosteroid
        Courses as in `sepsis_hazard`, shape (n, k).
    uniforms
        One number in (0, 1) per patient; a smaller one falls ill earlier, shape (n,).
    """
    return hazard_day(times, sepsis_hazard(neutrophils, corticosteroid, hazard), uniforms)
