"""Rules of dose-limiting toxicity by enumeration."""

import itertools

import numpy as np
import pytest

from carwright.clinic.adjudication import RULES, Gradings, adjudicate, find_rule, rule
from carwright.errors import CarwrightError

TIMES = np.arange(-2.0, 61.0)
NAN = np.nan


def patient(crs=(), icans=(), neutropenia=(), hlh=NAN, sepsis=NAN, death=NAN):
    """Gradings of one patient; a course is a list of (grade, first day, last day)."""
    courses = []
    for episodes in (crs, icans, neutropenia):
        course = np.zeros((1, TIMES.size))
        for grade, first, last in episodes:
            course[0, (first <= TIMES) & (last >= TIMES)] = grade
        courses.append(course)
    events = [np.array([day]) for day in (hlh, sepsis, death)]
    return Gradings(TIMES, *courses, *events)


def verdict(name, window=28.0, **toxicity):
    found = adjudicate(name, patient(**toxicity), window_days=window)
    return found.dlt[0], found.day[0], found.reason[0]


def calls(name, window=28.0, **toxicity):
    return bool(verdict(name, window, **toxicity)[0])


NAMES = (
    "protocol",
    "any-grade-3-crs",
    "grade-4",
    "grade-3-over-72-hours",
    "protocol-and-sepsis",
    "protocol-and-neutropenia",
)
# What happened -> which of the rules call it dose-limiting, in the order of NAMES.
CASES = {
    "nothing": ({}, "......"),
    "CRS grade 2 for weeks": ({"crs": [(2, 3, 25)]}, "......"),
    "CRS grade 3 for two days": ({"crs": [(2, 3, 9), (3, 4, 5)]}, ".X...."),
    "CRS grade 3 still there after three days": ({"crs": [(3, 4, 7)]}, ".X.X.."),
    "CRS grade 3 resolved on the seventh day": ({"crs": [(3, 4, 10)]}, ".X.X.."),
    "CRS grade 3 still there after seven days": ({"crs": [(3, 4, 11)]}, "XX.XXX"),
    "CRS grade 3 twice, four days each": ({"crs": [(3, 4, 7), (3, 9, 12)]}, ".X.X.."),
    "CRS grade 4 for a day": ({"crs": [(4, 4, 4)]}, "XXXXXX"),
    "death": ({"crs": [(4, 4, 6), (5, 7, 60)], "death": 7.0}, "XXXXXX"),
    "ICANS grade 2": ({"icans": [(2, 4, 20)]}, "......"),
    "ICANS grade 3 for two days": ({"icans": [(3, 4, 5)]}, ".X...."),
    "ICANS grade 3 still there after seven days": ({"icans": [(3, 4, 11)]}, "XX.XXX"),
    "ICANS grade 4": ({"icans": [(4, 4, 4)]}, "XXXXXX"),
    "HLH/MAS": ({"hlh": 9.0}, "XXXXXX"),
    "sepsis": ({"sepsis": 6.0}, "....X."),
    "neutropenia grade 4 for 13 days": ({"neutropenia": [(4, 0, 13)]}, "......"),
    "neutropenia grade 4 still there after 14 days": ({"neutropenia": [(4, 0, 14)]}, ".....X"),
    "everything before the infusion": ({"crs": [(4, -2, -1)], "icans": [(4, -2, -1)]}, "......"),
    "all too late": ({"crs": [(4, 29, 40)], "icans": [(4, 29, 40)], "hlh": 29, "sepsis": 30}, "......"),
    "CRS grade 4 on the last day": ({"crs": [(4, 28, 28)]}, "XXXXXX"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_which_rules_call_it(case):
    toxicity, expected = CASES[case]
    assert "".join("X" if calls(name, **toxicity) else "." for name in NAMES) == expected


def test_every_registered_rule_is_in_the_table_and_describes_itself():
    assert set(RULES) == set(NAMES)
    assert all(len(known.text) > 50 and "Assumed" in known.text for known in RULES.values())


def test_reason_and_day_are_those_of_the_first_criterion_met():
    assert verdict("protocol", crs=[(3, 4, 12), (4, 13, 14)]) == (1, 11, "CRS grade 3 for 7 days")
    assert verdict("protocol", crs=[(4, 6, 7)], hlh=5.0) == (1, 5, "HLH/MAS")
    assert verdict("any-grade-3-crs", crs=[(3, 6, 7)], icans=[(3, 6, 7)]) == (1, 6, "CRS grade 3")
    dlt, day, reason = verdict("protocol", crs=[(3, 4, 5)])
    assert (dlt, reason) == (0, None)
    assert np.isnan(day)


def test_a_grade_3_whose_seven_days_end_after_the_window_is_not_called():
    assert not calls("protocol", crs=[(3, 22, 40)])
    assert calls("protocol", crs=[(3, 21, 40)])


def test_more_toxicity_never_undoes_a_verdict():
    grades, lasts = (2, 3, 4), (4, 7, 11)
    for name in NAMES:
        for grade, last in itertools.product(grades, lasts):
            if calls(name, crs=[(grade, 4, last)]):
                worse = [(g, d) for g, d in itertools.product(grades, lasts) if g >= grade and d >= last]
                assert all(calls(name, crs=[(g, 4, d)], sepsis=5.0) for g, d in worse)


def test_stricter_rules_include_laxer_ones():
    for toxicity, _ in CASES.values():
        laxer = calls("grade-4", **toxicity)
        assert laxer <= calls("protocol", **toxicity) <= calls("grade-3-over-72-hours", **toxicity)
        assert laxer <= calls("any-grade-3-crs", **toxicity)


def test_a_failed_solve_has_no_verdict():
    empty = np.full((1, TIMES.size), NAN)
    never = np.array([NAN])
    for name in RULES:
        found = adjudicate(name, Gradings(TIMES, empty, empty, empty, never, never, never), 28.0)
        assert np.isnan(found.dlt).all()
        assert found.reason.tolist() == [None]


def test_an_unknown_rule_suggests_the_nearest():
    with pytest.raises(CarwrightError, match="protocol") as caught:
        find_rule("protocoll")
    assert "protocol" in caught.value.problems[0].fix


def test_adding_a_rule_is_one_decorated_function(monkeypatch):
    monkeypatch.setattr("carwright.clinic.adjudication.RULES", {})

    @rule("sepsis-only", "Sepsis within the window.")
    def sepsis(gradings):
        return {"sepsis": gradings.sepsis_day}

    assert verdict("sepsis-only", 7.0, sepsis=7.0) == (1, 7, "sepsis")
    assert not calls("sepsis-only", 7.0, sepsis=7.1)
