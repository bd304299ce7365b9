from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.trial.posterior.contour import Contour
from carwright.trial.posterior.efftox import (
    REFERENCE,
    TRIALS,
    EffToxPosterior,
    EffToxPriors,
    Normal,
    Precision,
    joint_probabilities,
)

DOSES = (1.0, 2.0, 4.0, 6.6, 10.0)
THALL = [(-7.9593, 3.5487), (1.5482, 3.5018), (0.7367, 2.5423), (3.4181, 2.4406), (0.0, 0.2), (0.0, 1.0)]


def posterior(precision: Precision = REFERENCE, priors: Any = THALL, cuts: tuple[float, float] = (0.5, 0.3)) -> Any:
    return EffToxPosterior(DOSES, EffToxPriors(*(Normal(*pair) for pair in priors)), *cuts, precision)


def tables(outcomes: list[list[int]], levels: int) -> np.ndarray:
    """Patients, toxic, effective, both from rows of (dose, efficacy, toxicity)."""
    found = np.zeros((4, 1, levels), dtype=np.int64)
    for dose, effective, toxic in outcomes:
        found[:, 0, dose - 1] += (1, toxic, effective, toxic * effective)
    return found


def test_reference_values(reference: Path) -> None:
    for case in json.loads((reference / "efftox.json").read_text())["cases"]:
        priors = EffToxPriors(*(Normal(*pair) for pair in case["prior_mean_sd"]))
        fit = EffToxPosterior(tuple(case["doses"]), priors, case["eff_cut"], case["tox_cut"], REFERENCE).fit(
            *tables(case["patients_dose_eff_tox"], len(case["doses"]))
        )
        # Means to 1e-4 (or four of the reference's own standard errors), acceptabilities to 1e-3.
        error = 1e-4 + 4 * max(case["se_prob_eff"] + case["se_prob_tox"])
        np.testing.assert_allclose(fit.efficacy[0], case["prob_eff"], atol=error)
        np.testing.assert_allclose(fit.toxicity[0], case["prob_tox"], atol=error)
        np.testing.assert_allclose(fit.efficacy_acceptable[0], case["prob_acc_eff"], atol=1e-3)
        np.testing.assert_allclose(fit.toxicity_acceptable[0], case["prob_acc_tox"], atol=1e-3)
        contour = Contour(case["eff0"], case["tox1"], case["eff_star"], case["tox_star"])
        assert contour.power == pytest.approx(case["p"], abs=1e-9)
        utility = contour.utility(fit.efficacy[0], fit.toxicity[0])
        np.testing.assert_allclose(utility, case["utility_at_posterior_mean"], atol=4 * error)


@given(
    e=st.floats(0.0, 1.0),
    t=st.floats(0.0, 1.0),
    psi=st.floats(-30.0, 30.0),
)
def test_joint_probabilities_sum_to_one_and_keep_the_margins(e: float, t: float, psi: float) -> None:
    neither, toxic, effective, both = joint_probabilities(e, t, psi)
    assert neither + toxic + effective + both == pytest.approx(1.0, abs=1e-12)
    assert min(neither, toxic, effective, both) >= -1e-12
    assert effective + both == pytest.approx(e, abs=1e-12)
    assert toxic + both == pytest.approx(t, abs=1e-12)
    # A positive association makes agreement likelier than independence does.
    assert (both - e * t) * np.sign(psi) >= -1e-12


def test_importance_sampling_agrees_with_a_strong_association() -> None:
    """Draws from the prior, weighted by the four joint probabilities: shares nothing with the lattices."""
    priors = [(-1.0, 1.0), (1.0, 0.7), (0.0, 1.0), (0.8, 0.7), (0.1, 0.3), (1.5, 1.0)]
    counts = tables([[1, 0, 0], [1, 1, 1], [2, 0, 0], [2, 1, 1], [3, 1, 1], [3, 1, 1], [3, 0, 0], [3, 1, 0]], 5)
    rng = np.random.default_rng(3)
    a_t, b_t, a_e, b_1, b_2, psi = rng.normal(size=(400_000, 6)).T * np.array(priors)[:, 1:] + np.array(priors)[:, :1]
    x = np.log(DOSES) - np.log(DOSES).mean()
    t = 1 / (1 + np.exp(-(a_t[:, None] + b_t[:, None] * x)))
    e = 1 / (1 + np.exp(-(a_e[:, None] + b_1[:, None] * x + b_2[:, None] * x**2)))
    cells = joint_probabilities(e, t, psi[:, None])
    n, toxic, effective, both = counts[:, 0]
    seen = np.stack([n - toxic - effective + both, toxic - both, effective - both, both], axis=1)
    weight = np.prod(cells**seen, axis=(1, 2))
    weight /= weight.sum()
    spread = 5 * np.sqrt((weight**2).sum())
    fit = posterior(priors=priors).fit(*counts)
    np.testing.assert_allclose(fit.efficacy[0], weight @ e, atol=0.2 * spread)
    np.testing.assert_allclose(fit.toxicity[0], weight @ t, atol=0.2 * spread)
    np.testing.assert_allclose(fit.efficacy_acceptable[0], weight @ (e > 0.5), atol=0.5 * spread)
    np.testing.assert_allclose(fit.toxicity_acceptable[0], weight @ (t < 0.3), atol=0.5 * spread)


