"""Table of the CD19 kinetics against publications, fitted and held out: ``python -m calibration.cd19_table``.

Prints the rows of the table in ``docs/explanation/blood-against-publications.md``: medians over virtual patients, and
the typical patient beside them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.cd19 import CELLS, DOSE_RANGE, LISOCABTAGENE, TISAGENLECLEUCEL, followed, median_phases, peaks
from calibration.courses import FOLLOW_UP, TIMES, courses, days_below, patients_of, typical_patient
from calibration.phases import phases

Floats = NDArray[np.float64]

PATIENTS = 1200
AXICABTAGENE = {7: 27.5, 14: 9.1, 28: 2.1, 90: 0.1}
"""CAR-T cells per uL by day, medians of ZUMA-1 (Kimmel 2021)."""
QUANTITIES = ("doubling", "tmax", "cmax", "first_half_life", "terminal_half_life")


def product_rows(
    name: str, construct: str, cyclophosphamide: float, wanted: object
) -> list[tuple[str, float, float, float]]:
    """Quantity, published, typical patient, median of the population."""
    many = median_phases(*followed(name, construct, cyclophosphamide, PATIENTS))
    one = courses(name, typical_patient(name, construct), CELLS[construct], cyclophosphamide, times=FOLLOW_UP)
    typical = phases(FOLLOW_UP, one["car_copies_per_ug"][0])
    return [
        (
            f"{construct} {quantity}",
            getattr(wanted, quantity),
            getattr(typical, quantity),
            getattr(many, quantity),
        )
        for quantity in QUANTITIES
    ]


def main() -> None:
    """Print the table."""
    rows = product_rows("b-all", "tisagenlecleucel", 500.0, TISAGENLECLEUCEL)
    rows += product_rows("lbcl", "lisocabtagene", 300.0, LISOCABTAGENE)
    drawn = patients_of("lbcl", "axicabtagene", PATIENTS).values
    axi = courses("lbcl", drawn, CELLS["axicabtagene"], 500.0)
    one = courses("lbcl", typical_patient("lbcl", "axicabtagene"), CELLS["axicabtagene"], 500.0)
    for day, wanted in AXICABTAGENE.items():
        at = int(np.searchsorted(TIMES, day))
        rows.append((f"axicabtagene, cells/uL on day {day}", wanted, one["car_cells_per_ul"][0, at],
                     float(np.median(axi["car_cells_per_ul"][:, at]))))  # fmt: skip
    for row in rows:
        print(f"{row[0]:42s} {row[1]:10.4g} {row[2]:10.4g} {row[3]:10.4g}   {row[3] / row[1]:.2f}")
    for name, construct in (("b-all", "tisagenlecleucel"), ("lbcl", "lisocabtagene")):
        drawn = patients_of(name, construct, PATIENTS).values
        low, high = (np.median(peaks(name, drawn, cells)) for cells in DOSE_RANGE)
        print(f"{name}: median Cmax at {DOSE_RANGE[1]:g} over that at {DOSE_RANGE[0]:g} cells: {high / low:.2f}")
    after = TIMES >= 28.0
    for name, construct in (("b-all", "tisagenlecleucel"), ("lbcl", "axicabtagene")):
        drawn = patients_of(name, construct, PATIENTS).values
        got = courses(name, drawn, CELLS[construct], 500.0)
        peak = got["car_cells_per_ul"].max(axis=1)
        burden = drawn["tumour_burden"]
        first = got["tumour_cells"][:, after & (TIMES <= 90.0)].max(axis=1) < 0.1 * burden
        days = days_below(got["neutrophils_per_ul"], 500.0)
        at = int(np.searchsorted(TIMES, 28.0))
        print(
            f"{name}, {construct}: responders {first.mean():.2f}, peak {np.median(peak[first]):.1f} and "
            f"{np.median(peak[~first]):.1f} cells/uL; days below 500/uL {np.median(days):.1f} "
            f"({np.quantile(days, 0.25):.1f}-{np.quantile(days, 0.75):.1f}); above 1,000/uL on day 28 "
            f"{(got['neutrophils_per_ul'][:, at] >= 1000).mean():.2f}"
        )


if __name__ == "__main__":
    main()
