"""HLH/MAS by ferritin against the published distributions."""

from statistics import NormalDist

import numpy as np
import pytest

from carwright.clinic.hlh import HIGH_GRADE_CRS, HLH_LIKE, HlhLimit, hlh_day


def log_normal(quartiles):
    """The log-normal distribution with these quartiles, as the normal distribution of the logarithm."""
    low, middle, high = np.log(quartiles)
    return NormalDist(middle, (high - low) / (2 * NormalDist().inv_cdf(0.75)))


def test_limit_errs_equally_often_on_both_sides():
    limit = np.log(HlhLimit().ferritin)
    missed = log_normal(HLH_LIKE).cdf(limit)
    mistaken = 1.0 - log_normal(HIGH_GRADE_CRS).cdf(limit)
    assert missed == pytest.approx(mistaken, rel=1e-9)
    assert 0.10 < missed < 0.20


def test_screening_limit_alone_would_call_a_third_of_high_grade_crs():
    mistaken = 1.0 - log_normal(HIGH_GRADE_CRS).cdf(np.log(10_000))
    assert 0.28 < mistaken < 0.40


def test_first_day_at_the_limit_after_the_infusion():
    times = np.array([-1.0, 0.0, 5.0, 6.0, 7.0])
    limit = HlhLimit().ferritin
    ferritin = np.array([[2 * limit, 500, 500, limit, 2 * limit], [500, 500, limit - 1, 500, 500], [np.nan] * 5])
    syndrome = np.ones_like(ferritin)
    assert hlh_day(times, ferritin, syndrome, HlhLimit()) == pytest.approx([6.0, np.nan, np.nan], nan_ok=True)


def test_it_is_a_complication_of_crs_of_any_grade():
    times = np.arange(4.0)
    ferritin = np.full((3, 4), 2 * HlhLimit().ferritin)
    crs = np.array([[0.0, 0, 0, 0], [0, 0, 1, 0], [0, 4, 4, 0]])
    assert hlh_day(times, ferritin, crs, HlhLimit()) == pytest.approx([np.nan, 2.0, 1.0], nan_ok=True)
