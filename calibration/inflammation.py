"""Fit of cytokine release in blood cancers to CD19 products: ``python -m calibration.inflammation``.

The modules' constants were sized for a solid tumour, where few cells are activated and few die. In blood a hundred
times as many do, and the same constants would let every second patient need several vasopressors. Fitted are the
interferon-gamma that an activated cell adds to serum, the activated and the lysed cells that activate macrophages by
half (by one common factor), ferritin's gain and what inflammation does to the marrow. Patients of `b-all` and `lbcl`
with the care of their studies count alike. Acute myeloid leukaemia is held out.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize

from calibration.pipeline import graded

Floats = NDArray[np.float64]

STUDIES = ("tisagenlecleucel-ball", "axicabtagene-lbcl")
GRADES = np.array([0.300, 0.260, 0.320, 0.045, 0.038, 0.038])
"""Shares of grade 0 to 5 in 133 adults, Hay 2017."""
GRADED = 133
FERRITIN_LOW = 2035.0
"""Median peak in ng/mL, cytokine release of low grade, 184 children and young adults."""
DURATION = 8.0
"""Median days, Schuster 2021."""
DAYS_BELOW_500 = 9.0
"""Median to day 60, Rejeski 2021."""
WEIGHTS = {"ferritin": 0.3, "duration": 0.3, "days below 500": 0.15}
"""Standard deviation that each logarithm is given beside the likelihood of the grades."""

FREE = {
    "ifn_gamma_secretion": 1e-8,
    "lysis_half_activation": 1.5e10,
    "ferritin_gain": 500.0,
    "inflammation_marrow_suppression": 10.0,
}
"""Starting values."""
CD40L_PER_LYSIS = 0.5
"""Ratio of the two half activations, kept as in the modules: 1e9 cells to 2e9 cells a day."""
PATIENTS = 240


def rows(x: Floats) -> dict[str, dict[str, float]]:
    """Rows of the table at a point of the search, ln of the values in the order of `FREE`."""
    values = {name: float(value) for name, value in zip(FREE, np.exp(x), strict=True)}
    values["cd40l_half_activation"] = CD40L_PER_LYSIS * values["lysis_half_activation"]
    return {name: {"value": value} for name, value in values.items()}


def read(outcomes: pl.DataFrame) -> dict[str, float]:
    """Medians that publications give."""
    low = outcomes.filter(pl.col("crs_grade").is_in([1, 2]))
    sick = outcomes.filter(pl.col("crs_grade") > 0)
    found = {
        "ferritin": low["ferritin_peak"].median(),
        "duration": sick["crs_days"].median(),
        "days below 500": outcomes["anc_below_500_days"].median(),
    }
    return {name: float(value or np.nan) for name, value in found.items()}  # type: ignore[arg-type]


def shares(outcomes: pl.DataFrame) -> Floats:
    """Share of patients by grade, (6,); half a patient is added to each grade, so that none is impossible."""
    counts = np.bincount(outcomes["crs_grade"].to_numpy().astype(int), minlength=6) + 0.5
    return np.asarray(counts / counts.sum())


def objective(x: Floats) -> float:
    """Minus the logarithm of the likelihood."""
    groups = [graded(study, rows(x), patients=PATIENTS) for study in STUDIES]
    total = -GRADED * float(GRADES @ np.log(np.mean([shares(group) for group in groups], axis=0)))
    wanted = {"ferritin": FERRITIN_LOW, "duration": DURATION, "days below 500": DAYS_BELOW_500}
    found = read(pl.concat(groups, how="diagonal"))
    # Children with leukaemia are longer without neutrophils than adults with lymphoma: each study counts.
    found["days below 500"] = float(np.exp(np.mean([np.log(read(group)["days below 500"]) for group in groups])))
    for name, sd in WEIGHTS.items():
        total += 0.5 * (np.log(max(found[name], 0.25) / wanted[name]) / sd) ** 2
    return total


def fit(evaluations: int = 150) -> Floats:
    """Fit by Nelder and Mead's simplex; returns ln of the values in the order of `FREE`."""
    start = np.log(list(FREE.values()))
    simplex = np.vstack([start, start + 0.5 * np.eye(len(start))])
    options = {"maxfev": evaluations, "initial_simplex": simplex, "xatol": 0.02, "fatol": 0.05}
    return np.asarray(minimize(objective, start, method="Nelder-Mead", options=options).x)


def main() -> None:
    """Fit, and print what was fitted and what was not."""
    best = rows(fit())
    print({name: float(f"{row['value']:.3g}") for name, row in best.items()})
    for study in (*STUDIES, "aml-cll1"):  # the last one with its own table
        outcomes = graded(study, best if study in STUDIES else {}, patients=1000)
        print(study, shares(outcomes).round(3), {name: round(value, 1) for name, value in read(outcomes).items()})


if __name__ == "__main__":
    main()
