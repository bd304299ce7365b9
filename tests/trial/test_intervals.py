"""Intervals against closed forms, other implementations and repeated simulation.

Coverage is counted for the rate, mean or median of a new population draw. Bounds leave four standard errors of the
simulation, and three percent for the populations being few.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaincinv, ndtri
from scipy.stats import CensoredData, binomtest, ecdf, mstats

from carwright.population.streams import uniforms
from carwright.trial.intervals import (
    Arm,
    Interval,
    clopper_pearson,
    covered,
    marginal_mean,
    marginal_median,
    marginal_rate,
    paired_mean_difference,
    paired_median_difference,
    predictive,
    wilson,
)
from carwright.trial.intervals.survival import KaplanMeier, block_median

LEVEL = 0.9
REPEATS = 300
BLOCKS, SIZE = 40, 50
BLOCK = np.repeat(np.arange(BLOCKS), SIZE)
LEAST = LEVEL - 4 * np.sqrt(LEVEL * (1 - LEVEL) / REPEATS) - 0.03


def normals(purpose: str, repeat: int, count: int) -> np.ndarray:
    return ndtri(uniforms(11, purpose, repeat, 1, count)[0])


def coverage(hits: list[bool]) -> float:
    return float(np.mean(hits))


def holds(interval: Interval, value: float) -> bool:
    return bool(interval.lo <= value <= interval.hi)


@pytest.mark.parametrize("count", [0, 1, 5, 12, 13])
@pytest.mark.parametrize(("method", "name"), [(clopper_pearson, "exact"), (wilson, "wilson")])
def test_binomial_intervals_agree_with_scipy(count, method, name):
    theirs = binomtest(count, 13).proportion_ci(0.9, method=name)
    ours = method(count, 13, 0.9)
    assert (ours.lo, ours.hi) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_published_infused_share():
    """13 of 18 infused: 47 to 90 % (facts on NCT03089203)."""
    interval = clopper_pearson(13, 18)
    assert (round(interval.lo, 2), round(interval.hi, 2)) == (0.47, 0.90)


@pytest.mark.parametrize("call", [lambda: clopper_pearson(3, 2), lambda: wilson(0, 0), lambda: wilson(1, 2, 1.0)])
def test_impossible_proportions_are_refused(call):
    with pytest.raises(ValueError, match=r"proportion|level"):
        call()


@pytest.mark.parametrize(("a", "b"), [(4.0, 6.0), (1.0, 19.0), (40.0, 60.0)])
@pytest.mark.parametrize("weighted", [False, True])
def test_rate_covers_a_new_population(a, b, weighted):
    hits, widths = [], []
    for repeat in range(REPEATS):
        draws = uniforms(3, "rates", repeat, 1, BLOCKS + 1)[0]
        truth = betaincinv(a, b, draws)
        tosses = uniforms(3, "patients", repeat, 1, 2 * BLOCK.size)[0].reshape(2, -1)
        interval = marginal_rate(
            tosses[0] < truth[BLOCK], BLOCK, LEVEL, np.floor(4 * tosses[1]) + 1 if weighted else None
        )
        hits.append(holds(interval, truth[-1]))
        widths.append(interval.hi - interval.lo)
    assert coverage(hits) > LEAST
    # Sampling noise of 50 patients a block must not widen the interval: raw block means spread by
    # sqrt(between + within / 50); the truth spreads by sqrt(between).
    exact = float(betaincinv(a, b, 0.95) - betaincinv(a, b, 0.05))
    assert np.mean(widths) < 1.2 * exact


@pytest.mark.parametrize("rate", [0.3, 0.004])
def test_rate_without_spread_between_populations(rate):
    """The common rate is covered, and the interval stays near the Monte Carlo interval, far below raw block means."""
    hits, widths = [], []
    for repeat in range(REPEATS):
        interval = marginal_rate(uniforms(5, "same", repeat, 1, BLOCK.size)[0] < rate, BLOCK, LEVEL)
        hits.append(holds(interval, rate))
        widths.append(interval.hi - interval.lo)
    monte_carlo = 2 * 1.645 * np.sqrt(rate * (1 - rate) / BLOCK.size)
    assert coverage(hits) > LEAST
    assert np.mean(widths) < 3 * monte_carlo
    assert 3 * monte_carlo < 2 * 1.645 * np.sqrt(rate * (1 - rate) / SIZE)


def test_one_population_gives_the_jeffreys_interval():
    interval = marginal_rate(np.arange(100) < 7, np.zeros(100), LEVEL)
    assert interval.estimate == 0.07
    assert (interval.lo, interval.hi) == pytest.approx(betaincinv(7.5, 93.5, [0.05, 0.95]), abs=1e-3)


@pytest.mark.parametrize("blocks", [1, 10])
def test_no_event_and_nothing_but_events_leave_room(blocks):
    block = np.arange(100) // (100 // blocks)
    none, every = marginal_rate(np.zeros(100), block, LEVEL), marginal_rate(np.ones(100), block, LEVEL)
    bound = betaincinv(0.5, 100.5, 0.95)
    assert none == Interval(0.0, 0.0, pytest.approx(bound, abs=1e-6), LEVEL)
    assert every == Interval(1.0, pytest.approx(1 - bound, abs=1e-6), 1.0, LEVEL)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=60),
    st.sampled_from([0.5, 0.9, 0.99]),
)
@settings(deadline=None)
def test_rate_intervals_are_proper_whatever_the_data(rows, level):
    events, block, weights = (np.array(column) for column in zip(*rows, strict=True))
    interval = marginal_rate(events, block, level, weights)
    if weights.sum() == 0:
        assert np.isnan(interval.estimate)
        return
    assert interval.estimate == pytest.approx(np.average(events, weights=weights))
    assert 0.0 <= interval.lo <= interval.estimate <= interval.hi <= 1.0
    assert interval.hi > interval.lo
    opposite = marginal_rate(~events, block, level, weights)
    assert (1 - opposite.hi, 1 - opposite.lo) == pytest.approx((interval.lo, interval.hi), abs=1e-6)
    scaled = marginal_rate(events, block + 7, level, 3 * weights)
    assert (scaled.lo, scaled.hi) == pytest.approx((interval.lo, interval.hi), abs=1e-9)


def test_a_patient_counted_at_several_nodes_is_one_patient():
    """Equal values at two nodes say no more than one value with their common weight."""
    values = (uniforms(7, "copies", 0, BLOCK.size)[:, 0] < 0.3).astype(float)
    once = marginal_rate(values, BLOCK, LEVEL, np.full(values.size, 2.0))
    twice = marginal_rate(np.stack([values, values], axis=1), BLOCK, LEVEL)
    assert twice == once
    skewed = np.exp(normals("copies", 0, BLOCK.size))
    once = marginal_median(skewed, BLOCK, LEVEL)
    twice = marginal_median(np.stack([skewed, skewed], axis=1), BLOCK, LEVEL)
    assert (twice.lo, twice.hi) == pytest.approx((once.lo, once.hi), rel=0.02)


@pytest.mark.parametrize("spread", [0.0, 0.2, 1.0])
def test_mean_covers_a_new_population(spread):
    hits = []
    for repeat in range(REPEATS):
        levels = 5 + spread * normals("levels", repeat, BLOCKS + 1)
        values = levels[BLOCK] + normals("noise", repeat, BLOCK.size)
        hits.append(holds(marginal_mean(values, BLOCK, LEVEL), levels[-1]))
    assert coverage(hits) > LEAST


def test_mean_of_one_population_is_the_usual_interval():
    values = normals("usual", 0, 200)
    interval = marginal_mean(values, np.zeros(200), LEVEL)
    half = 1.6449 * values.std(ddof=1) / np.sqrt(200)
    assert (interval.lo, interval.hi) == pytest.approx((values.mean() - half, values.mean() + half), abs=1e-4)


@pytest.mark.parametrize("spread", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("follow_up", [None, 0.5])
def test_median_covers_a_new_population(spread, follow_up):
    """Log-normal times; with follow-up, about a third are censored."""
    hits = []
    for repeat in range(REPEATS):
        levels = spread * normals("levels", repeat, BLOCKS + 1)
        values = np.exp(levels[BLOCK] + normals("noise", repeat, BLOCK.size))
        limit = np.exp((follow_up or 99.0) + 0.8 * normals("limit", repeat, BLOCK.size))
        interval = marginal_median(np.minimum(values, limit), BLOCK, LEVEL, censored=limit < values)
        hits.append(holds(interval, float(np.exp(levels[-1]))))
    assert coverage(hits) > LEAST


def test_median_follows_increasing_transformations():
    values = normals("transform", 0, BLOCK.size) + 0.5 * normals("transform-block", 0, BLOCKS)[BLOCK]
    plain, skewed = marginal_median(values, BLOCK, LEVEL), marginal_median(np.exp(values), BLOCK, LEVEL)
    assert (skewed.estimate, skewed.lo, skewed.hi) == pytest.approx(tuple(np.exp([plain.estimate, plain.lo, plain.hi])))


def test_missing_values_are_left_out():
    values = normals("missing", 0, BLOCK.size)
    holes = np.where(np.arange(BLOCK.size) % 7 == 0, np.nan, values)
    kept = ~np.isnan(holes)
    assert marginal_median(holes, BLOCK, LEVEL) == marginal_median(values[kept], BLOCK[kept], LEVEL)
    assert marginal_mean(holes, BLOCK, LEVEL) == marginal_mean(values[kept], BLOCK[kept], LEVEL)
    assert np.isnan(marginal_median(np.full(4, np.nan), np.zeros(4)).estimate)
    assert np.isnan(marginal_mean([3.0], [0]).lo)


def test_a_median_that_is_not_reached_is_infinite():
    interval = marginal_median(np.arange(1.0, 101.0), np.arange(100) % 10, LEVEL, censored=np.arange(100) > 20)
    assert interval.estimate == interval.hi == np.inf


def test_kaplan_meier_agrees_with_scipy():
    times = np.round(10 * np.exp(normals("times", 0, 80)), 0)
    censored = uniforms(1, "censored", 0, 80)[:, 0] < 0.4
    curve = KaplanMeier.fit(times, np.ones(80), censored)
    theirs = ecdf(CensoredData(uncensored=times[~censored], right=times[censored])).cdf
    np.testing.assert_allclose(
        [curve.probability[curve.value <= t].max(initial=0.0) for t in theirs.quantiles],
        theirs.probabilities,
        atol=1e-12,
    )
    doubled = KaplanMeier.fit(np.repeat(times, 2), np.ones(160), np.repeat(censored, 2))
    weighted = KaplanMeier.fit(times, np.full(80, 2.0), censored)
    for probability in (0.1, 0.25, 0.5):
        assert doubled.quantile(probability) == weighted.quantile(probability) == curve.quantile(probability)


def test_block_median_agrees_with_scipy():
    """Harrell-Davis quantile of SciPy, and the spread of the estimate in repeated samples."""
    samples = np.exp(normals("samples", 0, 60 * 400)).reshape(400, 60)
    patient, weight, complete = np.arange(60), np.ones(60), np.zeros(60, dtype=bool)
    medians, variances = [], []
    for values in samples:
        median, influence = block_median(KaplanMeier.fit(values, weight, complete), patient, values.max())
        medians.append(median)
        variances.append(influence @ influence)
    np.testing.assert_allclose(medians[:20], [mstats.hdmedian(values) for values in samples[:20]], rtol=1e-9)
    assert np.mean(variances) == pytest.approx(np.var(medians), rel=0.2)


@pytest.mark.parametrize("difference", [paired_mean_difference, paired_median_difference])
@pytest.mark.parametrize("spread", [0.0, 0.2, 0.5])
def test_paired_difference_covers_a_new_population(difference, spread):
    hits = []
    for repeat in range(REPEATS):
        effect = 0.2 + spread * normals("effect", repeat, BLOCKS + 1)
        noise = normals("noise", repeat, 3 * BLOCK.size).reshape(3, -1)
        common = normals("level", repeat, BLOCKS)[BLOCK] + noise[0]
        one = Arm(common + effect[BLOCK] + 0.3 * noise[1])
        other = Arm(common + 0.3 * noise[2])
        hits.append(holds(difference(one, other, BLOCK, LEVEL), effect[-1]))
    assert coverage(hits) > LEAST


def test_pairing_removes_what_patients_share():
    common = 5 * normals("shared", 0, BLOCK.size)
    other = Arm(common)
    one = Arm(common + 1.0)
    for difference in (paired_mean_difference, paired_median_difference):
        interval = difference(one, other, BLOCK, LEVEL)
        assert interval.estimate == pytest.approx(1.0)
        assert interval.hi - interval.lo < 1e-6
        back = difference(other, one, BLOCK, LEVEL)
        assert (-back.hi, -back.lo) == pytest.approx((interval.lo, interval.hi), abs=1e-6)


def test_paired_difference_of_arms_with_other_weights_and_blocks():
    values = normals("arms", 0, BLOCK.size)
    early = np.where(BLOCK < 30, 1.0, 0.0)
    late = np.where(BLOCK >= 10, 2.0, 0.0)
    interval = paired_mean_difference(Arm(values, early), Arm(values, late), BLOCK, LEVEL)
    assert interval.estimate == pytest.approx(values[BLOCK < 30].mean() - values[BLOCK >= 10].mean())
    apart = paired_mean_difference(Arm(values, early), Arm(values, 1.0 * (BLOCK >= 30)), BLOCK, LEVEL)
    assert np.isnan(apart.lo)
    unreached = paired_median_difference(Arm(values, censored=values > -2), Arm(values), BLOCK, LEVEL)
    assert np.isnan(unreached.estimate)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=50), st.sampled_from([0.5, 0.8, 0.9]))
def test_predictive_intervals_hold_at_least_their_level_and_are_tight(values, level):
    lo, hi = predictive(values, level)
    array = np.array(values)
    tail = (1 - level) / 2
    assert lo in values
    assert hi in values
    assert ((array >= lo) & (array <= hi)).mean() >= level - 1e-9
    assert (array < lo).mean() <= tail + 1e-9
    assert (array > hi).mean() <= tail + 1e-9
    assert (array <= lo).mean() >= tail - 1e-9


def test_predictive_ignores_trials_without_a_value():
    assert predictive([np.nan, 1.0, 2.0], 0.5) == predictive([1.0, 2.0], 0.5)
    assert np.isnan(predictive([np.nan])).all()


def test_a_published_rate_is_covered_if_single_trials_show_it():
    counts, totals = np.array([1, 2, 3, 4, 5, 0]), np.array([12, 12, 12, 12, 12, 0])
    assert covered(1, 3, counts, totals, 0.5)
    assert not covered(12, 13, counts, totals, 0.9)
    assert covered(1, 12, counts, totals, 0.9)
    with pytest.raises(ValueError, match="needs patients"):
        covered(0, 0, counts, totals)


@pytest.mark.parametrize(
    "call",
    [
        lambda: marginal_rate([0.5, 2.0], [0, 1]),
        lambda: marginal_rate([0.5, 1.0], [0, 1], 1.5),
        lambda: marginal_mean([0.5, 1.0], [0, 1, 2]),
        lambda: marginal_mean([0.5, 1.0], [0, 1], 0.9, [1.0, -1.0]),
        lambda: marginal_median([0.5, 1.0], [0, 1], 0.9, [[1.0, 1.0]]),
    ],
)
def test_impossible_samples_are_refused(call):
    with pytest.raises(ValueError, match=r"values|weights|level"):
        call()
