"""Cytokine release and neurotoxicity after CD19 products: ``python -m calibration.inflammation`` fits.

The modules' constants were sized for a solid tumour, where few cells are activated and few die. In blood a hundred
times as many do, and the same constants would let every second patient need several vasopressors. Fitted are

- the interferon-gamma that an activated cell adds to serum, the activated and the lysed cells that activate macrophages
  by half (one common factor), ferritin's gain and what inflammation does to the marrow;
- how few activated cells with CD28 do what those with 4-1BB do to macrophages;
- the cytokines that make half of the maximal encephalopathy, and how much brains differ.

The grades of `calibration.cohorts` have a multinomial likelihood. With ``table`` after it, it prints fitted and
held-out cohorts as the models are; with ``otherwise``, what the fit would be under other assumptions. Acute myeloid
leukaemia is held out.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize

from calibration.cohorts import FITTED, GROUPS, HELD_OUT, Cohort, groups_of, log_likelihood, parts_of, simulate
from calibration.pipeline import Rows, solved

Floats = NDArray[np.float64]

STUDIES = ("tisagenlecleucel in leukaemia", "axicabtagene")
"""Groups whose medians count: those of the shipped studies."""
FERRITIN_LOW = 2035.0
"""Median peak in ng/mL, cytokine release of low grade, 184 children and young adults."""
DURATION = 8.0
"""Median days, Schuster 2021."""
DAYS_BELOW_500 = 9.0
"""Median to day 60, Rejeski 2021."""
WEIGHTS = {"ferritin": 0.3, "duration": 0.3, "days below 500": 0.15}
"""Standard deviation that each logarithm is given beside the likelihood of the grades."""

CD28 = "cd40l_half_activation with CD28"
SPREAD = "spread of encephalopathy_sensitivity"
FREE = {
    "ifn_gamma_secretion": 4e-9,
    "lysis_half_activation": 3e10,
    "ferritin_gain": 250.0,
    "inflammation_marrow_suppression": 15.0,
    CD28: 2e8,
    "encephalopathy_cytokine_half": 2000.0,
    SPREAD: 1.0,
}
"""Starting values."""
CD40L_PER_LYSIS = 0.5
"""Ratio of the two half activations, kept as in the modules: 1e9 cells to 2e9 cells a day."""
PATIENTS = 360


def rows(x: Floats) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Rows of the table, and medians that CD28 sets, at a point of the search: ln of the values of `FREE`."""
    values = {name: float(value) for name, value in zip(FREE, np.exp(x), strict=True)}
    cd28 = {"cd40l_half_activation": values.pop(CD28)}
    changed = {"encephalopathy_sensitivity": {"patients": values.pop(SPREAD)}}
    values["cd40l_half_activation"] = CD40L_PER_LYSIS * values["lysis_half_activation"]
    return changed | {name: {"value": value} for name, value in values.items()}, cd28


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


def minus_log_likelihood(simulated: Mapping[str, pl.DataFrame]) -> float:
    """Minus the logarithm of the likelihood of the fitted cohorts and of the medians of the studies."""
    groups = [simulated[name] for name in STUDIES]
    total = -log_likelihood(FITTED, simulated)
    wanted = {"ferritin": FERRITIN_LOW, "duration": DURATION, "days below 500": DAYS_BELOW_500}
    found = read(pl.concat(groups, how="diagonal"))
    # Children with leukaemia are longer without neutrophils than adults with lymphoma: each study counts.
    found["days below 500"] = float(np.exp(np.mean([np.log(read(group)["days below 500"]) for group in groups])))
    for name, sd in WEIGHTS.items():
        total += 0.5 * (np.log(max(found[name], 0.25) / wanted[name]) / sd) ** 2
    return total


