"""Events that chance decides: the hazard integral, sepsis and death."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from carwright.clinic.death import DeathHazard, crs_death_day, with_death
from carwright.clinic.readings import hazard_day
from carwright.clinic.sepsis import SepsisHazard, sepsis_day, sepsis_hazard

TIMES = np.arange(0.0, 61.0)
NAN = np.nan
chances = st.floats(0.001, 0.999)


def test_constant_hazard_gives_the_quantiles_of_the_exponential_distribution():
    chance = np.linspace(0.01, 0.99, 99)
    day = hazard_day(TIMES, np.full((99, TIMES.size), 0.1), chance)
    quantile = -np.log(1.0 - chance) / 0.1
    assert day == pytest.approx(np.where(quantile <= 60.0, quantile, NAN), nan_ok=True)


def test_share_with_the_event_is_one_minus_survival():
    chance = (np.arange(100_000) + 0.5) / 100_000
    hazard = np.zeros((100_000, TIMES.size))
    hazard[:, 5:9], hazard[:, 20] = 0.1, 0.3
    happened = ~np.isnan(hazard_day(TIMES, hazard, chance))
    assert happened.mean() == pytest.approx(1.0 - np.exp(-0.7), abs=1e-4)


def test_no_hazard_no_event_and_none_before_the_infusion():
    assert np.isnan(hazard_day(TIMES, np.zeros((1, 61)), np.array([1e-9])))
    times = np.arange(-10.0, 1.0)
    assert np.isnan(hazard_day(times, np.full((1, 11), 100.0), np.array([1e-9])))


def test_uneven_times_are_weighed_by_their_length():
    times = np.array([0.0, 1.0, 11.0, 12.0])
    hazard = np.array([[0.0, 0.1, 0.0, 0.0]])
    assert hazard_day(times, hazard, np.array([1.0 - np.exp(-0.5)])) == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("count", "steroid", "factor"),
    [(500, 0, 0), (499, 0, 1), (100, 0, 1), (99, 0, 2), (499, 21, 2.08), (99, 21, 4.16), (500, 21, 0)],
)
def test_sepsis_hazard_by_count_and_steroid(count, steroid, factor):
    found = sepsis_hazard(np.array([[float(count)]]), np.array([[float(steroid)]]), SepsisHazard())
    assert found[0, 0] == pytest.approx(0.0087 * factor)


@settings(max_examples=200, deadline=None)
@given(
    arrays(float, (1, 61), elements=st.floats(0.0, 2_000.0)),
    arrays(float, (1, 61), elements=st.floats(0.0, 1_500.0)),
    chances,
)
def test_more_neutropenia_never_delays_or_prevents_sepsis(counts, loss, chance):
    steroid = np.zeros((1, 61))
    before = sepsis_day(TIMES, counts, steroid, np.array([chance]), SepsisHazard())[0]
    after = sepsis_day(TIMES, counts - loss, steroid, np.array([chance]), SepsisHazard())[0]
    assert np.isnan(before) or after <= before + 1e-9


def test_only_grade_4_kills_and_sepsis_kills_more():
    chance = (np.arange(20_000) + 0.5) / 20_000
    never = np.full(20_000, NAN)
    course = np.zeros((20_000, TIMES.size))
    course[:, 3:7] = 3
    assert np.isnan(crs_death_day(TIMES, course, never, chance, DeathHazard(daily=0.1))).all()
    course[:, 3:7] = 4  # four days in grade 4
    alone = ~np.isnan(crs_death_day(TIMES, course, never, chance, DeathHazard(daily=0.1)))
    septic = ~np.isnan(crs_death_day(TIMES, course, np.full(20_000, 1.0), chance, DeathHazard(daily=0.1)))
    late = ~np.isnan(crs_death_day(TIMES, course, np.full(20_000, 30.0), chance, DeathHazard(daily=0.1)))
    assert alone.mean() == pytest.approx(1 - np.exp(-0.4), abs=1e-4)
    assert septic.mean() == pytest.approx(1 - np.exp(-1.2), abs=1e-4)
    assert (late == alone).all()
    assert (septic | ~alone).all()


def test_death_comes_inside_the_grade_4_episode_and_lasts():
    course = np.zeros((1, TIMES.size))
    course[:, 3:7] = 4
    day = crs_death_day(TIMES, course, np.array([NAN]), np.array([0.2]), DeathHazard(daily=0.1))
    assert day == pytest.approx(3.0 - np.log(0.8) / 0.1)
    dead = with_death(TIMES, course, day)[0]
    assert dead[:6].tolist() == [0, 0, 0, 4, 4, 4]
    assert set(dead[6:]) == {5}


def test_a_failed_solve_neither_falls_ill_nor_dies():
    empty = np.full((1, TIMES.size), NAN)
    assert np.isnan(sepsis_day(TIMES, empty, empty, np.array([1e-9]), SepsisHazard()))
    assert np.isnan(crs_death_day(TIMES, empty, np.array([NAN]), np.array([1e-9]), DeathHazard()))
