"""Response of acute leukaemia, from marrow blasts, blasts in blood, neutrophils and platelets on visit days.

The categories are those that ELN 2022 for AML and ELN 2024 for ALL share (`carwright.clinic.aml_response`,
`carwright.clinic.all_response`), from the best to none:

======  ================================================================================================
CR      blasts below 5 %, none in blood, neutrophils and platelets recovered
CRh     as CR with partly recovered counts
CRi     as CR with counts that have not recovered
MLFS    blasts below 5 %, none in blood, no counts needed, the marrow not merely empty
PR      blasts 5 to 25 %, at most half of what they were, none in blood, neutrophils and platelets recovered
NR      none of these
======  ================================================================================================

Extramedullary disease and Auer rods are not simulated. A patient who died before a visit did not respond at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Bools, Floats, first_day, for_patients_read, value_at

CATEGORIES = ("NR", "PR", "MLFS", "CRi", "CRh", "CR")
"""Categories by their code, 0 to 5: the better, the higher."""

NR, PR, MLFS, CRI, CRH, CR = range(6)

VISITS = (28.0, 60.0, 90.0)
"""Days on which the marrow is looked at (assumed: a month, two and three after the infusion, as in trials of CAR-T)."""

DIFFERENTIAL = "assumed: one blast in a differential of 200 cells at 2,000 leukocytes per uL; criteria say none"


def visits_until(end: float) -> Floats:
    """List the visits up to a day, or that day alone before the first."""
    return np.array([day for day in VISITS if day <= end] or [end])


@dataclass(frozen=True)
class Findings:
    """What a visit finds, shape (n,) each; NaN without a patient to look at.

    Parameters
    ----------
    blasts, blasts_before
        Share of blasts among the nucleated cells of the marrow, at the visit and before treatment.
    circulating
        Blasts in blood, 1/uL.
    neutrophils, platelets
        Counts, 1/uL.
    cellularity
        Nucleated cells of the marrow over those of a healthy one.
    """

    blasts: Floats
    blasts_before: Floats
    circulating: Floats
    neutrophils: Floats
    platelets: Floats
    cellularity: Floats


@dataclass(frozen=True)
class LeukaemiaResponse(Assessment):
    """Limits of the categories; a subclass gives them the numbers and sources of its disease."""

    reads: ClassVar[tuple[str, ...]] = (
        *("blast_fraction", "blasts_per_ul", "neutrophils_per_ul", "platelets_per_ul", "marrow_cellularity"),
        *("leukaemic_cells", "antigen_low_cells"),
    )
    flags: ClassVar[tuple[str, ...]] = (
        *("cr", "crh", "cri", "mlfs", "complete_remission", "blasts_cleared", "mrd_negative"),
        *("relapse", "relapse_antigen_low"),
    )

    blasts: float
    partial_blasts: float
    partial_fall: float
    neutrophils: float
    platelets: float
    partial_neutrophils: float
    partial_platelets: float
    recovered_counts: int
    cellularity: float
    circulating: float
    residual: float
    majority: float = number(0.5, "1", "assumed", "antigen-low cells outnumber the others when leukaemia is back")

    def days(self, end: float) -> Floats:
        """Give the visit days."""
        return visits_until(end)

    def category(self, found: Findings) -> Floats:
        """Judge findings: the code (n,) in `CATEGORIES`, NaN without findings."""
        free = found.circulating < self.circulating
        cleared = (found.blasts < self.blasts) & free
        neutrophils, platelets = found.neutrophils >= self.neutrophils, found.platelets >= self.platelets
        partly = (found.neutrophils >= self.partial_neutrophils) & (found.platelets >= self.partial_platelets)
        recovered = neutrophils.astype(int) + platelets
        fallen = found.blasts <= (1.0 - self.partial_fall) * found.blasts_before
        partial = (found.blasts >= self.blasts) & (found.blasts <= self.partial_blasts) & fallen & free
        code = np.select(
            [
                cleared & neutrophils & platelets,
                cleared & partly,
                cleared & (recovered >= self.recovered_counts),
                cleared & (found.cellularity >= self.cellularity),
                partial & neutrophils & platelets,
            ],
            [CR, CRH, CRI, MLFS, PR],
            NR,
        )
        return np.where(np.isnan(found.blasts), np.nan, code)

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Judge the best response over the visits, its day, residual disease and relapse.

        Returns
        -------
        dict
            ``response_category`` (code of the best category) and ``response_day`` (first visit with it, NaN without
            one); ``cr``, ``crh``, ``cri``, ``mlfs`` (the best category is this one); ``complete_remission`` (CR, CRh or
            CRi); ``blasts_cleared`` (these or MLFS); ``leukaemia_log_reduction`` (powers of ten by which leukaemic
            cells fell from the infusion to their lowest, to one cell at most: the only measure of response here that
            blood counts have no part in); ``mrd_negative`` (blasts cleared, and residual disease below the limit at a
            visit); ``relapse_day`` (first reading after the first cleared visit with blasts in marrow or blood),
            ``relapse`` and ``relapse_antigen_low`` (most cells on that day lack the antigen; both NaN for patients
            whose blasts were never cleared).
        """
        courses, times = seen.courses, seen.times
        visits = visits_until(float(times[-1]))
        before = value_at(times, courses["blast_fraction"], 0.0)
        found = [self._findings(seen, before, float(day)) for day in visits]
        codes = np.stack([self.category(entry) for entry in found], axis=1)
        known = np.nan_to_num(codes)
        best: Floats = np.asarray(known.max(axis=1))
        negative = np.stack([entry.blasts < self.residual for entry in found], axis=1) & (known >= MLFS)
        cleared_day = first_day(visits, known >= MLFS)
        course = courses["blast_fraction"]
        back = self._relapse_day(seen, cleared_day)
        cleared = best >= MLFS
        low = self._share_low(seen, back)
        values: dict[str, Floats | Bools] = {
            "response_category": best,
            "response_day": np.where(best > NR, first_day(visits, known == best[:, None]), np.nan),
            "cr": best == CR,
            "crh": best == CRH,
            "cri": best == CRI,
            "mlfs": best == MLFS,
            "complete_remission": best >= CRI,
            "blasts_cleared": cleared,
            "leukaemia_log_reduction": self._fall(seen),
            "mrd_negative": np.asarray(negative.any(axis=1)),
            "relapse_day": back,
            "relapse": np.where(cleared, ~np.isnan(back), np.nan),
            "relapse_antigen_low": np.where(cleared, (low > self.majority).astype(np.float64), np.nan),
        }
        return {name: for_patients_read(value, course) for name, value in values.items()}

    def _findings(self, seen: Seen, before: Floats, day: float) -> Findings:
        at = {name: value_at(seen.times, seen.courses[name], day) for name in self.reads[:5]}
        return Findings(
            blasts=at["blast_fraction"],
            blasts_before=before,
            circulating=at["blasts_per_ul"],
            neutrophils=at["neutrophils_per_ul"],
            platelets=at["platelets_per_ul"],
            cellularity=at["marrow_cellularity"],
        )

    def _fall(self, seen: Seen) -> Floats:
        after = seen.times >= 0.0
        cells = np.maximum(seen.courses["leukaemic_cells"][:, after], 1.0)
        return np.asarray(np.log10(cells[:, 0] / np.nan_to_num(cells, nan=np.inf).min(axis=1)))

    def _relapse_day(self, seen: Seen, cleared_day: Floats) -> Floats:
        courses = seen.courses
        blasts = (courses["blast_fraction"] >= self.blasts) | (courses["blasts_per_ul"] >= self.circulating)
        return first_day(seen.times, blasts & (seen.times > cleared_day[:, None]))

    def _share_low(self, seen: Seen, day: Floats) -> Floats:
        """Share (n,) of antigen-low cells on each patient's day, 0 for patients without one."""
        column = np.searchsorted(seen.times, np.nan_to_num(day))
        rows = np.arange(day.size)
        cells = seen.courses["leukaemic_cells"][rows, column]
        share = seen.courses["antigen_low_cells"][rows, column] / np.where(cells > 0.0, cells, np.inf)
        return np.where(np.isnan(day), 0.0, share)
