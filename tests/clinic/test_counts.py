"""Blood counts: CTCAE tables and the length of neutropenia."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from carwright.clinic.ctcae import LIMITS, count_grade
from carwright.clinic.neutropenia import NeutropeniaWindow, neutropenia_outcomes
from carwright.errors import CarwrightError

# Count per uL -> grade by version: CTCAE v4.03/v5.0 G1 <LLN-1500, G2 <1500-1000, G3 <1000-500, G4 <500;
# v6.0 G1 <1500-1000, G2 <1000-500, G3 <500-100, G4 <100.
NEUTROPHILS = {
    1_800: (0, 0), 1_799: (1, 0), 1_500: (1, 0), 1_499: (2, 1), 1_000: (2, 1), 999: (3, 2), 500: (3, 2),
    499: (4, 3), 100: (4, 3), 99: (4, 4), 0: (4, 4),
}  # fmt: skip
PLATELETS = {150_000: 0, 149_999: 1, 75_000: 1, 74_999: 2, 50_000: 2, 49_999: 3, 25_000: 3, 24_999: 4, 0: 4}


@pytest.mark.parametrize("count", NEUTROPHILS)
def test_neutrophils_by_version(count):
    counts = np.array([float(count)])
    five, six = NEUTROPHILS[count]
    assert [count_grade("neutrophils", counts, v)[0] for v in ("4.03", "5.0", "6.0")] == [five, five, six]


@pytest.mark.parametrize("version", ["4.03", "5.0"])
def test_platelets(version):
    counts = np.array(list(PLATELETS), float)
    assert count_grade("platelets", counts, version).tolist() == list(PLATELETS.values())


@pytest.mark.parametrize(("cell", "version"), [("neutrophils", "3.0"), ("platelets", "6.0")])
def test_an_unknown_version_is_refused_and_the_known_ones_are_named(cell, version):
    with pytest.raises(CarwrightError) as caught:
        count_grade(cell, np.array([100.0]), version)
    problem = caught.value.problems[0]
    assert (problem.code, problem.found) == ("CLINIC001", version)
    assert problem.allowed == ", ".join(LIMITS[cell])


def test_a_missing_count_has_no_grade():
    assert np.isnan(count_grade("neutrophils", np.array([np.nan]), "5.0"))[0]


def measure(times, counts):
    found = neutropenia_outcomes(np.asarray(times, float), np.array([counts], float), NeutropeniaWindow())
    return float(found["anc_below_500_days"][0]), float(found["anc_nadir"][0])


def test_days_below_500_by_hand():
    # Falls through 500 halfway between days 4 and 6, rises through it a quarter into days 10 to 14.
    assert measure([0, 4, 6, 10, 14, 60], [1000, 1000, 0, 400, 800, 800]) == pytest.approx((6.0, 0.0))
    assert measure([0, 30, 60], [500, 500, 500]) == (0.0, 500.0)
    assert measure([0, 30, 60], [100, 100, 100]) == (60.0, 100.0)


def test_only_the_first_60_days_after_the_infusion_count():
    assert measure([-10, 0, 60, 100], [100, 100, 100, 50]) == pytest.approx((60.0, 100.0))
    assert measure([-5, 5, 100], [0, 1000, 1000]) == pytest.approx((0.0, 500.0))
    assert measure([0, 10], [100, 100]) == pytest.approx((10.0, 100.0))


def test_death_ends_the_count():
    assert measure([0, 1, 2, 3, 4], [100, 100, 100, np.nan, np.nan]) == pytest.approx((2.0, 100.0))


def test_a_failed_solve_has_no_neutropenia():
    assert np.isnan(measure([0, 30, 60], [np.nan] * 3)).all()


@settings(max_examples=100, deadline=None)
@given(arrays(float, 13, elements=st.floats(0.0, 3_000.0)))
def test_agrees_with_counting_on_a_fine_grid(counts):
    times = np.arange(0.0, 61.0, 5.0)
    fine = (np.arange(60_000) + 0.5) / 1_000
    below = (np.interp(fine, times, counts) < 500.0).sum() / 1_000
    assert measure(times, counts)[0] == pytest.approx(below, abs=0.02)
