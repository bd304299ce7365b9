"""Blood counts by the Common Terminology Criteria for Adverse Events, with the version as a parameter.

The version matters: 400 neutrophils per uL are grade 4 in versions 4.03 and 5.0 and grade 3 in version 6.0. A
grade without its version says little. Sources: CTCAE v4.03 (2010) and v5.0 (2017) of the National Cancer
Institute, which share these limits; for v6.0 (2025) a secondary listing of the neutrophil limits that cites
PMC12745037. Platelet limits of version 6.0 were not available and are refused.
"""

from __future__ import annotations

import numpy as np

from carwright.clinic.readings import Floats
from carwright.errors import CarwrightError, Problem

Limits = tuple[float, float, float, float]

NEUTROPHILS_TO_5: Limits = (1_800.0, 1_500.0, 1_000.0, 500.0)
PLATELETS_TO_5: Limits = (150_000.0, 75_000.0, 50_000.0, 25_000.0)

LIMITS: dict[str, dict[str, Limits]] = {
    "neutrophils": {
        "4.03": NEUTROPHILS_TO_5,
        "5.0": NEUTROPHILS_TO_5,
        "6.0": (1_500.0, 1_000.0, 500.0, 100.0),
    },
    "platelets": {"4.03": PLATELETS_TO_5, "5.0": PLATELETS_TO_5},
}
"""Counts per uL below which grades 1 to 4 begin. The first limit of versions 4.03 and 5.0 is the laboratory's
lower limit of normal; 1,800 neutrophils and 150,000 platelets are assumed."""


def count_grade(cell: str, counts: Floats, version: str) -> Floats:
    """Grade blood counts per uL, of any shape, 0 to 4; NaN stays NaN.

    Parameters
    ----------
    cell
        ``neutrophils`` or ``platelets``.
    counts
        Cells per uL.
    version
        CTCAE version: ``4.03``, ``5.0`` or ``6.0``.

    Raises
    ------
    CarwrightError
        If the version is unknown for these cells.
    """
    grade = sum((counts < limit).astype(np.float64) for limit in limits(cell, version))
    return np.where(np.isnan(counts), np.nan, grade)


def limits(cell: str, version: str) -> Limits:
    """Give the counts per uL below which grades 1 to 4 begin; parameters and errors as in `count_grade`."""
    if version not in LIMITS[cell]:
        known = ", ".join(LIMITS[cell])
        raise CarwrightError(
            Problem(
                "CLINIC001",
                f"no {cell} grades for this CTCAE version",
                where="ctcae_version",
                found=version,
                allowed=known,
                fix="name the version that the protocol uses",
            )
        )
    return LIMITS[cell][version]
