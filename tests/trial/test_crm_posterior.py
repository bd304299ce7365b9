from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad

from carwright.errors import CarwrightError
from carwright.trial.posterior.crm import CrmPosterior, Pending, maximum_likelihood
from carwright.trial.posterior.follow_up import weights
from carwright.trial.posterior.skeleton import incoherent_after, indifference, skeleton_from_halfwidth
from carwright.trial.posterior.working_models import Empiric, WorkingModel, working_model

SKELETON = (0.05, 0.12, 0.25, 0.4, 0.55)


@pytest.fixture(scope="module")
def dfcrm(reference: Path) -> dict[str, Any]:
    return json.loads((reference / "dfcrm.json").read_text())  # type: ignore[no-any-return]


def counts(levels: list[int], events: list[int], size: int) -> tuple[np.ndarray, np.ndarray]:
    patients, dlts = np.zeros((2, 1, size), dtype=np.int64)
    np.add.at(patients[0], np.asarray(levels) - 1, 1)
    np.add.at(dlts[0], np.asarray(levels) - 1, events)
    return patients, dlts


def test_fits_of_dfcrm(dfcrm: dict[str, Any]) -> None:
    for case in dfcrm["crm"]:
        model = working_model(case["model_used"], case["prior"], case["intcpt_used"])
        patients, dlts = counts(case["level"], case["tox"], len(case["prior"]))
        if case["method_used"] == "mle":
            fit = maximum_likelihood(model, patients, dlts)
            assert fit.estimate[0] == pytest.approx(case["estimate"], abs=1e-4)
        else:
            posterior = CrmPosterior(model, case["prior_var"])
            fit = posterior.fit(patients, dlts)
            assert fit.estimate[0] == pytest.approx(case["exact_estimate"], abs=1e-9)
            assert fit.variance[0] == pytest.approx(case["exact_post_var"], abs=1e-9)
            np.testing.assert_allclose(fit.curve_at_estimate[0], case["exact_ptox_plugin"], atol=1e-9)
            np.testing.assert_allclose(fit.mean_probability[0], case["exact_posterior_mean_ptox"], atol=1e-9)
            low, high = posterior.interval(fit, case["conf_level"])
            np.testing.assert_allclose(low[0], case["ptoxL"], atol=1e-4)
            np.testing.assert_allclose(high[0], case["ptoxU"], atol=1e-4)
        np.testing.assert_allclose(fit.curve_at_estimate[0], case["ptox"], atol=1e-4)
        assert fit.level(case["target"])[0] + 1 == case["mtd"]


def test_time_to_event_fits_of_dfcrm(dfcrm: dict[str, Any]) -> None:
    for case in dfcrm["titecrm"]:
        if "weights" in case:
            share = np.asarray(case["weights"], dtype=float)
        else:
            days = case["followup"] if "followup" in case else np.subtract(case["exit"], case["entry"])
            share = weights(days, case["tox"], case["obswin"], case.get("scheme", "linear"))
        np.testing.assert_allclose(share, case["out_weights"], atol=1e-9)
        toxic, levels = np.asarray(case["tox"]), np.asarray(case["level"])
        done = (toxic == 1) | (share == 1.0)
        patients, dlts = counts(levels[done].tolist(), toxic[done].tolist(), len(case["prior"]))
        pending = Pending(levels[None, ~done] - 1, share[None, ~done])
        fit = CrmPosterior(working_model("empiric", case["prior"])).fit(patients, dlts, pending)
        assert fit.estimate[0] == pytest.approx(case["exact_estimate"], abs=1e-9)
        assert fit.variance[0] == pytest.approx(case["exact_post_var"], abs=1e-9)
        np.testing.assert_allclose(fit.mean_probability[0], case["exact_posterior_mean_ptox"], atol=1e-9)
        assert fit.level(case["target"])[0] + 1 == case["mtd"]


def test_skeletons_of_dfcrm(dfcrm: dict[str, Any]) -> None:
    for case in dfcrm["getprior"]:
        found = skeleton_from_halfwidth(
            case["halfwidth"], case["target"], case["nu"], case["nlevel"], case["model"], case["intcpt"]
        )
        np.testing.assert_allclose(found, case["skeleton"], rtol=1e-9)


def test_indifference_intervals_of_dfcrm(dfcrm: dict[str, Any]) -> None:
    for case in dfcrm["crmsens"]:
        found = indifference(working_model(case["model"], case["prior"], case["intcpt"]), case["target"])
        np.testing.assert_allclose(found.home_sets, case["Hset"], atol=3e-6)  # its bisection stops at 1e-6
        np.testing.assert_allclose(found.intervals, np.array(case["iint"], dtype=float), atol=3e-6)