def test_lattices_for_trials_are_fine_enough() -> None:
    rng = np.random.default_rng(2)
    n = rng.multinomial(6, [0.3, 0.3, 0.2, 0.1, 0.1], size=80) * 3
    toxic, effective = rng.binomial(n, [0.02, 0.05, 0.1, 0.3, 0.5]), rng.binomial(n, [0.2, 0.4, 0.6, 0.8, 0.85])
    both = np.clip(rng.binomial(toxic, 0.5), np.maximum(toxic + effective - n, 0), np.minimum(toxic, effective))
    quick, fine = (posterior(precision).fit(n, toxic, effective, both) for precision in (TRIALS, REFERENCE))
    np.testing.assert_allclose(quick.efficacy, fine.efficacy, atol=1e-3)
    np.testing.assert_allclose(quick.toxicity, fine.toxicity, atol=1e-3)
    np.testing.assert_allclose(quick.efficacy_acceptable, fine.efficacy_acceptable, atol=4e-3)
    np.testing.assert_allclose(quick.toxicity_acceptable, fine.toxicity_acceptable, atol=4e-3)
    for values, exact in ((quick.efficacy, fine.efficacy), (quick.toxicity, fine.toxicity)):
        assert np.sqrt(((values - exact) ** 2).mean()) < 1.5e-4


def test_without_association_the_two_outcomes_do_not_know_each_other() -> None:
    """How toxic and effective patients overlap is then of no account."""
    alone = [*THALL[:5], (0.0, 1e-9)]
    n, toxic, effective = np.array([[6, 6, 6, 0, 0]]), np.array([[0, 2, 3, 0, 0]]), np.array([[1, 2, 3, 0, 0]])
    apart, together = (
        posterior(priors=alone).fit(n, toxic, effective, both)
        for both in (np.zeros_like(n), np.array([[0, 2, 3, 0, 0]]))
    )
    np.testing.assert_allclose(apart.efficacy, together.efficacy, atol=1e-9)
    np.testing.assert_allclose(apart.toxicity, together.toxicity, atol=1e-9)


def test_more_toxicity_means_more_toxicity() -> None:
    rows = np.array(list(product(range(4), repeat=3)))
    n = np.zeros((len(rows), 5), dtype=np.int64)
    n[:, :3] = 3
    toxic = np.zeros_like(n)
    toxic[:, :3] = rows
    none = np.zeros_like(n)
    base = posterior(TRIALS).fit(n, toxic, none, none).toxicity
    for level in range(3):
        more = toxic + np.eye(5, dtype=np.int64)[level]
        room = more[:, level] <= 3
        found = posterior(TRIALS).fit(n[room], more[room], none[room], none[room]).toxicity
        assert (found[:, level] > base[room, level]).all()


def test_contour_goes_through_its_points_and_refuses_others() -> None:
    contour = Contour(0.5, 0.65, 0.7, 0.25)
    points = np.array([[0.5, 0.0], [1.0, 0.65], [0.7, 0.25]])
    np.testing.assert_allclose(contour.utility(points[:, 0], points[:, 1]), 0.0, atol=1e-12)
    assert contour.utility(np.array([1.0]), np.array([0.0]))[0] == pytest.approx(1.0)
    with pytest.raises(CarwrightError, match="no contour"):
        Contour(0.7, 0.65, 0.5, 0.25)
    with pytest.raises(CarwrightError) as caught:
        EffToxPriors(*(Normal(mean, -1.0) for mean, _ in THALL))
    assert len(caught.value.problems) == 6
