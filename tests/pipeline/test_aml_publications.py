"""What is published of AML against what the model gives through the whole pipeline, and what must hold between arms.

The CLL-1 publications were in the calibration (`calibration/aml.py`); everything about CD33, gates and grafts was not.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from carwright.pipeline.arm import arms_of
from carwright.pipeline.solve import solve_shard
from carwright.study import load_study

PATIENTS, BLOCK = 480, 40


def solve(study: str, overrides: Mapping[str, object]) -> dict[str, pl.DataFrame]:
    size = {"population.patients": PATIENTS, "population.patients_per_population": BLOCK}
    return solve_shard(arms_of(load_study(study, {**size, **overrides})), range(PATIENTS))


@pytest.fixture(scope="module")
def targets() -> dict[str, pl.DataFrame]:
    """CD33, CLL-1 and gates of them in the same patients, without rescue."""
    gates = {"cll1": "cll1", "either": "cll1-or-cd33", "both": "cd33-and-cll1", "better": "adgre2-if-better-cll1"}
    comparators = [{"name": n, "label": n, "set": {"construct.name": construct}} for n, construct in gates.items()]
    return solve("aml-target-choice", {"comparators": comparators})


@pytest.fixture(scope="module")
def grafts() -> dict[str, pl.DataFrame]:
    return solve("aml-cd33-edited-graft", {})


def infused(tables: Mapping[str, pl.DataFrame], arm: str) -> pl.DataFrame:
    return tables["patients"].filter(pl.col("arm") == arm, pl.col("infused"))


def courses(tables: Mapping[str, pl.DataFrame], arm: str, name: str, first: float, last: float) -> np.ndarray:
    """Courses (patients, days) between two days, of the patients whose courses are kept."""
    rows = tables["courses"].filter(pl.col("arm") == arm, pl.col("day").is_between(first, last))
    return rows.sort("patient", "day")[name].to_numpy().reshape(rows["patient"].n_unique(), -1)


def column(tables: Mapping[str, pl.DataFrame], arm: str, name: str) -> np.ndarray:
    """An outcome of every patient, infused or not: all of them were solved."""
    rows = tables["patients"].filter(pl.col("arm") == arm).sort("patient")
    return rows[name].cast(pl.Float64).to_numpy()


def by_population(values: np.ndarray) -> np.ndarray:
    kept = BLOCK * values.size // PATIENTS
    return values.reshape(-1, kept).mean(axis=1)


def share(patients: pl.DataFrame, flag: str) -> float:
    return float(patients[flag].cast(pl.Float64).mean() or 0.0)  # type: ignore[arg-type]


def test_remissions_of_a_trial_of_cll1_lie_around_the_published_seven_of_ten(targets: dict[str, pl.DataFrame]) -> None:
    shares = infused(targets, "cll1").group_by("population").agg(pl.col("complete_remission").mean())
    remissions = binom.cdf(np.arange(11)[:, None], 10, shares["complete_remission"].to_numpy()).mean(axis=1)
    lo, hi = np.searchsorted(remissions, [0.05, 0.95])
    assert lo <= 7 <= hi
    assert np.searchsorted(remissions, 0.5) in (6, 7, 8)


def test_cll1_empties_the_blood_spares_stem_cells_and_most_recover(targets: dict[str, pl.DataFrame]) -> None:
    patients = infused(targets, "cll1")
    assert (patients["anc_nadir"] < 500).mean() > 0.9
    assert np.median(courses(targets, "cll1", "stem_cell_fraction", 63, 63)) > 0.9
    assert share(patients, "aplasia_day60") < 0.5


def test_cd33_without_rescue_costs_stem_cells_and_leaves_most_responders_aplastic(
    targets: dict[str, pl.DataFrame],
) -> None:
    late = courses(targets, "study", "blast_fraction", 28, 56)[:, [0, -1]]
    cleared = late.min(axis=1) < 0.05
    assert np.median(courses(targets, "study", "stem_cell_fraction", 63, 63)) < 0.3
    assert (courses(targets, "study", "neutrophils_per_ul", 63, 63)[cleared] < 500).mean() > 0.5


def test_orderings_between_targets_and_gates_hold_in_these_draws(
    targets: dict[str, pl.DataFrame],
) -> None:
    """Days below 500/uL to day 60, early haematotoxicity, and the powers of ten by which leukaemia falls by day 180.

    In twelve draws of 40; the page on blood gives the shares of fifty.
    """

    def days(arm: str) -> np.ndarray:
        return by_population((courses(targets, arm, "neutrophils_per_ul", 1, 60) < 500).mean(axis=1))

    def fall(arm: str) -> np.ndarray:
        return by_population(column(targets, arm, "leukaemia_log_reduction"))

    def early(arm: str) -> np.ndarray:
        return by_population(column(targets, arm, "icaht_early"))

    assert (days("study") > days("cll1")).all()
    for part in ("study", "cll1"):
        assert (days("either") >= days(part) - 1e-9).all()
        assert (fall("either") >= fall(part) - 1e-9).all()
        assert (days("both") <= days(part) + 1e-9).all()
        assert (early("both") <= early(part)).all()
    assert (days("better") <= days("cll1") + 1e-9).all()


def test_grafts_bring_the_marrow_back(grafts: dict[str, pl.DataFrame]) -> None:
    without = share(infused(grafts, "no-graft"), "aplasia_day60")
    for arm in ("study", "unedited-graft"):
        patients = infused(grafts, arm)
        assert share(patients, "aplasia_day60") < 0.5 * without
        assert share(patients, "complete_remission") > share(infused(grafts, "no-graft"), "complete_remission")
    course = courses(grafts, "study", "neutrophils_per_ul", 29, 42)
    again = (course >= 500) & (np.arange(course.shape[1]) > course.argmin(axis=1)[:, None])
    assert np.median(np.where(again.any(axis=1), again.argmax(axis=1) + 1.0, np.inf)) == pytest.approx(10, abs=4)
    # Cells that spare the graft go on sparing it from relapse.
    assert share(infused(grafts, "study"), "relapse") < share(infused(grafts, "unedited-graft"), "relapse")


def test_cytokine_release_is_common_and_seldom_deadly(targets: dict[str, pl.DataFrame]) -> None:
    patients = infused(targets, "cll1")
    assert (patients["crs_grade"] >= 1).mean() > 0.85
    assert 0.05 < (patients["crs_grade"] >= 3).mean() < 0.6
    assert share(patients, "crs_death") < 0.05
