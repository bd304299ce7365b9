from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import betaln
from scipy.stats import beta, kstest, lognorm

from carwright.errors import CarwrightError
from carwright.trial.attrition import LOSSES, Attrition
from carwright.trial.calendar import DAYS_PER_MONTH, Calendar
from carwright.trial.product import Product
from carwright.trial.space import DoseNode, DoseSpace


def fit(events: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Maximum likelihood of the beta-binomial distribution."""

    def loss(logs: np.ndarray) -> float:
        a, b = np.exp(logs)
        return float(-(betaln(events + a, totals - events + b) - betaln(a, b)).sum())

    best = minimize(loss, [0.0, 2.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 9999})
    return np.exp(best.x)


def test_default_losses_are_the_fit_to_the_published_table():
    enrolled, failures, not_given = np.array(list(LOSSES.values())).T
    default = Attrition()
    assert default.failure_beta == pytest.approx(fit(failures, enrolled), rel=1e-3)
    assert default.loss_beta == pytest.approx(fit(not_given, enrolled - failures), rel=1e-3)


def test_losses_by_population_follow_the_beta_distribution():
    """400 populations of 1,000: the shares of failures are distributed as the fitted beta."""
    block = np.repeat(np.arange(400), 1000)
    fates = Attrition().draw(1, 0, block)
    failed = (fates.not_infused_reason == "manufacturing_failure").reshape(400, 1000).mean(axis=1)
    noise = 0.5 / 1000
    assert kstest(failed + noise, beta(*Attrition().failure_beta).cdf).pvalue > 0.01
    mean = 1 - (1 - 1.262 / 37.062) * (1 - 4.174 / 34.274)
    assert 1 - fates.infused.mean() == pytest.approx(mean, abs=0.01)


def test_fates_are_complete_and_keyed_by_patient():
    block = np.arange(2000) // 50
    fates = Attrition().draw(1, 0, block)
    lost = ~fates.infused
    assert set(fates.not_infused_reason[lost]) == {"manufacturing_failure", "progression", "withdrawal"}
    assert set(fates.not_infused_reason[fates.infused]) == {None}
    assert (fates.dropout_days[lost] > 0).all()
    assert (fates.dropout_days[lost] <= fates.vein_to_vein_days[lost]).all()
    assert np.isnan(fates.dropout_days[fates.infused]).all()
    low, middle, high = np.quantile(fates.vein_to_vein_days, [0.25, 0.5, 0.75])
    assert (low, middle, high) == pytest.approx((47.4, 60, 75.9), rel=0.05)  # 60 exp(+-0.6745 * 0.348)
    tail = Attrition().draw(1, 1500, block[1500:])
    np.testing.assert_array_equal(tail.infused, fates.infused[1500:])
    np.testing.assert_array_equal(tail.vein_to_vein_days, fates.vein_to_vein_days[1500:])


def test_products_that_fall_short_are_given_but_off_dose(seed_space):
    given = Product().deliver(1, 0, {"m2": np.full(20000, 2.0)}, seed_space)
    on = given.on_assigned_dose
    np.testing.assert_array_equal(on, given.delivered_cells >= given.assigned_cells_low)
    assert (given.delivered_cells <= given.assigned_cells_high * (1 + 1e-12)).all()
    np.testing.assert_allclose(given.assigned_cells_low[0], [2e7, 2e8, 2e8, 2e7])
    # Whoever reaches the higher band reaches the lower one.
    assert (on[:, 0] >= on[:, 1]).all()
    np.testing.assert_array_equal(on[:, 1], on[:, 2])
    expected = lognorm(1.107, scale=1e9).cdf(2e8)
    assert expected == pytest.approx(25 / 344, abs=0.001)
    assert 1 - on[:, 1].mean() == pytest.approx(expected, abs=3 * np.sqrt(expected / 20000))


def test_doses_per_weight_and_flat_doses():
    sizes = {"m2": np.full(500, 2.0), "kg": np.linspace(40.0, 120.0, 500), "patient": np.ones(500)}
    given = [
        Product().deliver(1, 0, sizes, DoseSpace((DoseNode("1", **{key: (low, 2 * low)}),), ()))
        for key, low in (("cells_per_m2", 5e7), ("cells_per_kg", 1e6), ("cells", 1e8))
    ]
    np.testing.assert_allclose(given[1].assigned_cells_low[:, 0], 1e6 * sizes["kg"])
    np.testing.assert_allclose(given[2].assigned_cells_high, 2e8)
    # At 2 m2 the first dose is the flat one, whatever it is counted per.
    np.testing.assert_allclose(given[0].delivered_cells, given[2].delivered_cells)


def test_accrual_is_a_poisson_process():
    gaps = Calendar(accrual_per_month=2.0).enrolment_gaps(1, 0, 500, 20)
    assert kstest(gaps.ravel(), "expon", (0, DAYS_PER_MONTH / 2)).pvalue > 0.01
    np.testing.assert_array_equal(Calendar(accrual_per_month=2.0).enrolment_gaps(1, 100, 5, 20), gaps[100:105])


@pytest.mark.parametrize(
    ("build", "count"),
    [
        (lambda: Calendar(accrual_per_month=0.0, review_days=-1.0), 2),
        (lambda: Calendar(dlt_window_days=float("nan")), 1),
        (lambda: Attrition(loss_beta=(0.0, -1.0), withdrawal_share=1.5), 3),
        (lambda: Product(median_cells=-1.0), 1),
    ],
)
def test_settings_out_of_range_are_all_named(build, count):
    with pytest.raises(CarwrightError) as error:
        build()
    assert [problem.code for problem in error.value.problems] == ["TRIAL050"] * count
