"""Response of lymphoma: a proxy for the Lugano criteria by the number of lymphoma cells.

The criteria (Cheson 2014, doi 10.1200/JCO.2013.54.8800; as printed in PMC5298348, table 2) go by lesions on images.
Here a patient has one burden of cells. Its volume goes with the cells, and the products of diameters that the criteria
compare go with the volume to the power of two thirds: half the products are 0.5 ** 1.5 = 35 % of the cells. A complete
response is a burden that imaging would not show. New lesions are not simulated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.clinic.leukaemia_response import visits_until
from carwright.clinic.numbers import number
from carwright.clinic.panel import Assessment, Seen
from carwright.clinic.readings import Floats, first_day, for_patients_read, value_at

LUGANO = "Lugano criteria on CT, PMC5298348, table 2"
CATEGORIES = ("NR", "PR", "CR")
"""Categories by their code."""

NR, PR, CR = range(3)


@dataclass(frozen=True)
class LymphomaResponse(Assessment):
    """Limits of the proxy."""

    reads = ("tumour_cells", "antigen_low_cells")
    flags = ("cr", "overall_response", "relapse", "relapse_antigen_low")

    partial_fall: float = number(0.5, "1", "published", LUGANO + ": fall of the sum of products of diameters")
    progression_rise: float = number(0.5, "1", "published", LUGANO + ": rise of a product of diameters from its nadir")
    visible_cells: float = number(1e9, "cells", "assumed", "about 1 cm3 of tumour, the least that imaging shows")
    majority: float = number(0.5, "1", "assumed", "antigen-low cells outnumber the others when lymphoma is back")

    def days(self, end: float) -> Floats:
        """Give the days of imaging."""
        return visits_until(end)

    def cells_after(self, change: float) -> float:
        """Give the factor on cells that goes with a factor ``1 + change`` on products of diameters."""
        return float((1.0 + change) ** 1.5)

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Judge the best response over the visits and relapse after it.

        Returns
        -------
        dict
            ``response_category`` (0 none, 1 partial, 2 complete), ``response_day``, ``cr``, ``overall_response``
            (partial or complete); ``relapse_day`` (first reading after the first response at which lymphoma can be
            seen and has grown from its lowest by the rise of the criteria), ``relapse`` and ``relapse_antigen_low``
            (NaN for patients who never responded).
        """
        times, cells = seen.times, seen.courses["tumour_cells"]
        visits = visits_until(float(times[-1]))
        before = value_at(times, cells, 0.0)
        at = np.stack([value_at(times, cells, float(day)) for day in visits], axis=1)
        partial = at <= self.cells_after(-self.partial_fall) * before[:, None]
        codes = np.where(at < self.visible_cells, CR, np.where(partial, PR, NR))
        best = codes.max(axis=1)
        responded = first_day(visits, codes > NR)
        since = np.where(times >= 0.0, cells, np.inf)
        nadir = np.fmin.accumulate(np.where(np.isnan(since), np.inf, since), axis=1)
        grown = (cells >= self.cells_after(self.progression_rise) * nadir) & (cells >= self.visible_cells)
        back = first_day(times, grown & (times > responded[:, None]))
        column, rows = np.searchsorted(times, np.nan_to_num(back)), np.arange(back.size)
        low = seen.courses["antigen_low_cells"][rows, column] > self.majority * cells[rows, column]
        responder = best > NR
        values = {
            "response_category": best.astype(np.float64),
            "response_day": np.where(responder, first_day(visits, codes == best[:, None]), np.nan),
            "cr": best == CR,
            "overall_response": responder,
            "relapse_day": back,
            "relapse": np.where(responder, ~np.isnan(back), np.nan),
            "relapse_antigen_low": np.where(responder, ~np.isnan(back) & low, np.nan),
        }
        return {name: for_patients_read(value, cells) for name, value in values.items()}
