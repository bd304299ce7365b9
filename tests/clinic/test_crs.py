"""ASTCT 2019 CRS: the published table by enumeration, the course of the syndrome, what must never happen."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from carwright.clinic.crs import SignThresholds, crs_course, days_at_grade, support_grade

THRESHOLDS = SignThresholds()
# Level of support that Lee 2019 table 2 names -> a sign that needs it, and the grade it makes.
PRESSURE = {"none": (90.0, 1), "fluids": (60.0, 2), "one vasopressor": (50.0, 3), "several": (40.0, 4)}
SATURATION = {
    "none": (97.0, 1),
    "low flow": (90.0, 2),
    "high flow": (80.0, 3),
    "positive pressure": (70.0, 4),
}
ROWS = list(itertools.product(PRESSURE, SATURATION))
DRUGS = ("tocilizumab", "corticosteroid", "anakinra")
DAYS = np.arange(0.0, 11.0)


def patient(temperature=36.8, pressure=90.0, saturation=97.0, times=DAYS, **drugs):
    """Courses of one patient; a sign is a number or a list of readings."""
    signs = {"temperature": temperature, "arterial_pressure": pressure, "oxygen_saturation": saturation}
    signs |= {drug: drugs.get(drug, 0.0) for drug in DRUGS}
    return {name: np.broadcast_to(np.asarray(value, float), (1, len(times))) for name, value in signs.items()}


def grades(times=DAYS, **signs):
    times = np.asarray(times, float)
    return crs_course(times, patient(times=times, **signs), THRESHOLDS)[0].tolist()


@pytest.mark.parametrize(("support", "oxygen"), ROWS)
def test_every_row_of_the_table_with_fever(support, oxygen):
    pressure, by_pressure = PRESSURE[support]
    saturation, by_saturation = SATURATION[oxygen]
    found = grades(temperature=39.0, pressure=pressure, saturation=saturation)
    assert found == [max(by_pressure, by_saturation)] * len(DAYS)


@pytest.mark.parametrize(("support", "oxygen"), ROWS)
def test_without_fever_and_without_drugs_nothing_is_the_syndrome(support, oxygen):
    assert grades(pressure=PRESSURE[support][0], saturation=SATURATION[oxygen][0]) == [0] * len(DAYS)


@pytest.mark.parametrize("drug", DRUGS)
def test_a_drug_that_hides_fever_lets_signs_start_the_syndrome_but_starts_nothing_itself(drug):
    assert grades(pressure=50.0, **{drug: 100.0}) == [3] * len(DAYS)
    assert grades(**{drug: 100.0}) == [0] * len(DAYS)


def test_thresholds_are_where_they_are_said_to_be():
    assert grades(temperature=38.0)[0] == 1
    assert grades(temperature=np.nextafter(38.0, 0.0))[0] == 0
    for grade in (2, 3, 4):
        limit = THRESHOLDS.pressure(grade)
        assert grades(temperature=38.0, pressure=limit)[0] == grade - 1
        assert grades(temperature=38.0, pressure=np.nextafter(limit, 0.0))[0] == grade
        limit = THRESHOLDS.saturation(grade)
        assert grades(temperature=38.0, saturation=limit)[0] == grade - 1
        assert grades(temperature=38.0, saturation=np.nextafter(limit, 0.0))[0] == grade


def test_grade_follows_hypotension_after_the_fever_has_gone():
    fever = [39, 39] + [37] * 9
    pressure = [90, 60, 60, 50, 60, 90, 90, 90, 90, 90, 90]
    assert grades(temperature=fever, pressure=pressure) == [1, 2, 2, 3, 2, 0, 0, 0, 0, 0, 0]


def test_the_syndrome_lasts_24_hours_beyond_the_last_sign_and_may_return():
    times = np.arange(0.0, 3.0, 0.25)
    fever = np.where((times < 0.5) | (times == 2.0), 39.0, 37.0)
    # Last sign on day 0.25, so the readings before day 1.25 are still grade 1.
    expected = [1, 1, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1]
    assert grades(times=times, temperature=fever) == expected


def test_hourly_readings_do_not_lose_the_24_hours_to_rounding():
    times = np.arange(0, 72) / 24.0
    fever = np.where(times == 0.0, 39.0, 37.0)
    assert grades(times=times, temperature=fever) == [1] * 24 + [0] * 48


def test_fever_before_the_infusion_is_not_the_syndrome():
    assert grades(times=[-2, -1, 0, 1, 2], temperature=[39, 39, 37, 37, 39]) == [0, 0, 0, 0, 1]


def test_a_failed_solve_has_no_grade():
    courses = {name: np.full((1, DAYS.size), np.nan) for name in patient()}
    assert np.isnan(crs_course(DAYS, courses, THRESHOLDS)).all()


def test_days_at_grade_counts_from_a_reading_to_the_next():
    course = np.array([[0.0, 1.0, 3.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    times = np.array([0.0, 1.0, 1.5, 4.0, 5.0])
    assert days_at_grade(times, course, 1).tolist() == [4.0, 0.0]
    assert days_at_grade(times, course, 3).tolist() == [2.5, 0.0]


def reference(times, temperature, pressure, saturation, drug):
    """The same rules written as one patient's diary."""
    inside, last, found = False, -1e9, []
    for day, fever, mmhg, percent, amount in zip(times, temperature, pressure, saturation, drug, strict=True):
        need = max(
            [1, *(g for g, x in ((2, 65), (3, 57), (4, 45)) if mmhg < x)]
            + [g for g, x in ((2, 92), (3, 85), (4, 75)) if percent < x]
        )
        if fever >= 38 or need > 1:
            last = day
        if fever >= 38 or (need > 1 and amount > 0.8):
            inside = True
        if day - last >= 1:
            inside = False
        found.append(need if inside else 0)
    return found


signs = st.tuples(
    arrays(float, 11, elements=st.sampled_from([36.8, 37.9, 38.0, 40.0])),
    arrays(float, 11, elements=st.sampled_from([90.0, 64.0, 56.0, 44.0])),
    arrays(float, 11, elements=st.sampled_from([97.0, 91.0, 84.0, 74.0])),
    arrays(float, 11, elements=st.sampled_from([0.0, 0.0, 8.0])),
)
halves = np.arange(0.0, 5.5, 0.5)


@settings(max_examples=300, deadline=None)
@given(signs)
def test_agrees_with_a_diary(drawn):
    temperature, pressure, saturation, drug = drawn
    found = grades(times=halves, temperature=temperature, pressure=pressure, saturation=saturation, tocilizumab=drug)
    assert found == reference(halves, *drawn)


@settings(max_examples=200, deadline=None)
@given(signs, arrays(float, (3, 11), elements=st.floats(0.0, 20.0)))
def test_a_worse_sign_never_lowers_a_grade(drawn, worsening):
    temperature, pressure, saturation, drug = drawn
    before = grades(times=halves, temperature=temperature, pressure=pressure, saturation=saturation, tocilizumab=drug)
    after = grades(
        times=halves,
        temperature=temperature + worsening[0],
        pressure=pressure - worsening[1],
        saturation=saturation - worsening[2],
        tocilizumab=drug,
    )
    assert all(b <= a for b, a in zip(before, after, strict=True))


def test_support_alone_takes_the_worse_of_the_two():
    pressure, saturation = np.array([90.0, 60.0, 90.0, 40.0]), np.array([97.0, 80.0, 90.0, 80.0])
    assert support_grade(pressure, saturation, THRESHOLDS).tolist() == [0, 3, 2, 4]
