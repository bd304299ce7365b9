"""The update of the AML model against a closed form."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit, logit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from calibration import aml


def test_the_update_is_the_one_of_a_linear_gaussian_model(monkeypatch):
    rng = np.random.default_rng(1)
    slopes = np.array([[0.8, -0.3], [0.0, 0.6], [0.0, 0.0]])
    deviates = rng.standard_normal((40_000, 3))
    seen = {"first": aml.Observation(7, 10, pl.lit(1)), "second": aml.Observation(2, 18, pl.lit(1))}
    monkeypatch.setattr(aml, "OBSERVED", seen)
    got = aml.update(deviates, expit(deviates @ slopes))
    noise = np.diag([1 / (o.of * o.share * (1 - o.share)) for o in seen.values()])
    precision = np.eye(3) + slopes @ np.linalg.inv(noise) @ slopes.T
    wanted = np.linalg.solve(precision, slopes @ np.linalg.inv(noise) @ logit([o.share for o in seen.values()]))
    np.testing.assert_allclose(got.shift, wanted, atol=0.02)
    left = np.diag(slopes.T @ np.linalg.inv(precision) @ slopes)
    np.testing.assert_allclose(got.narrowing, np.sqrt(left / np.diag(slopes.T @ slopes)), atol=0.02)


def test_rows_before_the_update_are_those_of_the_modules_where_nothing_replaces_them():
    rows = aml.before()
    assert set(aml.ASSUMED) <= set(rows)
    assert rows["maximal_killing"]["value"] == 1.15
    assert rows["encephalopathy_cytokine_half"]["population"] == pytest.approx(0.7)
