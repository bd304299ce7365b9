"""Draws from a built-in model's own table: nearly all are solved, and each that is not says why."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import carwright
from carwright.cli import story
from carwright.engine import EXPLAIN, Outcome
from carwright.store import Run

DOSES = ["cyclophosphamide=300@-5,-4,-3", "fludarabine=30@-5,-4,-3", "infused_cells=1e8@0"]


def unsolved(count: int, seed: int, folder: Path) -> pl.DataFrame:
    """Patients of the prostate model who cannot be solved; each has an outcome and a story."""
    run = carwright.simulate(
        "mcrpc", patients=count, doses=DOSES, days=180, functionals=["max:car_copies_per_ug"], keep="none", seed=seed,
        out=folder, threads=2,
    )  # fmt: skip
    failed = run.patients.filter(pl.col("outcome") > 0)
    assert run.summary["outcomes"]["failed"] == failed.height
    for patient, code in failed.select("patient", "outcome").head(5).iter_rows():
        told = story.simulated_patient(Run.read(folder), patient)
        assert told["explanation"] == EXPLAIN[Outcome(code)]
        assert told["solve"]["outcome_name"] not in (None, "ok")
        assert told["solve"]["last_good_state"]
    return failed


def test_sample_of_prior_draws(tmp_path: Path) -> None:
    assert unsolved(2_000, 2, tmp_path / "run").height <= 2


@pytest.mark.slow
def test_nearly_all_of_100_000_prior_draws_are_solved(tmp_path: Path) -> None:
    assert unsolved(100_000, 1, tmp_path / "run").height <= 100
