"""Courses and functionals of the chain A -> B -> nothing against its closed form, patient by patient."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from carwright.errors import CarwrightError
from carwright.population import Distribution
from carwright.simulation import Simulation

from .conftest import FUNCTIONALS, POPULATION

Simulate = Callable[..., Simulation]


def exact(k: np.ndarray, m: np.ndarray, t: np.ndarray, dose: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """A and B at time t after a dose into A."""
    return dose * np.exp(-k * t), dose * k / (m - k) * (np.exp(-k * t) - np.exp(-m * t))


def test_courses(simulate: Simulate) -> None:
    """Two doses superpose, because the chain is linear; the second one goes to B."""
    run = simulate(population=POPULATION, patients=50, at="0:12:0.5", doses=["B=4@3"], relative_tolerance=1e-9)
    assert run.courses.columns == ["patient", "day", "A", "B"]
    frame = run.courses.join(run.parameters, on="patient")
    k, m, t = (frame[name].to_numpy() for name in ("k", "m", "day"))
    a, b = exact(k, m, t)
    later = np.where(t >= 3, 4 * np.exp(-m * (t - 3)), 0.0)
    np.testing.assert_allclose(frame["A"], a, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(frame["B"], b + later, rtol=1e-6, atol=1e-9)
    assert frame.height == 50 * 25


def test_functionals(simulate: Simulate) -> None:
    run = simulate(population=POPULATION, patients=200, days=40, functionals=FUNCTIONALS, relative_tolerance=1e-9)
    frame = run.patients.join(run.parameters, on="patient")
    k, m = frame["k"].to_numpy(), frame["m"].to_numpy()
    peak = np.log(k / m) / (k - m)
    np.testing.assert_allclose(frame["time_of_max:B"], peak, atol=1e-4)
    np.testing.assert_allclose(frame["max:B"], exact(k, m, peak)[1], rtol=1e-6)
    np.testing.assert_allclose(frame["days_below:A<1"], 40 - np.log(10) / k, atol=1e-4)
    quantiles = run.summary["functionals"]["max:B"]["quantiles"]
    assert quantiles["0.5"] == pytest.approx(float(np.median(frame["max:B"])))
    assert quantiles["1"] == frame["max:B"].max()
    assert run.summary["outcomes"] == {"ok": 200, "failed": 0, "by_code": {}, "explained": {}}


def test_windows_values_and_thresholds_by_name(simulate: Simulate) -> None:
    asked = ("value_at:A@2", "max:A@1..3", "integral:A@0..20", "first_day_below:A<m", "last_day_above:total>1e9")
    run = simulate(functionals=asked, days=20, values={"k": 1.0, "m": 0.5}, relative_tolerance=1e-9)
    row = run.patients.row(0, named=True)
    assert row["value_at:A@2"] == pytest.approx(10 * np.exp(-2.0), rel=1e-6)
    assert row["max:A@1..3"] == pytest.approx(10 * np.exp(-1.0), rel=1e-6)
    assert row["integral:A@0..20"] == pytest.approx(10 * (1 - np.exp(-20.0)), rel=1e-6)
    assert row["first_day_below:A<m"] == pytest.approx(np.log(20.0), abs=1e-4)
    assert row["last_day_above:total>1e9"] is None
    assert run.summary["functionals"]["last_day_above:total>1e9"]["without_value"] == 1


def test_doses_from_a_column(simulate: Simulate, tmp_path: Path) -> None:
    rows = pl.DataFrame({"patient": [7, 3], "k": [0.2, 0.4], "given": [5.0, 0.0]})
    run = simulate(population=rows, doses=["A=given@0"], at=[0, 1], relative_tolerance=1e-9)
    after = {(row["patient"], row["day"]): row["A"] for row in run.courses.iter_rows(named=True)}
    assert after[7, 1.0] == pytest.approx(15 * np.exp(-0.2))
    assert after[3, 1.0] == pytest.approx(10 * np.exp(-0.4))
    rows.write_csv(tmp_path / "rows.csv")
    rows.write_parquet(tmp_path / "rows.parquet")
    for name in ("rows.csv", "rows.parquet"):
        again = simulate(population=tmp_path / name, doses=["A=given@0"], at=[0, 1], relative_tolerance=1e-9)
        assert again.courses.equals(run.courses)
        assert again.parameters.equals(run.parameters)


def test_one_patient_as_the_model_stands(simulate: Simulate) -> None:
    run = simulate(days=10)
    assert run.summary["patients"] == 1
    assert run.courses["day"].to_list() == [pytest.approx(0.1 * i) for i in range(101)]
    assert "parameters" not in run.summary["tables"]
    with pytest.raises(CarwrightError, match="not kept"):
        run.parameters  # noqa: B018


@pytest.mark.parametrize(
    ("row", "reference"),
    [
        (Distribution("lognormal", 2.0, 0.5), stats.lognorm(0.5, scale=2.0)),
        (Distribution("normal", -1.0, 2.0, -2.0, 4.0), stats.truncnorm(-0.5, 2.5, -1.0, 2.0)),
        (Distribution("uniform", 3.0, 0.0, 3.0, 5.0), stats.uniform(3.0, 2.0)),
        (Distribution("exponential", 3.0), stats.expon(scale=3.0)),
        (Distribution("exponential", 3.0, 0.0, 1.0, 9.0), stats.truncexpon(8 / 3, 1.0, 3.0)),
    ],
)
def test_distributions(row: Distribution, reference: stats.rv_continuous) -> None:
    drawn = row.draw(1, "k", 0, 20_000)
    assert stats.kstest(drawn, reference.cdf).pvalue > 1e-3
    assert np.array_equal(row.draw(1, "k", 500, 10), drawn[500:510])
    assert not np.array_equal(row.draw(2, "k", 0, 10), drawn[:10])
    assert row.low <= drawn.min() <= drawn.max() <= row.high


def test_the_logit_of_a_logit_normal_is_normal() -> None:
    drawn = Distribution("logitnormal", 0.3, 0.8, 0.0, 1.0).draw(1, "f", 0, 20_000)
    centre = np.log(0.3 / 0.7)
    assert stats.kstest(np.log(drawn / (1 - drawn)), stats.norm(centre, 0.8).cdf).pvalue > 1e-3


@pytest.mark.slow
def test_sample_a_built_in_model_with_its_own_patients(tmp_path: Path) -> None:
    """The patients are those of the table: the median of the baseline PSA is the table's, within its error."""
    import carwright
    from carwright.models import load_model

    run = carwright.simulate(
        "mcrpc", patients=400, days=0.0, functionals=["value_at:psa@-6", "max:infused_cells"],
        doses=["infused_cells=1e8@-1"], threads=1, out=tmp_path / "built-in",
    )  # fmt: skip
    assert run.summary["start"] == -7
    assert run.summary["outcomes"]["ok"] == 400
    frame = run.patients.join(run.parameters, on="patient")
    assert np.allclose(frame["max:infused_cells"], 1e8)
    row = load_model("mcrpc").table.parameter("psa_baseline")
    spread = np.hypot(row.patients, row.population)
    assert abs(np.log(frame["psa_baseline"].median() / row.value)) < 4 * 1.25 * spread / np.sqrt(400)
    # In a day PSA hardly moves.
    assert np.allclose(frame["value_at:psa@-6"], frame["psa_baseline"], rtol=0.3)


