"""Fit of the blood models to the published kinetics of CD19 products: ``python -m calibration.cd19``.

Medians over virtual patients of `b-all` given tisagenlecleucel and of `lbcl` given lisocabtagene are fitted to the
typical values of the population models of Stein 2019 and Ogasawara 2021, read by the same definitions (`phases`).
Terminal half-lives and everything about axicabtagene are not in the objective.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from calibration.courses import TIMES, courses, days_below, patients_of, typical_patient
from calibration.phases import Phases, phases

Floats = NDArray[np.float64]

TISAGENLECLEUCEL = Phases(
    doubling=0.78, tmax=9.3, cmax=24000.0, first_half_life=4.3, terminal_half_life=217.0, share_at_break=0.0079
)
"""Stein 2019, table 1 (90 patients; 24,000 copies/ug)."""
LISOCABTAGENE = Phases(
    doubling=0.755, tmax=9.29, cmax=np.nan, first_half_life=5.0, terminal_half_life=352.0, share_at_break=np.nan
)
"""Ogasawara 2021, abstract (261 patients; no level is given there)."""
DOSE_EXPONENT = 0.093
"""Exponent of the dose in Cmax, Stein 2019 (read through a re-implementation)."""
DAYS_BELOW_500 = 9.0
"""Rejeski 2021: median to day 60."""
DOSE_RANGE = (1e7, 5e8)
"""Cells between which the dose may not matter: the range that was infused (0.2-5.4e6/kg, 0.1-6e8)."""
CELLS = {"tisagenlecleucel": 1.2e8, "lisocabtagene": 1.0e8, "axicabtagene": 1.5e8}
"""3.1e6/kg in 38 kg (Stein 2019); 1e8; 2e6/kg in 76 kg."""

LEAVING_BLOOD = 1.71
"""Infused cells leave the blood at this rate (/d, Singh 2021); the fit says how many of them engraft."""

PATIENTS = 96

FREE = {
    "site_proliferation": 2.75,
    "effector_death": 0.1,
    "memory_formation_rate": 0.0012,
    "engrafting share": 0.45,
    "inflammation_marrow_suppression": 5.5,
    "tumour_burden, b-all": 1.8e10,
    "tumour_burden, lbcl": 4.2e10,
}
"""Starting values."""


def parameters(x: Floats, model: str) -> dict[str, Floats]:
    """Model parameters at a point of the search, ln of the values in the order of `FREE`."""
    value = dict(zip(FREE, np.exp(x), strict=True))
    share = min(value.pop("engrafting share"), 0.99)
    burdens = {name: value.pop(f"tumour_burden, {name}") for name in ("b-all", "lbcl")}
    named = value | {
        "engraftment_rate": LEAVING_BLOOD * share,
        "infused_loss_rate": LEAVING_BLOOD * (1 - share),
        "tumour_burden": burdens[model],
    }
    return {name: np.array([number]) for name, number in named.items()}


def median_phases(level: Floats) -> Phases:
    """Median of each phase over the courses (n, k)."""
    read = [phases(TIMES, course) for course in level]
    return Phases(**{f.name: float(np.nanmedian([getattr(row, f.name) for row in read])) for f in fields(Phases)})


def at_point(x: Floats, model: str, construct: str) -> dict[str, Floats]:
    """Parameters of the virtual patients when the medians are those of a point of the search.

    The spread between patients is multiplicative, so that a new median scales what was drawn.
    """
    drawn = dict(patients_of(model, construct, PATIENTS).values)
    medians = typical_patient(model, construct)
    wanted = parameters(x, model)
    return drawn | {name: drawn[name] * (value / medians[name]) for name, value in wanted.items()}


def residuals(x: Floats) -> dict[str, float]:
    """Logarithms of simulated over published, each weighted."""
    leukaemia = at_point(x, "b-all", "tisagenlecleucel")
    lymphoma = at_point(x, "lbcl", "lisocabtagene")
    tisa = median_phases(courses("b-all", leukaemia, CELLS["tisagenlecleucel"], 500.0)["car_copies_per_ug"])
    second = courses("lbcl", lymphoma, CELLS["lisocabtagene"], 300.0)
    liso = median_phases(second["car_copies_per_ug"])
    found = {}
    for name, got, wanted in (("tisa", tisa, TISAGENLECLEUCEL), ("liso", liso, LISOCABTAGENE)):
        for key in ("doubling", "tmax", "cmax", "first_half_life"):
            if np.isfinite(getattr(wanted, key)):
                found[f"{name} {key}"] = np.log(getattr(got, key) / getattr(wanted, key))
    found["tisa share_at_break"] = 0.2 * np.log(tisa.share_at_break / TISAGENLECLEUCEL.share_at_break)
    peaks = [np.median(courses("b-all", leukaemia, c, 500.0)["car_copies_per_ug"].max(axis=1)) for c in DOSE_RANGE]
    found["dose"] = np.log(peaks[1] / peaks[0]) - DOSE_EXPONENT * np.log(DOSE_RANGE[1] / DOSE_RANGE[0])
    days = float(np.median(days_below(second["neutrophils_per_ul"], 500.0)))
    found["days below 500"] = 0.5 * np.log(max(days, 0.5) / DAYS_BELOW_500)
    return found


def objective(x: Floats, start: Floats) -> float:
    """Sum of squares, with a weak pull to the start."""
    found = np.nan_to_num(np.array(list(residuals(x).values())), nan=2.0)
    return float(10.0 * np.sum(found**2) + 0.05 * np.sum((x - start) ** 2))


def fit(evaluations: int = 350) -> Floats:
    """Fit by Nelder and Mead's simplex; returns ln of the values in the order of `FREE`."""
    start = np.log(list(FREE.values()))
    simplex = np.vstack([start, start + 0.2 * np.eye(len(start))])
    options = {"maxfev": evaluations, "initial_simplex": simplex}
    return np.asarray(minimize(objective, start, args=(start,), method="Nelder-Mead", options=options).x)


if __name__ == "__main__":
    best = fit(220)
    for model in ("b-all", "lbcl"):
        print(model, {name: float(f"{value[0]:.3g}") for name, value in parameters(best, model).items()})
    for name, value in residuals(best).items():
        print(f"{name:28s} {value:+.3f}")
