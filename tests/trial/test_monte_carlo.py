"""Monte Carlo intervals: classical ones in simple cases, and the coverage that they claim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from carwright.trial.intervals import monte_carlo_mean, monte_carlo_rate, wilson


def test_one_trial_a_draw_gives_students_interval():
    values = np.random.Generator(np.random.Philox(2)).normal(3.0, 2.0, 25)
    found = monte_carlo_mean(values, np.arange(25), 0.9)
    low, high = stats.t.interval(0.9, 24, loc=values.mean(), scale=stats.sem(values))
    assert (found.estimate, found.lo, found.hi) == pytest.approx((values.mean(), low, high))


def test_trials_that_repeat_their_draw_add_no_precision():
    values = np.random.Generator(np.random.Philox(3)).normal(0.0, 1.0, 30)
    once = monte_carlo_mean(values, np.arange(30))
    often = monte_carlo_mean(np.repeat(values, 40), np.repeat(np.arange(30), 40))
    assert (often.lo, often.hi) == pytest.approx((once.lo, once.hi))


def test_nothing_and_everything_leave_room_for_as_many_events_as_draws_could_hide():
    for value in (0.0, 1.0):
        found = monte_carlo_rate(np.full(400, value), np.arange(400) % 20, 0.9)
        expected = wilson(int(20 * value), 20, 0.9)
        assert (found.lo, found.hi) == pytest.approx((expected.lo, expected.hi))


def test_weights_make_a_ratio():
    """Toxicities over patients, trial by trial, are the ratio of the sums."""
    dlts, patients = np.array([1.0, 0.0, 3.0, 1.0]), np.array([3.0, 6.0, 9.0, 2.0])
    found = monte_carlo_rate(dlts / patients, np.arange(4), 0.9, patients)
    assert found.estimate == pytest.approx(dlts.sum() / patients.sum())


def test_one_draw_tells_nothing_about_its_error():
    found = monte_carlo_mean(np.arange(5.0), np.zeros(5))
    assert found.estimate == 2.0
    assert np.isnan([found.lo, found.hi]).all()


@pytest.mark.parametrize(("events", "others"), [(2.0, 2.0), (0.6, 5.4)])
def test_a_sample_of_runs_covers_the_mean_over_populations(events, others):
    """50 draws with rates of their own, 40 trials each: 90 % intervals hold the mean rate in 86 to 94 % of runs."""
    random = np.random.Generator(np.random.Philox(11))
    truth, runs = events / (events + others), 600
    block = np.arange(2000) % 50
    inside = 0
    for _ in range(runs):
        rate = random.beta(events, others, 50)
        found = monte_carlo_rate((random.random(2000) < rate[block]).astype(float), block, 0.9)
        inside += found.lo <= truth <= found.hi
    assert 0.86 < inside / runs < 0.94
