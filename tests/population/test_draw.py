"""Patients follow the table: distributions, ranges, correlations, two levels."""

import numpy as np
import pytest
from scipy import stats

from carwright.models import load_model
from carwright.population import draw

TABLE = load_model("mcrpc").table
ROWS = {row.name: row for row in (*TABLE.parameters, *TABLE.covariates)}


@pytest.fixture(scope="module")
def patients():
    return draw(TABLE, 20000, seed=3, patients_per_population=1)


def test_later_patients_do_not_change_earlier_ones_and_shards_join():
    whole = draw(TABLE, 100, seed=5, patients_per_population=40)
    part = draw(TABLE, 37, seed=5, patients_per_population=40, first=50)
    for name in ROWS:
        assert (whole.values[name][50:87] == part.values[name]).all(), name
    assert (whole.population[50:87] == part.population).all()


@pytest.mark.parametrize("name", sorted(ROWS))
def test_values_stay_in_range_and_vary_only_when_they_should(patients, name):
    row, values = ROWS[name], patients.values[name]
    assert ((values >= row.low) & (values <= row.high)).all()
    assert (np.ptp(values) > 0) == row.varies


@pytest.mark.parametrize("name", ["psa_baseline", "tumour_doubling_time", "antigen_low_fraction", "homing_rate"])
def test_medians_and_spread_are_those_of_the_table(patients, name):
    row = ROWS[name]
    forward = np.log if row.distribution == "lognormal" else lambda x: np.log(x / (1 - x))
    transformed = forward(patients.values[name])
    total = np.hypot(row.patients, row.population)
    # Truncation to the range narrows the spread a little; the median of these parameters hardly moves.
    assert abs(np.median(transformed) - forward(row.value)) < 0.05 * max(total, 0.5)
    assert 0.85 * total < transformed.std() < 1.02 * total


def test_an_exponential_threshold_has_its_mean(patients):
    values = patients.values["antigen_positive_extinction"]
    assert stats.kstest(values, "expon").pvalue > 1e-3


@pytest.mark.parametrize("pair", TABLE.correlations, ids=lambda pair: f"{pair.first}-{pair.second}")
def test_correlations_join_the_deviates(pair):
    one_population = draw(TABLE, 20000, seed=4, patients_per_population=20000)
    got = stats.spearmanr(one_population.values[pair.first], one_population.values[pair.second]).statistic
    assert got == pytest.approx(6 / np.pi * np.arcsin(pair.value / 2), abs=0.03)


def test_the_two_levels_are_apart():
    drawn = draw(TABLE, 40 * 300, seed=6, patients_per_population=40)
    row = ROWS["homing_rate"]
    logs = np.log(drawn.values["homing_rate"]).reshape(300, 40)
    within = logs.std(axis=1, ddof=1).mean()
    between = logs.mean(axis=1).std(ddof=1)
    assert within == pytest.approx(row.patients, rel=0.1)
    assert between == pytest.approx(np.hypot(row.population, row.patients / np.sqrt(40)), rel=0.15)
    # A parameter without variability between patients is the same in all of one population.
    assert np.ptp(drawn.values["endothelial_il6_half"].reshape(300, 40), axis=1).max() == 0


def test_a_replaced_median_moves_the_patients_and_nothing_else():
    base = draw(TABLE, 500, seed=7, patients_per_population=40)
    moved = draw(TABLE, 500, seed=7, patients_per_population=40, medians={"psa_elimination": 0.25})
    assert np.median(moved.values["psa_elimination"]) == pytest.approx(0.25, rel=0.05)
    for name in ROWS:
        if name != "psa_elimination":
            assert (base.values[name] == moved.values[name]).all()
    with pytest.raises(KeyError):
        draw(TABLE, 5, seed=7, patients_per_population=40, medians={"psa_eliminations": 0.25})
