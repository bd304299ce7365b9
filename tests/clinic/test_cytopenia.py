"""Counts that stay down, their grades, and the deaths that they bring."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.clinic.b_cells import BCellAplasia
from carwright.clinic.cytopenia import Cytopenia, recovery_day
from carwright.clinic.hematotox import HematotoxScore
from carwright.clinic.icaht import Icaht, longest_run
from carwright.clinic.infection import MORTALITY, STAY, NeutropenicInfection
from carwright.clinic.panel import Seen, competing, first_of

TIMES = np.concatenate(([-7.0], np.arange(0.0, 121.0)))


def course(*stretches, normal=4_000.0):
    """One patient's count: (first day, day after the last, count) for each stretch."""
    counts = np.full((1, TIMES.size), normal)
    for first, end, count in stretches:
        counts[0, (first <= TIMES) & (end > TIMES)] = count
    return counts


def seen(sepsis=np.nan, uniforms=None, deaths=None, **courses):
    return Seen(TIMES, courses, uniforms or {}, np.array([sepsis]), deaths or {})


# Hand-made patients of the EHA/EBMT table: days at or below 500, days at or below 100, early grade.
EARLY = [
    ((), 0),
    (((5, 6, 400.0),), 1),
    (((5, 11, 400.0),), 1),
    (((5, 12, 400.0),), 2),
    (((5, 18, 400.0),), 2),
    (((5, 19, 400.0),), 3),
    (((5, 11, 100.0),), 1),
    (((5, 12, 100.0),), 3),
    (((5, 18, 100.0),), 3),
    (((5, 19, 100.0),), 4),
    (((5, 12, 501.0),), 0),
    (((0, 121, 400.0),), 4),  # never above 500
    (((3, 121, 400.0),), 4),  # from day 3 on without recovery
    (((4, 121, 400.0),), 3),  # 27 days
    (((5, 8, 400.0), (10, 13, 400.0)), 2),  # two days of recovery do not part it: 8 days
    (((5, 8, 400.0), (11, 14, 400.0)), 1),  # three days do
]


@pytest.mark.parametrize(("stretches", "grade"), EARLY)
def test_early_haematotoxicity_by_hand(stretches, grade):
    found = Icaht().outcomes(seen(neutrophils_per_ul=course(*stretches)))
    assert found["icaht_early"][0] == grade


LATE = [(1_501.0, 0), (1_500.0, 1), (1_001.0, 1), (1_000.0, 2), (501.0, 2), (500.0, 3), (101.0, 3), (100.0, 4)]


@pytest.mark.parametrize(("count", "grade"), LATE)
def test_late_haematotoxicity_by_hand(count, grade):
    found = Icaht().outcomes(seen(neutrophils_per_ul=course((40, 45, count))))
    assert found["icaht_late"][0] == grade


def test_one_low_count_is_no_late_haematotoxicity_and_the_dead_have_none():
    assert Icaht().outcomes(seen(neutrophils_per_ul=course((40, 41, 50.0))))["icaht_late"][0] == 0
    dead = np.where(TIMES > 20, np.nan, course((2, 121, 50.0)))
    found = Icaht().outcomes(seen(neutrophils_per_ul=dead))
    assert found["icaht_early"][0] == 4
    assert np.isnan(found["icaht_late"][0])


@given(st.lists(st.booleans(), min_size=1, max_size=31))
def test_the_longest_run_agrees_with_a_search_over_all_stretches(days):
    def is_run(part):
        pauses = "".join("x" if day else "." for day in part)
        return part[0] and part[-1] and "..." not in pauses

    stretches = [days[i:j] for i in range(len(days)) for j in range(i + 1, len(days) + 1)]
    expected = max((len(part) for part in stretches if is_run(part)), default=0)
    assert longest_run(np.array([days]), 3)[0] == expected


def test_recovery_is_the_first_of_three_days_after_the_fall():
    def recovered(*stretches):
        return recovery_day(TIMES, course(*stretches), 500.0, 3.0)[0]

    assert recovered() == 0
    assert recovered((5, 12, 100.0)) == 12
    assert recovered((5, 12, 100.0), (14, 20, 100.0)) == 20  # above for two days only
    assert recovered((5, 12, 100.0), (16, 20, 100.0)) == 12
    assert np.isnan(recovered((5, 121, 100.0)))
    assert np.isnan(recovered((5, 119, 100.0)))  # too late to be sure


