"""Haemophagocytic lymphohistiocytosis (macrophage activation syndrome), by ferritin.

An axis apart from the CRS grade, which it does not change, but a complication of the syndrome: it is called once CRS
of any grade has begun. The usual screening limit is a peak ferritin above 10,000 ng/mL during CRS, to which two organ
toxicities must be added (Neelapu 2018, doi 10.1038/nrclinonc.2017.148). Liver, kidney and marrow are not simulated,
so ferritin must decide alone, and alone 10,000 ng/mL is too low: of patients with high-grade CRS but no HLH-like
syndrome the quartiles are 2,186, 5,467 and 14,614, of those with the syndrome 38,305, 92,204 and 221,638 (184 children
and young adults, ashpublications.net/view-large/11742545). The limit here lies where both groups, taken as log-normal,
are mistaken for the other equally often.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.readings import Floats, first_day

HIGH_GRADE_CRS = (2_186.0, 5_467.0, 14_614.0)
HLH_LIKE = (38_305.0, 92_204.0, 221_638.0)
"""Quartiles of the highest ferritin, ng/mL, of high-grade CRS without and with HLH-like syndrome."""


def equal_error_limit(lower: tuple[float, float, float], upper: tuple[float, float, float]) -> float:
    """Find the value that equal shares of two log-normal groups lie on the wrong side of.

    Each group is given by its quartiles; ``upper`` should lie above the value and ``lower`` below. Their
    log-widths stand for the standard deviations (the factor cancels).
    """
    wide = [math.log(group[2] / group[0]) for group in (lower, upper)]
    weighted = wide[1] * math.log(lower[1]) + wide[0] * math.log(upper[1])
    return math.exp(weighted / sum(wide))


@dataclass(frozen=True)
class HlhLimit:
    """Ferritin that makes the diagnosis."""

    ferritin: float = number(
        equal_error_limit(HIGH_GRADE_CRS, HLH_LIKE),
        "ng/mL",
        "fitted",
        "equal-error limit of the quartiles of CRS with and without HLH-like syndrome, view-large/11742545",
    )


def hlh_day(times: Floats, ferritin: Floats, crs: Floats, limit: HlhLimit) -> Floats:
    """Find the first day after the infusion (n,) with ferritin at the limit, CRS having begun; NaN for never.

    Parameters
    ----------
    times
        Days, shape (k,).
    ferritin, crs
        Ferritin in ng/mL and CRS grade, shape (n, k).
    limit
        Limit of ferritin.
    """
    begun = np.logical_or.accumulate(crs >= 1.0, axis=1)
    return first_day(times, (ferritin >= limit.ferritin) & begun & (times >= 0.0))