def test_skeleton_has_the_indifference_intervals_asked_for() -> None:
    for name in ("empiric", "logistic"):
        skeleton = skeleton_from_halfwidth(0.06, 0.3, 2, 5, name)
        found = indifference(working_model(name, skeleton), 0.3).intervals
        np.testing.assert_allclose(found[1:, 0], 0.24, atol=1e-9)
        np.testing.assert_allclose(found[:-1, 1], 0.36, atol=1e-9)


def test_coherence_verdicts_of_dfcrm(dfcrm: dict[str, Any]) -> None:
    for case in dfcrm["cohere"]:
        fit = CrmPosterior(working_model("empiric", case["prior"])).fit
        found = incoherent_after(fit, len(case["prior"]), case["target"], case["x0"])
        assert (not found) == (case["message"] == "Coherent")


def test_twenty_patients_of_cheung(reference: Path) -> None:
    book = json.loads((reference / "crm_cheung_book.json").read_text())
    table, path = book["cheung_table_3_2"], book["mle_path"]
    posterior = CrmPosterior(working_model("logistic", table["prior"], 3.0))
    doses, tox = [step["dose"] for step in table["steps"]], [step["tox"] for step in table["steps"]]
    for seen, (step, printed) in enumerate(zip(table["steps"], table["published_beta_hat"], strict=True), start=1):
        fit = posterior.fit(*counts(doses[:seen], tox[:seen], 5))
        assert fit.estimate[0] == pytest.approx(step["beta_hat"], abs=1e-5)
        assert round(fit.estimate[0], 2) == pytest.approx(printed)
        assert fit.level(table["target"])[0] + 1 == step["next_dose"]
    for seen, (estimate, node) in enumerate(
        zip(path["beta_hat_after_patient_2_to_17"], path["next_dose"], strict=True), start=2
    ):
        fit = maximum_likelihood(posterior.model, *counts(path["doses"][:seen], path["tox"][:seen], 5))
        assert fit.estimate[0] == pytest.approx(estimate, abs=1e-4)
        assert fit.level(path["target"])[0] + 1 == node


