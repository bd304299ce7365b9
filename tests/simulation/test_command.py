"""``carwright simulate`` and what other commands do with its runs."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import carwright
from carwright.errors import CarwrightError
from carwright.simulation import Simulation
from carwright.simulation.pace import PROBE, Pace, duration, measure, size
from carwright.simulation.prepare import Request, prepare

from .conftest import POPULATION

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def finished(command: Command, tmp_path: Path) -> Path:
    (tmp_path / "mine.yaml").write_text("k: {value: 0.5, sd: 0.4}\nm: 0.2\nbad: {value: 1, sd: 0.1}\n")
    done = command(
        "simulate", "chain.ant", "--population", "mine.yaml", "--patients", "40", "--days", "10", "--out", "run",
        "--functional", "max:B", "--functional", "first_day_below:A<1", "--dose", "B=bad@0", "--quiet",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert re.search(r"^max:B +[\d.]+ +[\d.]+ +[\d.]+$", done.stdout, re.MULTILINE)
    assert "Every patient was solved." in done.stdout
    assert done.stdout.splitlines()[-1] == str(tmp_path / "run")
    return tmp_path / "run"


def test_a_run_is_explained(command: Command, finished: Path) -> None:
    told = json.loads(command("explain", finished, "--patient", "3", "--json").stdout)
    assert (told["patient"], told["outcome_name"], told["explanation"]) == (3, "ok", "solved")
    assert set(told["parameters"]) == {"k", "bad"}
    assert told["functionals"]["max:B"] > 0
    text = command("explain", finished, "--patient", "3").stdout
    assert "Patient 3 of chain: solved" in text
    assert "40 patients, 0 failed" in command("explain", finished).stdout
    refused = command("explain", finished, "--patient", "40")
    assert refused.returncode == 2
    assert "0 to 39" in refused.stderr
    for question in (["--trial", "1"], ["--node", "1"], ["--arm", "x"]):
        assert "EXPLAIN001" in command("explain", finished, *question).stderr


def test_a_run_cannot_be_compared_as_a_study(command: Command, finished: Path) -> None:
    done = command("compare", finished, finished)
    assert done.returncode == 2
    assert "COMPARE003" in done.stderr


def test_json_is_the_summary(command: Command, finished: Path) -> None:
    done = command(
        "simulate", "chain.ant", "--population", "mine.yaml", "--patients", "40", "--days", "10", "--out", "run",
        "--functional", "max:B", "--functional", "first_day_below:A<1", "--dose", "B=bad@0", "--json",
    )  # fmt: skip
    summary = json.loads(done.stdout)
    assert summary.pop("folder") == str(finished)
    assert summary == json.loads((finished / "summary.json").read_text())
    assert json.loads((finished / "provenance.json").read_text())["sessions"][0]["command"].startswith(
        "carwright simulate chain.ant"
    )
    assert (finished / "model.ant").read_text() == (finished.parent / "chain.ant").read_text()


def test_a_screening_run_is_explained_by_its_own_method(command: Command) -> None:
    """Steps of the method that solved the patient; single precision is named."""
    steps = {}
    for method in ("rodas5p", "rodas4"):
        asked = ["--days", "5", "--observe", "A", "--rtol", "1e-5", "--method", method, "--quiet"]
        done = command("simulate", "chain.ant", *asked, "--out", method)
        assert "precision" not in done.stdout
        assert "Single precision, to screen" in command("simulate", "chain.ant", *asked, "--precision", "single").stdout
        told = json.loads(command("explain", method, "--patient", "0", "--json").stdout)
        steps[method] = told["solve"]["steps"]
        assert steps[method] == pytest.approx(told["steps"], abs=1)
    assert steps["rodas4"] > steps["rodas5p"]


def test_failures_are_counted_and_explained(chain: Path, command: Command, tmp_path: Path) -> None:
    """dA/dt = A**2 k explodes at t = 1 / (k A0), before the end for some patients."""
    chain.write_text("model blow()\n  A = 1; k = 1\n  A' = k*A^2\nend\n")
    run = carwright.simulate(
        chain, population={"k": {"value": 0.1, "sd": 1.5}}, patients=100, days=5, functionals=["value_at:A@5"],
        out=tmp_path / "run", threads=1,
    )  # fmt: skip
    frame = run.patients.join(run.parameters, on="patient")
    k, failed = frame["k"].to_numpy(), frame["outcome"].to_numpy() != 0
    assert 5 < failed.sum() < 60
    assert np.array_equal(failed, k > 0.2)
    assert frame["value_at:A@5"].is_null().to_list() == failed.tolist()
    np.testing.assert_allclose(frame["value_at:A@5"].drop_nulls(), 1 / (1 - 5 * k[~failed]), rtol=2e-3)
    assert run.summary["outcomes"]["failed"] == failed.sum() == sum(run.summary["outcomes"]["by_code"].values())
    worst = int(np.argmax(k))
    text = command("explain", "run", "--patient", str(worst)).stdout
    assert f"Patient {worst} of blow: FAILED" in text
    assert f"{failed.sum()} failed" in command("explain", "run").stdout


def test_xarray_is_not_needed(simulate: Callable[..., Simulation]) -> None:
    run = simulate(population=POPULATION, patients=5, at="0:12:0.5", doses=["B=4@3"], relative_tolerance=1e-9)
    try:
        import xarray  # noqa: F401
    except ImportError:
        with pytest.raises(CarwrightError, match="pip install xarray"):
            run.to_xarray()
    else:
        data = run.to_xarray()
        assert dict(data.sizes) == {"patient": 5, "day": 25}
        frame = run.courses
        assert float(data["B"].sel(patient=3, day=2.5)) == frame.filter(patient=3, day=2.5)["B"].item()


def test_the_estimate_is_about_right(chain: Path) -> None:
    """Size per patient is measured on the first and holds for all; time is only said when it matters."""
    job = prepare(Request(chain, population=POPULATION, patients=2000, days=20.0, at="0:20:1"))
    pace = measure(job, job.task.kernel())
    assert pace.values == 21 * 4 + 6 + 3
    assert 21 * 8 * 2 < pace.file_bytes < 21 * 8 * 4
    assert pace.sentence(1, 1) == ""
    slow = Pace(0.036, 2000.0, 100)
    assert slow.sentence(1_000_000, 2).startswith("about 5 h and 2 GB for 1,000,000 patients")
    assert slow.shard() == math.floor(4 / 0.036)
    assert Pace(1e-9, 1.0, 2).shard() == 16_384
    assert Pace(100.0, 1.0, 2).shard() == 32
    assert (duration(119), duration(150), size(10), size(2.34e9)) == ("120 s", "2.5 min", "1 kB", "2.3 GB")
    assert PROBE < 1000


def test_a_species_that_runs_below_zero(command: Command, tmp_path: Path) -> None:
    """A rate that goes on when its species has run out: a failure, or kept and counted when that is wanted."""
    (tmp_path / "drain.ant").write_text("model drain\n  A = 1; k = 1\n  A -> ; k\nend\n")
    (tmp_path / "rows.csv").write_text("k\n0.1\n2\n")
    asked = ["simulate", "drain.ant", "--population", "rows.csv", "--days", "2", "--functional", "min:A", "--quiet"]
    done = command(*asked, "--out", "strict")
    assert "1 of 2 patients FAILED (negative: 1)" in done.stdout
    told = json.loads(command("explain", "strict", "--patient", "1", "--json").stdout)
    assert told["outcome_name"] == "negative"
    assert told["functionals"]["min:A"] is None
    assert told["lowest"] < -1e6
    kept = command(*asked, "--out", "kept", "--allow-negative")
    assert "Every patient was solved. In 1 a species fell below zero" in kept.stdout
    told = json.loads(command("explain", "kept", "--patient", "1", "--json").stdout)
    assert told["functionals"]["min:A"] == pytest.approx(-3.0)


def test_a_limit_of_steps(command: Command, tmp_path: Path) -> None:
    done = command("simulate", "chain.ant", "--days", "9", "--max-steps", "3", "--functional", "max:B", "--out", "run")
    assert "1 of 1 patients FAILED (max_steps: 1)" in done.stdout
    refused = command("simulate", "chain.ant", "--days", "9", "--max-steps", "0")
    assert "--max-steps" in refused.stderr


def test_explain_shows_how_a_solve_went(command: Command, tmp_path: Path) -> None:
    """One that explodes, drawn again from the population; and rows, which are found only if they were kept."""
    (tmp_path / "boom.ant").write_text("model boom\n  x = 1; p = 1; y = 0; x' = p*x^2; y' = x - 2*y\nend\n")
    (tmp_path / "p.yaml").write_text("p: {value: 1, sd: 0.1}\nmg: {value: 0.1, sd: 0.1}\n")
    asked = ["simulate", "boom.ant", "--population", "p.yaml", "--patients", "3", "--days", "2", "--quiet"]
    done = command(*asked, "--dose", "x=mg@0.5", "--functional", "max:y", "--out", "drawn", "--keep", "none")
    assert "3 of 3 patients FAILED" in done.stdout
    text = command("explain", "drawn", "--patient", "2").stdout
    assert "stiffest: x grows by itself" in text
    assert re.search(r"last good state, at [01]\.", text)
    told = json.loads(command("explain", "drawn", "--patient", "2", "--json").stdout)["solve"]
    assert told["last_good_state"][0]["name"] == "x"
    assert told["last_good_state"][0]["value"] > 1e6
    assert len(told["step_history"]) == told["steps"] > 50
    (tmp_path / "rows.csv").write_text("p\n1\n0.1\n")
    asked = ["simulate", "boom.ant", "--population", "rows.csv", "--days", "2", "--functional", "max:y", "--quiet"]
    command(*asked, "--out", "kept")
    assert "end, at 2:" in command("explain", "kept", "--patient", "1").stdout
    command(*asked, "--out", "lost", "--keep", "none")
    assert "the patient's values were not kept (simulate again" in command("explain", "lost", "--patient", "1").stdout