def fit(evaluations: int = 180, others: Rows | None = None) -> Floats:
    """Fit by Nelder and Mead's simplex, begun twice; returns ln of the values in the order of `FREE`."""

    def objective(x: Floats) -> float:
        changed, cd28 = rows(x)
        simulated = simulate(groups_of(FITTED), {**(others or {}), **changed}, patients=PATIENTS, cd28=cd28)
        return minus_log_likelihood(simulated)

    best = np.log(list(FREE.values()))
    for size in (0.5, 0.25):
        simplex = np.vstack([best, best + size * np.eye(len(best))])
        options = {"maxfev": evaluations, "initial_simplex": simplex, "xatol": 0.02, "fatol": 0.05}
        best = np.asarray(minimize(objective, best, method="Nelder-Mead", options=options).x)
    return best


def print_fit(others: Rows | None = None) -> None:
    """Fit, and print what was found and how well."""
    changed, cd28 = rows(fit(others=others))
    simulated = simulate(GROUPS, {**(others or {}), **changed}, patients=1000, cd28=cd28)
    print({name: {key: float(f"{number:.3g}") for key, number in row.items()} for name, row in changed.items()})
    print({f"{name} with CD28": float(f"{number:.3g}") for name, number in cd28.items()})
    print(
        f"ln L of the fitted cohorts {log_likelihood(FITTED, simulated):.1f}, with the medians of the studies"
        f" {-minus_log_likelihood(simulated):.1f}; of the cohorts held out {log_likelihood(HELD_OUT, simulated):.1f}"
    )


OTHERWISE: dict[str, Rows] = {
    "corticosteroids protect the brain, too": {"steroid_brain_protection": {"value": 0.2}},
    "as much as in the prostate model": {"steroid_brain_protection": {"value": 0.7}},
    "wider spread of hypotension and hypoxia": {
        "hypotension_sensitivity": {"patients": 1.2},
        "hypoxia_sensitivity": {"patients": 1.2},
    },
}
"""Other assumptions, each fitted anew."""


def otherwise() -> None:
    """Fit under other assumptions."""
    for name, others in OTHERWISE.items():
        print(f"== {name}")
        print_fit(others)


def table(patients: int = 2000) -> None:
    """Print grades of every cohort as published and as the models give them."""
    simulated = simulate(GROUPS, {}, patients=patients)
    for title, cohorts in (("fitted", FITTED), ("held out", HELD_OUT)):
        for name, cohort in cohorts.items():
            print_cohort(f"{name} ({title})", cohort, simulated)
    for name, outcomes in simulated.items():
        print(name, {key: round(value, 1) for key, value in read(outcomes).items()}, times(name))


def print_cohort(name: str, cohort: Cohort, simulated: Mapping[str, pl.DataFrame]) -> None:
    """Print published and simulated shares, and the log-likelihood against that of the published ones."""
    for counted in cohort.counted:
        parts = parts_of(cohort, simulated)
        seen = np.asarray(counted.patients)
        print(
            f"{name}, {counted.scale} {counted.grades}: published {(seen / seen.sum()).round(3)} of {seen.sum():.0f},"
            f" simulated {counted.simulated(parts).round(3)}, ln L {counted.log_likelihood(parts):.1f}"
        )


def times(name: str, patients: int = 240) -> dict[str, float]:
    """Median onset of cytokine release and of neurotoxicity, and median days with neurotoxicity, of those with it."""
    study, conduct = GROUPS[name]
    tables = solved(study, {}, patients=patients, arms=("study",), per_population=2, conduct=conduct)
    confused = tables["courses"].filter(pl.col("encephalopathy") > 0.05, pl.col("day") <= 42)
    days = confused.group_by("patient").len()["len"]
    medians = {
        "onset of CRS": tables["patients"]["crs_onset_day"].median(),
        "onset of ICANS": tables["patients"]["icans_onset_day"].median(),
        "days of ICANS": days.median(),
    }
    return {key: float(value or np.nan) for key, value in medians.items()}  # type: ignore[arg-type]


if __name__ == "__main__":
    ACTIONS = {"fit": print_fit, "table": table, "otherwise": otherwise}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", nargs="?", default="fit", choices=ACTIONS)
    ACTIONS[parser.parse_args().action]()
