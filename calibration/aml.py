"""AML against the few publications: ``python -m calibration.aml`` fits.

With ``encephalopathy`` after it, it fits the one number of the brain; with ``arms`` it prints the arms of a study.

What is known of CLL-1 CAR-T cells in eighteen patients updates what was assumed about AML before: populations are drawn
from the assumptions, patients of each are solved with care and graded as in the study `aml-cll1`, and the medians move
by an ensemble Kalman update (Evensen 2009, Data assimilation, chapter 4) on the logits of the observed shares. It says
two things: new medians, and by how much less the shares differ between populations; the latter is one factor for all
rows, since which combinations remain plausible cannot be said row by row. Nothing about CD33, CD123, gates, grafts and
other ways out is in it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

from calibration.pipeline import graded, solved
from carwright.models import Parameter, load_model
from carwright.population import draw

Floats = NDArray[np.float64]

ASSUMED: dict[str, dict[str, float]] = {
    "antigen_low_fraction": {"value": 0.005},
    "bystander_killing": {"value": 0.02},
    "checkpoint_half_induction": {"value": 1e9},
    "checkpoint_induction_rate": {"value": 0.05},
    "effectors_per_tumour_cell_half_killing": {"value": 0.021},
    "endothelial_half_hypoxia": {"value": 4.0},
    "endothelial_ifn_gamma_half": {"value": 300.0},
    "endothelial_il6_half": {"value": 700.0},
    "ifn_gamma_secretion": {"value": 4.8e-9},
    "il6_secretion": {"value": 16_000.0},
    "inflammation_marrow_suppression": {"value": 10.0},
    "inhibitory_exhaustion_gain": {"value": 60.0},
    "macrophage_tolerance_onset": {"value": 0.8},
    "maximal_killing": {"value": 1.15},
    "niche_half_burden": {"value": 2e11},
    "normal_cell_killing": {"value": 0.4},
    "site_proliferation": {"value": 3.44},
    "tgf_beta_half_inhibition": {"value": 0.14},
    "tgf_beta_maximum": {"value": 0.05},
    "tumour_burden": {"value": 2e11},
    "tumour_doubling_time": {"value": 30.0},
}
"""What the rows that the update moves were before it."""

POPULATIONS, PATIENTS = 1200, 24
"""Populations, and patients in each."""

LEAST_SHIFT = 0.2
"""Rows that move by less, in standard deviations of what was assumed, stay as they are."""


@dataclass(frozen=True)
class Observation:
    """Patients in whom something was seen."""

    seen: int
    of: int
    where: pl.Expr

    @property
    def share(self) -> float:
        """Share, with half a patient on either side."""
        return (self.seen + 0.5) / (self.of + 1.0)


OBSERVED = {
    # Jin 2022: ten adults.
    "remission": Observation(7, 10, pl.col("complete_remission")),
    "severe pancytopenia": Observation(10, 10, (pl.col("anc_nadir") < 500) & (pl.col("platelet_nadir") < 50_000)),
    # Zhang 2022: eight children.
    "blasts cleared": Observation(6, 8, pl.col("blasts_cleared")),
    "no measurable residual disease": Observation(4, 8, pl.col("mrd_negative")),
    # Both.
    "cytokine release": Observation(18, 18, pl.col("crs_grade") >= 1),
    "cytokine release, grade 3 or more": Observation(6, 18, pl.col("crs_grade") >= 3),
    "death of infection": Observation(2, 18, pl.col("death_infection")),
}
"""What was seen after CLL-1 CAR-T cells; grades of the two publications are taken for ASTCT grades."""


def before() -> dict[str, dict[str, float]]:
    """Rows of the table as they were assumed: the common factor undone, then `ASSUMED`."""
    table = load_model("aml").table
    factor = table.uncertainty.factor if table.uncertainty else 1.0
    rows = {row.name: {"population": row.population / factor} for row in table.parameters}
    return {name: row | ASSUMED.get(name, {}) for name, row in rows.items()}


def shares(patients: pl.DataFrame) -> Floats:
    """Share of each observation in each population (populations, observations), with half a patient on either side."""
    sums = patients.group_by("population", maintain_order=True).agg(
        pl.len().alias("n"), *(entry.where.fill_null(value=False).sum().alias(name) for name, entry in OBSERVED.items())
    )
    of = sums["n"].to_numpy()[:, None]
    return np.asarray((sums.select(list(OBSERVED)).to_numpy() + 0.5) / (of + 1.0))


def on_its_scale(row: Parameter, value: Floats | float) -> Floats:
    """Logarithm of a value, or its logit."""
    return np.asarray(logit(value) if row.distribution == "logitnormal" else np.log(value))


def medians(rows: Mapping[str, Mapping[str, float]]) -> tuple[list[Parameter], Floats]:
    """Rows that differ between populations, and their deviates (populations, rows)."""
    table = load_model("aml").table
    changed = [row.model_copy(update=dict(rows.get(row.name, {})) | {"patients": 0.0}) for row in table.parameters]
    alike = [row for row in changed if row.distribution != "exponential"]
    drawn = draw(
        table.model_copy(update={"parameters": tuple(changed), "correlations": ()}),
        POPULATIONS * PATIENTS, seed=1, patients_per_population=PATIENTS,
    ).values  # fmt: skip
    first = np.arange(POPULATIONS) * PATIENTS
    free = [row for row in alike if row.population > 0 and np.ptp(drawn[row.name]) > 0]
    deviates = [
        (on_its_scale(row, drawn[row.name][first]) - on_its_scale(row, row.value)) / row.population for row in free
    ]
    return free, np.column_stack(deviates)


@dataclass(frozen=True)
class Update:
    """Outcome of the update.

    Parameters
    ----------
    shift
        Move of each row's median in its own standard deviations, (rows,).
    expected, updated
        Logits of the observed shares before and after, (observations,).
    narrowing
        Deviation of the logits between populations, after over before, (observations,).
    """

    shift: Floats
    expected: Floats
    updated: Floats
    narrowing: Floats


def update(deviates: Floats, simulated: Floats, ridge: float = 30.0) -> Update:
    """Kalman update of standard normal ``deviates`` (populations, rows) by shares (populations, observations).

    The shares are regressed on the deviates (``ridge`` as prior precision), which separates what medians do from the
    noise of few patients. The noise of an observation is that of a binomial share, on the logit scale.
    """
    outcomes = logit(simulated)
    inputs, centred = deviates - deviates.mean(axis=0), outcomes - outcomes.mean(axis=0)
    slopes = np.linalg.solve(inputs.T @ inputs + ridge * np.eye(inputs.shape[1]), inputs.T @ centred)
    spread = slopes.T @ slopes
    noise = np.diag([1.0 / (entry.of * entry.share * (1.0 - entry.share)) for entry in OBSERVED.values()])
    gain = slopes @ np.linalg.inv(spread + noise)
    expected = outcomes.mean(axis=0)
    shift = gain @ (logit(np.array([entry.share for entry in OBSERVED.values()])) - expected)
    left = spread - spread @ np.linalg.inv(spread + noise) @ spread
    return Update(shift, expected, expected + slopes.T @ shift, np.sqrt(np.diag(left) / np.diag(spread)))


def fit() -> None:
    """Update, and print the new medians, the factor on the deviations, and what was expected and is."""
    rows, block = before(), 100 * PATIENTS
    groups = [
        graded("aml-cll1", rows, patients=block, per_population=PATIENTS, first=first)
        for first in range(0, POPULATIONS * PATIENTS, block)
    ]
    free, deviates = medians(rows)
    found = update(deviates, shares(pl.concat(groups, how="diagonal")))
    for (name, entry), prior, posterior, ratio in zip(
        OBSERVED.items(), expit(found.expected), expit(found.updated), found.narrowing, strict=True
    ):
        print(f"{name}: {entry.seen}/{entry.of}, before {prior:.2f}, after {posterior:.2f}, deviation x {ratio:.2f}")
    print(f"factor on the deviations of all rows (geometric mean): {np.exp(np.log(found.narrowing).mean()):.2f}")
    for index in np.argsort(-np.abs(found.shift)):
        row, shift = free[index], found.shift[index]
        if abs(shift) >= LEAST_SHIFT:
            moved = on_its_scale(row, row.value) + shift * row.population
            value = float(expit(moved) if row.distribution == "logitnormal" else np.exp(moved))
            print(f"{row.name}: {row.value:.3g} -> {value:.3g} ({shift:+.2f})")


ENCEPHALOPATHY = (0.039 * 57 + 0.0) / (57 + 10)
"""Share of patients with encephalopathy of any grade: 3.9 % of 57 in a meta-analysis, none of ten in Jin 2022."""


def encephalopathy() -> None:
    """Print the cytokines for half of the maximal encephalopathy that give the published share in `aml-cll1`.

    It stands apart from the update: with the value that fits CD19 products seven in ten patients would be confused,
    which is too far for a linear step. That AML products spare the brain is no surprise: CD19 is on its mural cells.
    """
    low, high = np.log(3e3), np.log(1e6)
    for _ in range(9):
        middle = float(np.exp(0.5 * (low + high)))
        outcomes = graded("aml-cll1", {"encephalopathy_cytokine_half": {"value": middle}}, patients=960)
        share = float((outcomes["icans_grade"] >= 1).mean() or 0.0)
        print(
            f"encephalopathy_cytokine_half {middle:.3g} pg/mL: {share:.3f} of patients, published {ENCEPHALOPATHY:.3f}"
        )
        low, high = (low, np.log(middle)) if share < ENCEPHALOPATHY else (np.log(middle), high)


ARMS = (
    *("cll1", "study", "cd123", "cd33-and-cll1", "adgre2-if-better-cll1"),
    *("cd33-edited-graft", "cd33-transplant", "cd33-rescue", "cd33-switch", "cll1-or-cd33-transplant"),
)


def arms() -> None:
    """Print one line per arm of `aml-target-choice`."""
    tables = solved("aml-target-choice", {}, patients=400, arms=ARMS, per_population=40)
    columns = ("arm", "remission", "blasts below 5 % on day 28 or 56", "below 500/uL ever", "days below 500/uL")
    columns += ("below 500/uL on days 63 and 91, of those with blasts below 5 %", "stem cells on day 63")
    print(f"| {' | '.join(columns)} |")
    print("|---|---|---|---|---|---|---|")
    for name in ARMS:
        patients = tables["patients"].filter(pl.col("arm") == name)
        at = {day: tables["courses"].filter(pl.col("arm") == name, pl.col("day") == day) for day in (28, 56, 63, 91)}
        cleared = np.minimum(at[28]["blast_fraction"].to_numpy(), at[56]["blast_fraction"].to_numpy()) < 0.05
        empty = [at[day]["neutrophils_per_ul"].to_numpy()[cleared] < 500 for day in (63, 91)]
        numbers = (
            patients["complete_remission"].mean(), cleared.mean(), (patients["anc_nadir"] < 500).mean(),
            patients["anc_below_500_days"].median(), (empty[0] & empty[1]).mean(),
            np.median(at[63]["stem_cell_fraction"].to_numpy()),
        )  # fmt: skip
        print(f"| {name} | " + " | ".join(f"{number:.2f}" for number in numbers) + " |")


if __name__ == "__main__":
    ACTIONS = {"fit": fit, "encephalopathy": encephalopathy, "arms": arms}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", nargs="?", default="fit", choices=ACTIONS)
    ACTIONS[parser.parse_args().action]()
