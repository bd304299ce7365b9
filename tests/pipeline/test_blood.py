"""A small run of a blood disease: the same patients in all arms, interventions that act, a report that draws it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from carwright.cli.story.response import responses
from carwright.disease import find_disease
from carwright.pipeline import run_study
from carwright.report import write_report
from carwright.store import Run
from carwright.store.progress import Quiet
from carwright.study import load_study

ARMS = ("study", "unedited-graft", "no-graft")
PROMISED = (
    *("cr", "cri", "crh", "mlfs", "mrd_negative", "aplasia_day60", "anc_below_500_days", "platelets_below_50_days"),
    *("death_infection", "relapse", "relapse_antigen_low"),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The edited graft, the same without the edit and none; one kernel serves all of them."""
    graft = {"name": "transplant", "day": 28, "conditioning": True, "amount": 7.6e6}
    arms = {"unedited-graft": ("Unedited graft on day 28", [graft]), "no-graft": ("No graft", [])}
    study = load_study(
        "aml-cd33-edited-graft",
        {
            "population.patients": 80,
            "population.patients_per_population": 8,
            "trials": 20,
            "comparators": [
                {"name": name, "label": label, "set": {"interventions": given}} for name, (label, given) in arms.items()
            ],
        },
    )
    folder = tmp_path_factory.mktemp("runs") / "blood"
    with Run.open(
        folder,
        as_given=study.as_given,
        resolved=study.to_yaml(),
        digest=study.digest,
        command="test",
        progress=Quiet(),
    ) as opened:
        opened.finish(run_study(study, opened, threads=2, progress=Quiet()))
    return Run.read(folder)


def column(run: Run, arm: str, name: str) -> np.ndarray:
    rows = run.table("patients").filter(pl.col("arm") == arm).sort("patient")
    return rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()


def test_every_promised_quantity_stands_in_every_arm_with_its_difference(run: Run) -> None:
    for name in PROMISED:
        quantity = run.summary["quantities"][name]
        assert tuple(quantity["by_arm"]) == ARMS
        for arm, entry in quantity["by_arm"].items():
            assert {"estimate", "lo", "hi"} <= set(entry)
            assert ("difference" in entry) == (arm != "study")
        own = {end: quantity[end] for end in ("estimate", "lo", "hi")}
        assert quantity["by_arm"]["study"] == own
        other = run.summary["comparators"]["no-graft"]
        assert quantity["by_arm"]["no-graft"]["difference"] == other["differences"][name]


def test_arms_are_the_same_until_the_graft_is_prepared(run: Run) -> None:
    courses = run.table("courses").filter(pl.col("day") <= 21).sort("arm", "patient", "day")
    first, *others = (courses.filter(pl.col("arm") == arm) for arm in ARMS)
    for other in others:
        for name in ("neutrophils_per_ul", "leukaemic_cells", "car_cells_per_ul"):
            np.testing.assert_allclose(first[name].to_numpy(), other[name].to_numpy(), rtol=1e-4, atol=1e-6)


def test_only_a_graft_makes_a_chimera_and_the_edited_one_stays(run: Run) -> None:
    last = run.table("courses").filter(pl.col("day") == 84)
    graft = {arm: last.filter(pl.col("arm") == arm)["graft_chimerism"].drop_nulls().to_numpy() for arm in ARMS}
    assert (graft["no-graft"] == 0).all()
    assert np.median(graft["study"]) > 0.95
    assert np.mean(graft["study"]) >= np.mean(graft["unedited-graft"])


def test_an_edited_graft_costs_fewer_days_than_the_same_graft_without_the_edit(run: Run) -> None:
    edited, unedited = (column(run, arm, "anc_below_500_days") for arm in ARMS[:2])
    alive = np.isnan(column(run, "study", "death_day")) & np.isnan(column(run, "unedited-graft", "death_day"))
    # Cells that are spared feed the CAR-T cells of a few patients, and so prolong their inflammation a little.
    assert (edited[alive] <= unedited[alive] + 2.0).all()
    assert edited[alive].mean() < unedited[alive].mean()


def test_categories_exclude_each_other_and_deaths_compete(run: Run) -> None:
    for arm in ARMS:
        best = sum(column(run, arm, name) for name in ("cr", "crh", "cri", "mlfs"))
        assert set(best) <= {0.0, 1.0}
        assert (best == column(run, arm, "blasts_cleared")).all()
        relapse, cleared = column(run, arm, "relapse"), column(run, arm, "blasts_cleared")
        assert (np.isnan(relapse) == (cleared == 0)).all()
        died = ~np.isnan(column(run, arm, "death_day"))
        assert (column(run, arm, "crs_death") + column(run, arm, "death_infection") == died).all()


def test_the_report_draws_every_figure_of_the_disease(run: Run) -> None:
    text = write_report(Path(run.folder)).read_text(encoding="utf-8")
    articles = {part.split('"')[0].replace("-", "_"): part for part in text.split('<article class="figure" id="')[1:]}
    sections = ("choice", "comparison", "response", "marrow", "cells", "toxicity")
    own = [section for section in find_disease("aml").sections if section.name in sections]
    names = [name for section in own for name in section.figures]
    assert len(own) == len(sections)
    assert [name for name in names if "This figure is absent" in articles[name]] == []
    board = articles["tumour_board"]
    assert "CD33-deleted graft on day 28" in board
    assert board.count("Unedited graft on day 28") > 3


def test_a_patient_is_told_in_words(run: Run) -> None:
    told = [responses(row) for row in run.table("patients").iter_rows(named=True)]
    assert all(len(lines) == 2 for lines in told)
    assert all(lines[0].startswith("best response ") and "ICAHT grade" in lines[1] for lines in told)
    assert any("never came back" in lines[1] for lines in told)
    assert any("; back on day " in lines[1] for lines in told)
