"""B-cell aplasia: normal B cells share CD19 with the disease, and their absence shows that CAR-T cells still work."""

from __future__ import annotations

from dataclasses import dataclass

from carwright.clinic.neutropenia import days_below
from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Floats


@dataclass(frozen=True)
class BCellAplasia(Assessment):
    """Count below which B cells are absent, and until when days are counted."""

    reads = ("b_cells_per_ul",)

    absent: float = number(10.0, "1/uL", "assumed", "1 % of 1,000 lymphocytes per uL, a usual limit of flow cytometry")
    last_day: float = number(180.0, "day", "assumed", "half a year, a usual landmark of persistence")

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give ``b_cell_aplasia_days``, the days without B cells from the infusion to ``last_day``."""
        return {
            "b_cell_aplasia_days": days_below(seen.times, seen.courses["b_cells_per_ul"], self.absent, self.last_day)
        }
