"""ASTCT 2019 ICANS from the ICE score."""

import numpy as np
import pytest

from carwright.clinic.icans import IcansThresholds, icans_course, ice_score

THRESHOLDS = IcansThresholds()
# Lee 2019, table 6, by ICE score in adults who can be roused.
GRADE_BY_SCORE = {10: 0, 9: 1, 8: 1, 7: 1, 6: 2, 5: 2, 4: 2, 3: 2, 2: 3, 1: 3, 0: 3}


def grade(index: float, day: float = 5.0) -> float:
    return float(icans_course(np.array([day]), np.array([[index]]), THRESHOLDS)[0, 0])


@pytest.mark.parametrize("score", GRADE_BY_SCORE)
def test_every_score_has_its_grade(score):
    index = 1.0 - score / 10.0
    assert ice_score(np.array([index]))[0] == score
    assert grade(index) == GRADE_BY_SCORE[score]


def test_unarousable_patients_are_grade_4():
    assert grade(1.5) == 3
    assert grade(1.51) == 4


def test_index_of_a_grade_is_where_the_grade_begins():
    for level in (1, 2, 3, 4):
        limit = THRESHOLDS.index(level)
        assert grade(limit - 1e-9) == level - 1
        assert grade(limit + 1e-9) == level


def test_deeper_encephalopathy_never_lowers_the_grade():
    depth = np.linspace(-0.1, 2.0, 2_001)
    course = icans_course(np.array([1.0]), depth[:, None], THRESHOLDS)[:, 0]
    assert (np.diff(course) >= 0).all()
    assert set(course) == {0, 1, 2, 3, 4}


def test_before_the_infusion_and_without_a_reading():
    assert grade(0.9, day=-1.0) == 0
    assert np.isnan(grade(np.nan))