def test_aplasia_counts_those_who_died_in_it():
    def aplastic(counts):
        return Cytopenia().outcomes(seen(neutrophils_per_ul=counts, platelets_per_ul=100 * counts))["aplasia_day60"][0]

    assert aplastic(course((5, 59, 0.0))) == 0
    assert aplastic(course((5, 61, 0.0))) == 1
    assert aplastic(np.where(TIMES > 30, np.nan, course((5, 61, 0.0)))) == 1
    assert aplastic(np.where(TIMES > 30, np.nan, course((5, 20, 0.0)))) == 0
    assert np.isnan(aplastic(np.full((1, TIMES.size), np.nan)))


@given(st.floats(0, 5_000), st.floats(1.0, 3.0))
def test_higher_counts_never_mean_more_days_without(base, factor):
    rules = Cytopenia()
    counts = course((3, 30, base), (30, 50, base / 2))

    def days(scale):
        found = rules.outcomes(seen(neutrophils_per_ul=counts * scale, platelets_per_ul=counts * 60 * scale))
        return found["anc_below_500_days"][0], found["platelets_below_50_days"][0]

    assert all(more <= less for more, less in zip(days(factor), days(1.0), strict=True))


def test_an_early_death_adds_no_days_with_neutrophils():
    def found(day_of_death):
        counts = course((2, 32, 50.0))
        counts[0, day_of_death < TIMES] = np.nan
        result = Cytopenia().outcomes(seen(neutrophils_per_ul=counts, platelets_per_ul=course()))
        return result["anc_below_500_days"][0], result["days_alive_with_neutrophils"][0]

    below, with_neutrophils = found(200.0)
    assert below == pytest.approx(30.0, abs=1.0)
    assert below + with_neutrophils == pytest.approx(60.0)
    below, with_neutrophils = found(20.0)
    assert below == pytest.approx(18.0, abs=1.0)
    assert below + with_neutrophils == pytest.approx(20.0)


# Fictional patients of the CAR-HEMATOTOX score: platelets, neutrophils, CRP mg/L, ferritin, points without haemoglobin.
SCORES = [
    (220e3, 3_400, 8, 180, 0),
    (130e3, 1_800, 14, 320, 1),
    (110e3, 950, 42, 540, 3),
    (60e3, 700, 24, 1_400, 4),
    (40e3, 400, 95, 3_200, 6),
]


@pytest.mark.parametrize(("platelets", "neutrophils", "crp", "ferritin", "points"), SCORES)
def test_points_before_treatment(platelets, neutrophils, crp, ferritin, points):
    found = HematotoxScore().outcomes(
        seen(
            platelets_per_ul=course(normal=platelets),
            neutrophils_per_ul=course(normal=neutrophils),
            crp=course(normal=crp),
            ferritin=course(normal=ferritin),
        )
    )
    assert found["hematotox_score"][0] == points
    assert found["hematotox_high"][0] == (points >= 2)


def death_day(counts, sepsis, uniform):
    known = seen(sepsis, {"infection_death": np.array([[uniform]])}, neutrophils_per_ul=counts)
    return NeutropenicInfection().deaths(known)["infection"][0]


def test_the_hazard_of_death_gives_back_the_published_mortality():
    counts = course((0, 121, 100.0))
    day = [death_day(counts, 10.0, (i + 0.5) / 1_000) for i in range(1_000)]
    assert np.mean(np.array(day) <= 10.0 + STAY) == pytest.approx(MORTALITY, abs=0.002)


def test_nobody_dies_of_infection_without_sepsis_or_after_recovery():
    counts = course((0, 20, 100.0))
    assert np.isnan(death_day(counts, np.nan, 1e-9))
    assert np.isnan(death_day(counts, 21.0, 0.0001))
    assert death_day(counts, 5.0, 1e-9) == pytest.approx(5.0, abs=1e-6)


@given(st.floats(0.001, 0.999), st.floats(1, 60), st.floats(1, 60))
def test_a_longer_aplasia_never_spares_a_life(uniform, first, second):
    short, long = sorted((first, second))
    early, late = (death_day(course((0, end, 10.0)), 3.0, uniform) for end in (long, short))
    assert np.isnan(late) or early <= late


def test_of_competing_deaths_the_first_counts():
    days = {"CRS": np.array([5.0, np.nan, np.nan, 8.0]), "infection": np.array([4.0, 9.0, np.nan, 8.0])}
    kept = competing(days)
    np.testing.assert_array_equal(kept["CRS"], [np.nan, np.nan, np.nan, 8.0])
    np.testing.assert_array_equal(kept["infection"], [4.0, 9.0, np.nan, np.nan])
    np.testing.assert_array_equal(first_of(kept, 4), [4.0, 9.0, np.nan, 8.0])


def test_days_without_b_cells_end_with_their_return():
    counts = course((5, 65, 1.0), normal=200.0)
    assert BCellAplasia().outcomes(seen(b_cells_per_ul=counts))["b_cell_aplasia_days"][0] == pytest.approx(60, abs=1)
