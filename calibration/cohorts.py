"""Published cohorts after CD19 products: who is simulated for them, and the likelihood of the grades that were counted.

Most numbers of patients are those of table 1 of Gust 2018 (CNS Drugs 32:1091, PMC7295115), which gives shares.
Until 2018 corticosteroids were kept for neurotoxicity of grade 3; patients of these cohorts are simulated so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from calibration.pipeline import Conduct, Rows, graded

Floats = NDArray[np.float64]
Parts = Sequence[tuple[float, pl.DataFrame]]
"""Weights, and the outcomes of the virtual patients that have them."""

LATE = 3
"""Grade of neurotoxicity at which corticosteroids began in trials before 2018 (Topp 2019, of ZUMA-1)."""

GROUPS: dict[str, tuple[str, Conduct]] = {
    "tisagenlecleucel in leukaemia": ("tisagenlecleucel-ball", Conduct(steroids_from=LATE)),
    "4-1BB in lymphoma": ("axicabtagene-lbcl", Conduct("lisocabtagene", LATE)),
    "axicabtagene": ("axicabtagene-lbcl", Conduct(steroids_from=LATE)),
    "axicabtagene, corticosteroids at grade 1": ("axicabtagene-lbcl", Conduct(steroids_from=1)),
}
"""Virtual patients: a study, and what differs from it."""


@dataclass(frozen=True)
class Counted:
    """Patients of a cohort by grade.

    Parameters
    ----------
    scale
        Column of the grades.
    grades
        Lowest grade of each class, from 0 on.
    patients
        How many patients were seen in each class.
    """

    scale: str
    grades: tuple[int, ...]
    patients: tuple[float, ...]

    def simulated(self, parts: Parts) -> Floats:
        """Share of virtual patients in each class; half a patient is added to each, so that none is impossible.

        Patients whose courses could not be solved have no grade and take no part.
        """
        total = np.zeros(len(self.grades))
        for weight, patients in parts:
            edges = np.searchsorted(self.grades, patients[self.scale].drop_nulls().to_numpy(), side="right") - 1
            counts = np.bincount(edges, minlength=len(self.grades)) + 0.5
            total += weight * counts / counts.sum()
        return total

    def log_likelihood(self, parts: Parts) -> float:
        """Multinomial log-likelihood, less that of the observed shares: 0 is perfect."""
        seen = np.asarray(self.patients)
        ratio = self.simulated(parts) / np.where(seen > 0, seen / seen.sum(), 1.0)
        return float(seen @ np.log(ratio))


@dataclass(frozen=True)
class Cohort:
    """A published cohort: weights of the groups that stand for it, and what was counted."""

    groups: Mapping[str, float]
    counted: tuple[Counted, ...]
    source: str


CRS, ICANS = "crs_grade", "icans_grade"

FITTED = {
    "133 adults, 4-1BB": Cohort(
        {"tisagenlecleucel in leukaemia": 47 / 133, "4-1BB in lymphoma": 86 / 133},
        (
            Counted(CRS, (0, 1, 2, 3, 4, 5), (40, 34, 43, 6, 5, 5)),
            Counted(ICANS, (0, 1, 3), (80, 25, 28)),
        ),
        "Hay 2017 (abstract: shares) and Gust 2017, doi 10.1158/2159-8290.CD-17-0698 (28 of 133 with grade 3 or more:"
        " issue's cover text; 40 % of any grade and 47 with acute leukaemia: general knowledge, not re-read); the other"
        " 62 with lymphoma and 24 with chronic leukaemia are taken for lymphoma",
    ),
    "ELIANA": Cohort(
        {"tisagenlecleucel in leukaemia": 1.0},
        (Counted(CRS, (0, 1), (17, 58)), Counted(ICANS, (0, 1, 3, 4), (45, 20, 10, 0))),
        "Maude 2018: neurotoxicity in 30 of 75, grade 3 in 10, grade 4 in none; cytokine release in 77 %, its grades on"
        " the Penn scale, which is not comparable (a review, and PMC7295115)",
    ),
    "ZUMA-1, cohorts 1 and 2": Cohort(
        {"axicabtagene": 1.0},
        (Counted(CRS, (0, 1, 3), (7, 81, 13)), Counted(ICANS, (0, 1, 3), (36, 37, 28))),
        "Neelapu 2017: 101 patients, cytokine release 93 %, grade 3 or more 13 % (Lee scale), neurotoxicity 64 and 28 %"
        " (PMC7295115)",
    ),
}
"""Cohorts in the objectives."""

HELD_OUT = {
    "TRANSCEND NHL 001": Cohort(
        {"4-1BB in lymphoma": 1.0},
        (Counted(CRS, (0, 1, 3), (156, 108, 5)), Counted(ICANS, (0, 1, 3), (188, 54, 27))),
        "Abramson 2020: 269 patients given lisocabtagene, cytokine release 42 and 2 %, neurotoxicity 30 and 10 %",
    ),
    "ZUMA-1, cohort 4": Cohort(
        {"axicabtagene, corticosteroids at grade 1": 1.0},
        (Counted(CRS, (0, 3), (40, 1)), Counted(ICANS, (0, 3), (34, 7))),
        "Topp 2019 (abstract): 41 patients, corticosteroids from grade 1 of neurotoxicity on: grade 3 or more in 17 %",
    ),
}
"""Cohorts that no objective reads."""


def simulate(
    names: Iterable[str], rows: Rows, *, patients: int, cd28: Mapping[str, float] | None = None
) -> dict[str, pl.DataFrame]:
    """Outcomes of the virtual patients of some groups; ``cd28`` replaces medians that the CD28 product sets."""
    return {
        name: graded(
            GROUPS[name][0],
            rows,
            patients=patients,
            conduct=GROUPS[name][1],
            medians=cd28 if name.startswith("axicabtagene") else None,
        )
        for name in names
    }


def groups_of(cohorts: Mapping[str, Cohort]) -> tuple[str, ...]:
    """Name the groups that stand for some cohorts, each once."""
    return tuple(dict.fromkeys(name for cohort in cohorts.values() for name in cohort.groups))


def parts_of(cohort: Cohort, simulated: Mapping[str, pl.DataFrame]) -> Parts:
    """Virtual patients that stand for a cohort."""
    return [(weight, simulated[name]) for name, weight in cohort.groups.items()]


def log_likelihood(cohorts: Mapping[str, Cohort], simulated: Mapping[str, pl.DataFrame]) -> float:
    """Sum over cohorts and scales."""
    return sum(
        counted.log_likelihood(parts_of(cohort, simulated)) for cohort in cohorts.values() for counted in cohort.counted
    )