def test_single_precision_says_so_and_is_close(simulate: Simulate) -> None:
    asked = {"population": POPULATION, "patients": 100, "functionals": FUNCTIONALS, "days": 12.0, "at": "0:12:1"}
    runs = [simulate(**asked, relative_tolerance=1e-4, precision=name) for name in ("double", "single")]
    (double, single), (a, b) = (run.patients for run in runs), (run.courses for run in runs)
    assert "precision" not in runs[0].summary
    assert "Single precision" in runs[1].summary["precision"]["error"]
    assert "precision: single" in (runs[1].folder / "resolved.yaml").read_text()
    assert runs[0].summary["provenance"]["digest"] != runs[1].summary["provenance"]["digest"]
    for name in FUNCTIONALS:
        np.testing.assert_allclose(single[name], double[name], rtol=5e-4, atol=1e-3)
    np.testing.assert_allclose(b["A"], a["A"], rtol=5e-4, atol=1e-4)
    again = simulate(**asked, relative_tolerance=1e-4, precision="single", shard=7)
    assert again.patients.equals(single)


def test_what_has_no_single_precision_is_refused(simulate: Simulate) -> None:
    for wish, where in (({}, "--rtol"), ({"gradients": ["k"], "relative_tolerance": 1e-4}, "--precision")):
        with pytest.raises(CarwrightError) as caught:
            simulate(days=5.0, precision="single", **wish)
        assert [problem.where for problem in caught.value.problems] == [where]
