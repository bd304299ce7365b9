"""Lymphodepletion regimens as data: which drug, how much, on which days before the infusion.

Amounts are per m2 of body surface, as prescribed and as the model's exposure states hold them (mg/m2), so a
patient's body surface does not enter again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from carwright.clinic.readings import Floats
from carwright.errors import CarwrightError, Problem
from carwright.yamlfile import nearest


@dataclass(frozen=True)
class DrugDays:
    """One drug of a regimen: ``drug`` is the model's exposure state, ``days`` count from the infusion."""

    drug: str
    mg_per_m2: float
    days: tuple[float, ...]


@dataclass(frozen=True)
class Regimen:
    """A lymphodepletion regimen and where it is described."""

    name: str
    label: str
    drugs: tuple[DrugDays, ...]
    source: str


class DosingColumns(NamedTuple):
    """Doses in the order of time: day and state of each (m,), amount for each patient (n, m), mg/m2."""

    times: Floats
    targets: tuple[str, ...]
    amounts: Floats


def _fludarabine_cyclophosphamide(cyclophosphamide: float, source: str) -> Regimen:
    days = (-5.0, -4.0, -3.0)
    return Regimen(
        f"flu-cy-{cyclophosphamide:.0f}-30x3",
        f"cyclophosphamide {cyclophosphamide:.0f} mg/m2 and fludarabine 30 mg/m2 a day, 3 days",
        (DrugDays("cyclophosphamide", cyclophosphamide, days), DrugDays("fludarabine", 30.0, days)),
        source,
    )


REGIMENS: dict[str, Regimen] = {
    regimen.name: regimen
    for regimen in (
        Regimen("none", "no lymphodepletion", (), "NCT03089203, cohorts 1 and 2 (ClinicalTrials.gov)"),
        _fludarabine_cyclophosphamide(
            300.0, "NCT03089203, cohorts 3 and -3 (ClinicalTrials.gov); days -5 to -3 assumed"
        ),
        _fludarabine_cyclophosphamide(
            500.0, "axicabtagene ciloleucel, prescribing information, section 2.2: days -5 to -3"
        ),
    )
}
"""The known regimens by name."""


def find_regimen(name: str) -> Regimen:
    """Find the regimen of a name.

    Raises
    ------
    CarwrightError
        If no regimen has this name.
    """
    if name not in REGIMENS:
        raise CarwrightError(
            Problem(
                "CLINIC003",
                "unknown lymphodepletion regimen",
                where="lymphodepletion",
                found=name,
                allowed=", ".join(REGIMENS),
                fix=nearest(name, list(REGIMENS)),
            )
        )
    return REGIMENS[name]


def dosing_columns(name: str, patients: int) -> DosingColumns:
    """List the doses of a regimen for a number of patients, as `carwright.engine.Dosing` takes them.

    Raises
    ------
    CarwrightError
        If no regimen has this name.
    """
    doses = sorted((day, entry.drug, entry.mg_per_m2) for entry in find_regimen(name).drugs for day in entry.days)
    amounts = np.array([amount for _, _, amount in doses])
    return DosingColumns(
        times=np.array([day for day, _, _ in doses]),
        targets=tuple(drug for _, drug, _ in doses),
        amounts=np.tile(amounts, (patients, 1)),
    )