@pytest.mark.parametrize("name", ["empiric", "logistic"])
@pytest.mark.parametrize(
    ("patients", "dlts"),
    [
        ([0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
        ([3, 3, 6, 3, 0], [0, 0, 1, 2, 0]),
        ([30, 0, 0, 0, 0], [30, 0, 0, 0, 0]),
        ([0, 0, 0, 0, 40], [0, 0, 0, 0, 0]),
        ([3, 3, 3, 60, 51], [0, 0, 1, 15, 30]),
    ],
)
def test_posterior_against_adaptive_quadrature(name: str, patients: list[int], dlts: list[int]) -> None:
    model: WorkingModel = working_model(name, SKELETON)
    posterior, n, y = CrmPosterior(model), np.array(patients), np.array(dlts)
    fit = posterior.fit(n[None], y[None])

    def log_density(beta: float) -> float:
        toxic, clear = (np.maximum(values, -1e5) for values in model.logarithms(np.asarray(beta)))
        return float((y * toxic + (n - y) * clear).sum() - 0.5 * beta**2 / 1.34)

    mode = max(np.linspace(-8, 8, 1601), key=log_density)
    top = log_density(mode)

    def integral(of: Any, low: float = -11.0, high: float = 11.0) -> float:
        points = [point for point in (mode - 0.5, mode, mode + 0.5) if low < point < high]
        return float(
            quad(lambda b: of(b) * np.exp(log_density(b) - top), low, high, points=points, limit=400, epsabs=1e-13)[0]
        )

    total = integral(lambda b: 1.0)
    assert fit.estimate[0] == pytest.approx(integral(lambda b: b) / total, abs=1e-8)
    mean = [integral(lambda b, j=j: float(model.probability(np.asarray(b))[j])) / total for j in range(5)]
    np.testing.assert_allclose(fit.mean_probability[0], mean, atol=1e-8)
    above = posterior.probability_above(n[None], y[None], 0.3)[0]
    cuts = model.parameter_at(0.3)
    np.testing.assert_allclose(above, [integral(lambda b: 1.0, -11.0, cut) / total for cut in cuts], atol=1e-8)
    evidence = np.log(total / np.sqrt(2 * np.pi * 1.34)) + top
    assert fit.log_evidence[0] == pytest.approx(evidence, abs=1e-8)


def test_complete_follow_up_is_no_follow_up() -> None:
    posterior = CrmPosterior(Empiric(SKELETON))
    patients, dlts = np.array([[3, 6, 3, 0, 0]]), np.array([[0, 1, 1, 0, 0]])
    plain = posterior.fit(patients, dlts)
    held_back = Pending(np.array([[0, 1, 1, -1]]), np.array([[1.0, 1.0, 1.0, 0.3]]))
    tite = posterior.fit(patients - [[1, 2, 0, 0, 0]], dlts, held_back)
    assert tite.estimate[0] == pytest.approx(plain.estimate[0], abs=1e-12)
    without = posterior.fit(patients - [[1, 2, 0, 0, 0]], dlts)
    unseen = posterior.fit(patients - [[1, 2, 0, 0, 0]], dlts, Pending(held_back.levels, np.zeros((1, 4))))
    assert unseen.estimate[0] == pytest.approx(without.estimate[0], abs=1e-12)


@pytest.mark.parametrize("name", ["empiric", "logistic"])
def test_curve_rises_with_every_toxicity_and_falls_with_every_patient_without(name: str) -> None:
    """Over all tables of up to two patients a level at three levels."""
    posterior = CrmPosterior(working_model(name, (0.1, 0.25, 0.4)))
    tables = [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]
    rows = np.array(list(product(tables, repeat=3)))
    n, y = rows[:, :, 0], rows[:, :, 1]
    curve = posterior.fit(n, y).curve_at_estimate
    for level in range(3):
        one = np.eye(3, dtype=np.int64)[level]
        assert (posterior.fit(n + one, y + one).curve_at_estimate > curve).all()
        assert (posterior.fit(n + one, y).curve_at_estimate < curve).all()


def test_maximum_likelihood_is_the_posterior_under_a_flat_prior_at_its_mode() -> None:
    patients, dlts = np.array([[300, 600, 300]]), np.array([[30, 150, 120]])
    model = Empiric((0.1, 0.25, 0.4))
    assert maximum_likelihood(model, patients, dlts).estimate[0] == pytest.approx(0.0, abs=1e-6)


def test_adaptive_weights_follow_the_times_of_toxicity() -> None:
    found = weights([10.0, 20.0, 30.0, 60.0, 90.0], [True, False, True, False, False], 90.0, "adaptive")
    # Toxicities on days 10 and 30 cut the window into stretches of one third each.
    np.testing.assert_allclose(found, [1.0, 0.5, 1.0, 2 / 3 + 0.5 / 3, 1.0])
    np.testing.assert_allclose(weights([45.0], [False], 90.0, "adaptive"), 0.5)


def test_mistakes_are_named_all_at_once() -> None:
    with pytest.raises(CarwrightError) as caught:
        working_model("empiric", (0.3, 0.2, 1.2))
    assert {problem.code for problem in caught.value.problems} == {"TRIAL201", "TRIAL202"}
    with pytest.raises(CarwrightError) as caught:
        skeleton_from_halfwidth(0.4, 0.3, 7, 5, "probit")
    assert {problem.code for problem in caught.value.problems} == {"TRIAL200", "TRIAL220", "TRIAL221"}
    with pytest.raises(CarwrightError, match="intercept"):
        working_model("logistic", (0.2, 0.6, 0.97), 3.0)
    with pytest.raises(CarwrightError) as caught:
        weights([-1.0, 50.0], [False, True], 28.0, "square")
    assert {problem.code for problem in caught.value.problems} == {"TRIAL230", "TRIAL232", "TRIAL233"}


def test_maximum_likelihood_with_follow_up() -> None:
    model = Empiric(SKELETON)
    patients, dlts = np.array([[3, 6, 3, 0, 0]]), np.array([[0, 1, 1, 0, 0]])
    plain = maximum_likelihood(model, patients, dlts).estimate[0]
    fewer = patients - [[1, 2, 0, 0, 0]]
    levels = np.array([[0, 1, 1, -1]])
    complete = maximum_likelihood(model, fewer, dlts, Pending(levels, np.ones((1, 4))))
    assert complete.estimate[0] == pytest.approx(plain, abs=1e-7)
    half = maximum_likelihood(model, fewer, dlts, Pending(levels, np.full((1, 4), 0.5))).estimate[0]
    assert maximum_likelihood(model, fewer, dlts).estimate[0] < half < plain
