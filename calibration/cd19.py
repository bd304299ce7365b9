"""Fit of the blood models to the published kinetics of CD19 products: ``python -m calibration.cd19``.

Medians over virtual patients of `b-all` given tisagenlecleucel and of `lbcl` given lisocabtagene are fitted to the
typical values of the population models of Stein 2019 and Ogasawara 2021, read by the same definitions (`phases`).
How fast cells with CD28 expand is fitted to the maxima of two other cohorts given the CAR of axicabtagene. Terminal
half-lives and the levels of ZUMA-1 are in no objective.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, least_squares
from scipy.special import logit

from calibration.courses import FOLLOW_UP, courses, day_of_disease, patients_of, typical_patient
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
SPREAD_OF_CMAX = 0.9
"""SD of ln Cmax: Stein 2019 has 0.65 or, if its table gives variances, 0.81 beside a residual of 0.56; the product
label 1.1 (general knowledge)."""
TISAGENLECLEUCEL_IN_LYMPHOMA = 5800.0
"""Cmax of tisagenlecleucel in lymphoma, copies/ug (product label; general knowledge, not re-read). Awasthi 2020 says
that it is lower than in leukaemia."""
RESPONSE = 0.81
"""Share of patients in remission within three months of tisagenlecleucel (ELIANA); here the disease stays below a tenth
until day 90."""
PEAKS_WITH_CD28 = {"kochenderfer2017": (22, 98.0**0.73 * 15.0**0.27), "ayuk2021": (21, 16.14)}
"""Patients and median maximum, cells/uL, of axicabtagene's CAR in lymphoma outside ZUMA-1: 98 in remission (73 %) and
15 without (Kochenderfer 2017; joined as if the logarithms were averages); 16.14 in all (Ayuk 2021)."""
DOSE_RANGE = (1e7, 5e8)
"""Cells between which the dose may not matter: the range that was infused (0.2-5.4e6/kg, 0.1-6e8)."""
CELLS = {"tisagenlecleucel": 1.2e8, "lisocabtagene": 1.0e8, "axicabtagene": 1.5e8}
"""3.1e6/kg in 38 kg (Stein 2019); 1e8; 2e6/kg in 76 kg."""

LEAVING_BLOOD = 1.71
"""Infused cells leave the blood at this rate (/d, Singh 2021); the fit says how many of them engraft."""

PATIENTS = 240

FREE = {
    "site_proliferation": 3.2,
    "effector_death": 0.07,
    "memory_formation_rate": 0.0015,
    "engrafting share": 0.45,
    "effectors_per_tumour_cell_half_killing": 0.15,
    "car_t_capacity": 5e10,
    "tumour_burden, b-all": 2.5e10,
    "tumour_burden, lbcl": 1.6e10,
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


def followed(
    model: str, construct: str, cyclophosphamide: float, count: int
) -> tuple[dict[str, Floats], Mapping[str, Floats]]:
    """Courses over two years of the virtual patients of a product's trial, and their parameters.

    Children are dosed per body weight.
    """
    drawn = patients_of(model, construct, count).values
    size = drawn["body_weight"] / np.median(drawn["body_weight"]) if model == "b-all" else 1.0
    return courses(model, drawn, CELLS[construct] * size, cyclophosphamide, times=FOLLOW_UP), drawn


def median_phases(got: Mapping[str, Floats], values: Mapping[str, Floats]) -> Phases:
    """Median of each phase over virtual patients, each followed until the disease is back."""
    until = day_of_disease(got["tumour_cells"], values["tumour_burden"])
    read = [phases(FOLLOW_UP, course, end) for course, end in zip(got["car_copies_per_ug"], until, strict=True)]
    return Phases(**{f.name: float(np.nanmedian([getattr(row, f.name) for row in read])) for f in fields(Phases)})


def at_point(x: Floats, model: str, construct: str) -> dict[str, Floats]:
    """Parameters of the virtual patients when the medians are those of a point of the search.

    The spread between patients is multiplicative, so that a new median scales what was drawn.
    """
    drawn = dict(patients_of(model, construct, PATIENTS).values)
    medians = typical_patient(model, construct)
    wanted = parameters(x, model)
    return drawn | {name: drawn[name] * (value / medians[name]) for name, value in wanted.items()}


def peaks(model: str, values: Mapping[str, Floats], cells: float) -> Floats:
    """Highest level of each course, copies/ug."""
    highest: Floats = courses(model, values, cells, 500.0)["car_copies_per_ug"].max(axis=1)
    return highest


def residuals(x: Floats) -> dict[str, float]:
    """Logarithms of simulated over published, each weighted."""
    leukaemia = at_point(x, "b-all", "tisagenlecleucel")
    lymphoma = at_point(x, "lbcl", "lisocabtagene")
    first = courses("b-all", leukaemia, CELLS["tisagenlecleucel"], 500.0, times=FOLLOW_UP)
    second = courses("lbcl", lymphoma, CELLS["lisocabtagene"], 300.0, times=FOLLOW_UP)
    read = {
        "tisa": (median_phases(first, leukaemia), TISAGENLECLEUCEL),
        "liso": (median_phases(second, lymphoma), LISOCABTAGENE),
    }
    found = {}
    for name, (got, wanted) in read.items():
        for key in ("doubling", "tmax", "cmax", "first_half_life"):
            if np.isfinite(getattr(wanted, key)):
                found[f"{name} {key}"] = np.log(getattr(got, key) / getattr(wanted, key))
    found["tisa share_at_break"] = 0.2 * np.log(read["tisa"][0].share_at_break / TISAGENLECLEUCEL.share_at_break)
    spread = np.subtract(*np.quantile(np.log(first["car_copies_per_ug"].max(axis=1)), [0.75, 0.25])) / 1.349
    found["tisa spread of cmax"] = 0.3 * np.log(spread / SPREAD_OF_CMAX)
    respond = np.mean(day_of_disease(first["tumour_cells"], leukaemia["tumour_burden"]) > 90.0)
    found["tisa response"] = 0.2 * (logit(min(respond, 0.995)) - logit(RESPONSE))
    level = np.median(peaks("lbcl", lymphoma, 3e8))
    found["cmax in lymphoma"] = 0.3 * np.log(level / TISAGENLECLEUCEL_IN_LYMPHOMA)
    for model, values in (("b-all", leukaemia), ("lbcl", lymphoma)):
        low, high = (np.median(peaks(model, values, cells)) for cells in DOSE_RANGE)
        found[f"dose, {model}"] = np.log(high / low) - DOSE_EXPONENT * np.log(DOSE_RANGE[1] / DOSE_RANGE[0])
    return found


def fit(steps: int = 10) -> Floats:
    """Fit by least squares, with a weak pull to the start; returns ln of the values in the order of `FREE`.

    Differences are taken over a tenth, since a median of few patients is not smooth.
    """
    start = np.log(list(FREE.values()))

    def differences(x: Floats) -> Floats:
        found = np.nan_to_num(np.array(list(residuals(x).values())), nan=2.0)
        return np.concatenate([found, 0.07 * (x - start)])

    bounds = (start - 1.2, start + 1.2)
    step = 0.1 / np.maximum(np.abs(start), 1e-3)
    return np.asarray(least_squares(differences, start, bounds=bounds, diff_step=step, max_nfev=steps).x)


def fit_expansion(patients: int = 1200) -> float:
    """Proliferation of cells with CD28, /d, that gives the median maximum of `PEAKS_WITH_CD28`, by bisection."""
    drawn = dict(patients_of("lbcl", "axicabtagene", patients).values)
    median = typical_patient("lbcl", "axicabtagene")["site_proliferation"]
    number = sum(count for count, _ in PEAKS_WITH_CD28.values())
    wanted = sum(count * np.log(peak) for count, peak in PEAKS_WITH_CD28.values()) / number

    def excess(logarithm: float) -> float:
        values = drawn | {"site_proliferation": drawn["site_proliferation"] * np.exp(logarithm) / median}
        highest = courses("lbcl", values, CELLS["axicabtagene"], 500.0)["car_cells_per_ul"].max(axis=1)
        return float(np.median(np.log(highest)) - wanted)

    return float(np.exp(brentq(excess, np.log(2.0), np.log(7.0), xtol=0.01)))


if __name__ == "__main__":
    best = fit()
    for model in ("b-all", "lbcl"):
        print(model, {name: float(f"{value[0]:.3g}") for name, value in parameters(best, model).items()})
    for name, value in residuals(best).items():
        print(f"{name:28s} {value:+.3f}")
    print(f"expansion of axicabtagene, with the table's other values: {fit_expansion():.3g}")
