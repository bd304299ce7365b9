from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from carwright.errors import CarwrightError
from carwright.trial.posterior import two_parameter
from carwright.trial.posterior.two_parameter import (
    BivariateNormal,
    TwoParameterPosterior,
    log_ratios,
    scaled_doses,
)

PRIOR = BivariateNormal((-0.5, 0.2), (2.0, 1.0), 0.3)
X = log_ratios((1, 2.5, 5, 10, 25), 25.0)


def some_tables() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    patients = rng.multinomial(10, [0.2] * 5, size=60) * rng.integers(0, 4, size=(60, 1))
    corners = 30 * np.tile(np.eye(5, dtype=np.int64), (3, 1))
    dlts = np.concatenate([np.zeros((5, 5), dtype=np.int64), corners[5:10], corners[10:] // 3])
    return np.concatenate([patients, corners]), np.concatenate([rng.binomial(patients, 0.3), dlts])


def test_published_example(reference: Path) -> None:
    for case in json.loads((reference / "blrm.json").read_text())["cases"]:
        prior = BivariateNormal(tuple(case["prior_mu"]), tuple(case["prior_sd"]), case["prior_rho"])
        posterior = TwoParameterPosterior(log_ratios(case["doses"], case["dref"]), prior)
        n, y = np.array([case["n"]]), np.array([case["y"]])
        fit = posterior.fit(n, y)
        np.testing.assert_allclose(fit.mean_probability[0], case["mean"], atol=1e-9)
        np.testing.assert_allclose(fit.deviation[0], case["post_sd"], atol=1e-9)
        np.testing.assert_allclose(fit.log_alpha[0], [case["E_log_alpha"], case["SD_log_alpha"]], atol=1e-9)
        np.testing.assert_allclose(fit.log_beta[0], [case["E_log_beta"], case["SD_log_beta"]], atol=1e-9)
        found = posterior.interval_probabilities(n, y, case["interval_bounds"][1:-1])[0]
        np.testing.assert_allclose(found, case["interval_probs"], atol=1e-6)
        np.testing.assert_allclose(posterior.mean_probability(n, y), fit.mean_probability, atol=1e-15)


def test_denser_nodes_and_all_of_them_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    n, y = some_tables()
    posterior = TwoParameterPosterior(X, PRIOR)
    mean, above = posterior.mean_probability(n, y), posterior.probability_above(n, y, (0.2, 0.35))
    evidence = posterior.fit(n, y).log_evidence
    original = two_parameter._grid
    monkeypatch.setattr(two_parameter, "_grid", lambda x, prior, room: original(x, prior, room, density=2.5))
    monkeypatch.setattr(two_parameter, "_NEGLIGIBLE", np.inf)
    two_parameter._shares.cache_clear()
    np.testing.assert_allclose(mean, posterior.mean_probability(n, y), atol=1e-8)
    np.testing.assert_allclose(above, posterior.probability_above(n, y, (0.2, 0.35)), atol=1e-8)
    np.testing.assert_allclose(evidence, posterior.fit(n, y).log_evidence, atol=1e-8)
    two_parameter._shares.cache_clear()


def test_importance_sampling_agrees() -> None:
    n, y = np.array([[3, 3, 6, 3, 0]]), np.array([[0, 1, 1, 2, 0]])
    rng = np.random.default_rng(11)
    covariance = [[4.0, 0.6], [0.6, 1.0]]
    alpha, beta = rng.multivariate_normal(PRIOR.means, covariance, size=400_000).T
    predictor = alpha[:, None] + np.exp(beta)[:, None] * np.asarray(X)
    p = 1.0 / (1.0 + np.exp(-predictor))
    weight = np.prod(p**y * (1 - p) ** (n - y), axis=1)
    weight /= weight.sum()
    spread = 1.0 / np.sqrt((weight**2).sum() ** -1)
    posterior = TwoParameterPosterior(X, PRIOR)
    fit = posterior.fit(n, y)
    np.testing.assert_allclose(fit.mean_probability[0], weight @ p, atol=5 * spread * 0.2)
    np.testing.assert_allclose(
        posterior.probability_above(n, y, (0.33,))[0, :, 0], weight @ (p > 0.33), atol=5 * spread
    )


def test_intervals_share_out_one_and_the_curve_rises() -> None:
    n, y = some_tables()
    posterior = TwoParameterPosterior(X, PRIOR)
    shares = posterior.interval_probabilities(n, y, (0.16, 0.33, 0.6))
    np.testing.assert_allclose(shares.sum(axis=2), 1.0, atol=1e-12)
    assert (shares > -1e-9).all()
    assert (np.diff(posterior.mean_probability(n, y), axis=1) > 0).all()
    assert (np.diff(posterior.probability_above(n, y, (0.33,))[:, :, 0], axis=1) > -1e-9).all()


def test_order_of_rows_and_repeats_change_nothing() -> None:
    n, y = some_tables()
    posterior = TwoParameterPosterior(X, PRIOR)
    alone = np.concatenate([posterior.mean_probability(n[[row]], y[[row]]) for row in range(0, 75, 9)])
    again = posterior.mean_probability(np.tile(n, (3, 1))[::-1], np.tile(y, (3, 1))[::-1])[::-1][:75:9]
    np.testing.assert_allclose(alone, again, atol=1e-9)


def test_scaled_doses_return_the_skeleton() -> None:
    skeleton, means = (0.1, 0.2, 0.4), (3.0, 0.3)
    predictor = means[0] + np.exp(means[1]) * np.asarray(scaled_doses(skeleton, means))
    np.testing.assert_allclose(1 / (1 + np.exp(-predictor)), skeleton)


def test_mistakes_are_named_all_at_once() -> None:
    with pytest.raises(CarwrightError) as caught:
        log_ratios((1.0, -2.0, 0.5), 0.0)
    assert {problem.code for problem in caught.value.problems} == {"TRIAL213", "TRIAL214", "TRIAL215"}
    with pytest.raises(CarwrightError) as caught:
        BivariateNormal((np.nan, 0.0), (1.0, -1.0), 1.0)
    assert {problem.code for problem in caught.value.problems} == {"TRIAL210", "TRIAL211", "TRIAL212"}
