"""Gradients through the Python API and the command line, against closed forms."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.optimize import least_squares

import carwright
from carwright.errors import CarwrightError
from carwright.simulation import Simulation
from carwright.store import Run

from .conftest import POPULATION, contents


def test_a_table_of_derivatives(simulate: Callable[..., Simulation]) -> None:
    """A = 10 exp(-k t) and its first day below a level, for each patient at his own k."""
    run = simulate(
        population=POPULATION, patients=40, at="0:4:1", observe=["A"], functionals=["first_day_below:A<3"],
        gradients=["k", "m"],
    )  # fmt: skip
    assert run.summary["gradients"]["names"] == ["k", "m"]
    table = run.gradients.join(run.parameters, on="patient")
    assert table.height == 40 * 6 * 2
    k, day = table["k"].to_numpy(), table["day"].to_numpy()
    course = table["quantity"].to_numpy() == "A"
    first = table["parameter"].to_numpy() == "k"
    e = np.exp(-k * np.nan_to_num(day))
    never = 10 * np.exp(-4 * k) >= 3
    value = np.where(course, 10 * e, np.where(never, np.nan, -np.log(0.3) / k))
    slope = np.where(first, np.where(course, -10 * np.nan_to_num(day) * e, np.log(0.3) / k**2), 0.0)
    slope[never & ~course] = np.nan
    np.testing.assert_allclose(table["value"].fill_null(np.nan).to_numpy(), value, rtol=1e-4)
    np.testing.assert_allclose(table["derivative"].fill_null(np.nan).to_numpy(), slope, rtol=1e-4, atol=1e-9)


def test_same_bytes_for_any_shards_and_threads(simulate: Callable[..., Simulation]) -> None:
    asked = {"population": POPULATION, "patients": 100, "days": 6, "functionals": ["max:B"], "gradients": ["k"]}
    first = simulate(**asked, shard=7)
    second = simulate(**asked, threads=3, shard=64)
    assert contents(first.folder)["tables/gradients/part-00000.parquet"] == (
        contents(second.folder)["tables/gradients/part-00000.parquet"])  # fmt: skip


def test_the_command_line(command: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("mg\n1\n2\n")
    done = command(
        "simulate", "chain.ant", "--population", "p.csv", "--dose", "A=mg@1", "--days", "3", "--out", "run",
        "--functional", "value_at:A@3", "--gradients", "k,mg",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "4 derivatives with respect to k, mg" in done.stdout
    table = Run.read(tmp_path / "run").table("gradients").filter(pl.col("parameter") == "mg")
    np.testing.assert_allclose(table["derivative"], np.exp(-0.5 * 2), rtol=1e-5)
    refused = command("simulate", "chain.ant", "--days", "3", "--gradients", "kk,mm")
    assert refused.returncode == 2
    assert refused.stderr.count("SIMULATE005") == 2
    assert not (tmp_path / "runs").exists()


def test_calibration(chain: Path) -> None:
    """Gauss-Newton finds the parameters that made the data, with as many model solves as steps."""
    days = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
    model = carwright.differentiate(chain, ["k", "m"], at=days, observe=["A", "B"])
    assert model.quantities["day"].to_list()[:3] == [0.5, 0.5, 1.0]
    truth = np.array([0.8, 0.25])
    data, _ = model(truth)
    fit = least_squares(lambda x: model(x)[0] - data, model.start, lambda x: model(x)[1], method="lm")
    np.testing.assert_allclose(fit.x, truth, rtol=1e-6)
    assert fit.njev < 12
    values, slopes = model([truth, 2 * truth])
    assert (values.shape, slopes.shape) == ((2, 10), (2, 10, 2))
    np.testing.assert_array_equal(values[0], data)


def test_mistakes(chain: Path) -> None:
    for names, said in (([], "nothing says"), (["kk"], "did you mean 'k'?")):
        with pytest.raises(CarwrightError) as caught:
            carwright.differentiate(chain, names, days=1)
        assert said in str(caught.value)
    model = carwright.differentiate(chain, ["k"], days=1, functionals=["max:B"])
    with pytest.raises(CarwrightError, match="one value per name"):
        model([1.0, 2.0])
    with pytest.raises(CarwrightError, match=r"k = nan"):
        model([np.nan])
