"""Grading as a whole: from courses to the columns of the patient table."""

import libsbml
import numpy as np
import pytest

from carwright.clinic.adjudication import RULES
from carwright.clinic.death import DeathHazard
from carwright.clinic.grade import Settings, courses_needed, grade_patients, uniforms_needed
from carwright.errors import CarwrightError
from carwright.models import load_model

# The outcome columns of tables/patients.parquet that the clinic owes.
COLUMNS = [
    "crs_grade",
    "crs_onset_day",
    "crs_days",
    "icans_grade",
    "icans_onset_day",
    "hlh_mas",
    "sepsis",
    "sepsis_day",
    "crs_death",
    "death_day",
    "psa_baseline",
    "psa_best_change",
    "psa30",
    "psa50",
    "psa90",
    "psa98",
    "psa50_confirmed",
    "psa_progression_day",
    "progression_free_days",
    "progression_censored",
    "cmax_copies_per_ug",
    "tmax_days",
    "persistence_days",
    "tumour_site_peak_cells",
    "il6_peak",
    "ifng_peak",
    "ferritin_peak",
    "crp_peak",
    "inhibitory_index_baseline",
    "inhibitory_index_day28",
    "inhibitory_index_fold_day28",
    "pd_l1_fold_day28",
    "tim_3_fold_day28",
    "tigit_fold_day28",
    "antigen_low_relapse",
    "anc_below_500_days",
    "anc_nadir",
    "dlt",
    "dlt_day",
    "dlt_reason",
]
NEVER_MISSING = [
    "crs_grade",
    "crs_days",
    "icans_grade",
    "hlh_mas",
    "sepsis",
    "crs_death",
    "psa30",
    "psa50",
    "psa90",
    "psa98",
    "psa50_confirmed",
    "progression_free_days",
    "progression_censored",
    "persistence_days",
    "antigen_low_relapse",
    "anc_below_500_days",
    "dlt",
]


def chances(times, patients, value=0.5):
    return {name: np.full((patients, width), value) for name, width in uniforms_needed(times[-1]).items()}


def between(times, first, last):
    return (times >= first) & (times <= last)


def test_a_patient_to_whom_nothing_happens(times, healthy):
    found = grade_patients(times, healthy(1), chances(times, 1))
    assert set(COLUMNS) <= set(found)
    quiet = ("crs_grade", "crs_days", "icans_grade", "hlh_mas", "sepsis", "crs_death", "psa30", "dlt")
    assert {name: found[name][0] for name in quiet} == dict.fromkeys(quiet, 0)
    assert np.isnan([found[name][0] for name in ("crs_onset_day", "sepsis_day", "death_day", "dlt_day")]).all()
    assert found["dlt_reason"].tolist() == [None]
    assert found["psa_best_change"][0] == pytest.approx(0.0)
    assert (found["progression_free_days"][0], found["progression_censored"][0]) == (364, 1)


def test_a_reversible_grade_3_syndrome(times, healthy):
    courses = healthy(1)
    courses["temperature"][:, between(times, 3, 9)] = 39.5
    courses["arterial_pressure"][:, between(times, 4, 6)] = 50.0
    courses["encephalopathy"][:, between(times, 7, 8)] = 0.5
    courses["psa"][:, between(times, 7, 60)] = 45.0
    found = grade_patients(times, courses, chances(times, 1))
    expected = {
        "crs_grade": 3,
        "crs_onset_day": 3.0,
        "crs_days": 7.0,  # fever to day 9 and 24 h without a sign
        "icans_grade": 2,
        "icans_onset_day": 7.0,
        "psa50": 1,
        "psa50_confirmed": 1,
        "psa90": 0,
        "dlt": 0,
        "dlt_any_grade_3_crs": 1,
        "dlt_day_any_grade_3_crs": 4.0,
        "dlt_grade_4": 0,
    }
    assert {name: float(found[name][0]) for name in expected} == expected
    course = found["crs_grade_course"][0]
    assert course[times == 3.5] == 1
    assert course[times == 5.0] == 3


DEADLY = Settings(death=DeathHazard(daily=0.1))


def test_after_death_nothing_is_observed(times, healthy):
    courses = healthy(2)
    courses["temperature"][:, between(times, 3, 20)] = 40.0
    courses["arterial_pressure"][:, between(times, 4, 20)] = 40.0
    courses["neutrophils_per_ul"][:] = 50.0
    courses["il6"][:, between(times, 15, 20)] = 9_999.0
    courses["ferritin"][:, between(times, 15, 20)] = 99_999.0
    courses["encephalopathy"][:, between(times, 15, 20)] = 2.0
    courses["psa"][:, between(times, 21, 400)] = 1.0
    random = chances(times, 2)
    random["crs_death"] = np.array([[0.5], [0.999]])
    random["sepsis"] = np.full((2, 1), 0.4)  # at 0.0174 a day: on day 29, after the first patient's death
    found = grade_patients(times, courses, random, DEADLY)
    died, survived = 0, 1
    assert found["death_day"][died] == pytest.approx(4.0 - np.log(0.5) / 0.1)
    assert (found["crs_death"][died], found["crs_grade"][died], found["dlt_reason"][died]) == (
        1,
        5,
        "CRS grade 4",
    )
    assert np.isnan(found["death_day"][survived])
    assert found["crs_grade"][survived] == 4
    for name, dead, alive in (
        ("il6_peak", 1, 9_999),
        ("hlh_mas", 0, 1),
        ("icans_grade", 0, 4),
        ("sepsis", 0, 1),
        ("psa98", 0, 1),
    ):
        assert (found[name][died], found[name][survived]) == (dead, alive), name
    assert found["progression_free_days"][died] == found["death_day"][died]
    assert found["progression_censored"][died] == 0
    assert found["crs_days"][died] < found["crs_days"][survived]
    assert np.isnan(found["inhibitory_index_fold_day28"][died])
    after = times > found["death_day"][died]
    assert (found["crs_grade_course"][died, after] == 5).all()
    assert np.isnan(found["icans_grade_course"][died, after]).all()


def test_sepsis_makes_grade_4_deadlier(times, healthy):
    courses = healthy(1)
    courses["temperature"][:, between(times, 3, 9)] = 40.0
    courses["oxygen_saturation"][:, between(times, 5, 7)] = 70.0
    random = chances(times, 1) | {"crs_death": np.array([[0.4]]), "sepsis": np.array([[0.001]])}
    assert grade_patients(times, courses, random, DEADLY)["crs_death"][0] == 0
    courses["neutrophils_per_ul"][:] = 50.0
    found = grade_patients(times, courses, random, DEADLY)
    assert (found["sepsis"][0], found["crs_death"][0]) == (1, 1)


def test_a_failed_solve_has_no_outcome_at_all(times, healthy):
    courses = healthy(3)
    for course in courses.values():
        course[1] = np.nan
    found = grade_patients(times, courses, chances(times, 3, 1e-12))
    for name, values in found.items():
        if name == "dlt_reason":
            assert values[1] is None
        else:
            assert np.isnan(values[1]).all(), name
    for name in NEVER_MISSING:
        assert not np.isnan(found[name][[0, 2]]).any(), name


def random_population(times, healthy, patients=60):
    generator = np.random.default_rng(7)
    courses = healthy(patients)
    bump = np.exp(-((times[None, :] - generator.uniform(3, 20, (patients, 1))) ** 2) / 20.0)
    severity = generator.uniform(0, 1, (patients, 1)) * bump
    courses["temperature"] = 36.8 + 4 * severity
    courses["arterial_pressure"] = 90 - 60 * severity
    courses["oxygen_saturation"] = 97 - 30 * severity
    courses["encephalopathy"] = 1.8 * severity
    courses["ferritin"] = 400 * np.exp(6 * severity)
    courses["neutrophils_per_ul"] = 4_000 * np.exp(-6 * bump)
    courses["psa"] = 100 * np.exp(generator.normal(0, 0.01, (patients, 1)) * times)
    random = {name: generator.uniform(size=(patients, w)) for name, w in uniforms_needed(times[-1]).items()}
    return courses, random


def test_a_patient_is_graded_alike_alone_in_company_and_in_any_order(times, healthy):
    courses, random = random_population(times, healthy)
    together = grade_patients(times, courses, random)
    assert len(set(together["crs_grade"])) >= 4  # the population does exercise the scales
    order = np.random.default_rng(1).permutation(60)[:20]
    part = grade_patients(
        times,
        {name: course[order] for name, course in courses.items()},
        {name: values[order] for name, values in random.items()},
    )
    for name, values in part.items():
        if name == "dlt_reason":
            assert values.tolist() == together[name][order].tolist()
        else:
            np.testing.assert_array_equal(values, together[name][order], err_msg=name)


def test_the_chosen_rule_decides_the_main_columns(times, healthy):
    courses, random = random_population(times, healthy)
    rates = {}
    for name in RULES:
        found = grade_patients(times, courses, random, Settings(adjudication=name))
        column = name.replace("-", "_")
        np.testing.assert_array_equal(found["dlt"], found[f"dlt_{column}"])
        np.testing.assert_array_equal(found["dlt_day"], found[f"dlt_day_{column}"])
        assert all(
            (reason is None) == (dlt == 0) for reason, dlt in zip(found["dlt_reason"], found["dlt"], strict=True)
        )
        rates[name] = found["dlt"].mean()
    assert rates["grade-4"] <= rates["protocol"] <= rates["grade-3-over-72-hours"]
    assert rates["protocol"] < rates["protocol-and-sepsis"]


def test_the_window_bounds_the_verdict(times, healthy):
    courses = healthy(1)
    courses["temperature"][:, between(times, 30, 33)] = 39.0
    courses["oxygen_saturation"][:, between(times, 30, 33)] = 70.0
    random = chances(times, 1, 0.99)
    days = [grade_patients(times, courses, random, Settings(window_days=end))["dlt_day"][0] for end in (28, 30)]
    assert days == pytest.approx([np.nan, 30.0], nan_ok=True)


def test_the_ctcae_version_changes_grade_and_verdict(times, healthy):
    courses = healthy(1)
    courses["neutrophils_per_ul"][:, between(times, 0, 20)] = 300.0
    random = chances(times, 1, 0.99)
    by_version = {
        version: grade_patients(times, courses, random, Settings(ctcae_version=version)) for version in ("4.03", "6.0")
    }
    assert [found["neutropenia_grade"][0] for found in by_version.values()] == [4, 3]
    assert [found["dlt_protocol_and_neutropenia"][0] for found in by_version.values()] == [1, 0]


def test_settings_with_unknown_names_are_refused():
    with pytest.raises(CarwrightError, match="CTCAE"):
        Settings(ctcae_version="5.1")
    with pytest.raises(CarwrightError, match="dose-limiting"):
        Settings(adjudication="protocoll")


def test_everything_missing_is_named_at_once(times, healthy):
    courses = healthy(2)
    del courses["psa"], courses["crp"]
    with pytest.raises(CarwrightError) as caught:
        grade_patients(times, courses, chances(times, 2))
    assert [problem.code for problem in caught.value.problems] == ["CLINIC005"] * 2
    courses = healthy(2)
    courses["il6"] = courses["il6"][:, :-1]
    random = chances(times, 2)
    del random["sepsis"]
    random["crs_death"] = np.ones((3, 1))
    with pytest.raises(CarwrightError) as caught:
        grade_patients(times, courses, random)
    assert [problem.code for problem in caught.value.problems] == ["CLINIC006", "CLINIC007", "CLINIC007"]


def test_the_shipped_model_computes_every_course_that_grading_reads():
    document = libsbml.readSBMLFromString(load_model("mcrpc").sbml)
    model = document.getModel()
    computed = {model.getRule(index).getVariable() for index in range(model.getNumRules())}
    assert set(courses_needed()) <= computed


def test_inputs_are_left_as_they_were(times, healthy):
    courses, random = random_population(times, healthy)
    copies = {name: course.copy() for name, course in courses.items()}
    grade_patients(times, courses, random)
    for name in courses_needed():
        np.testing.assert_array_equal(courses[name], copies[name])


def test_numbers_are_needed_for_every_visit():
    assert uniforms_needed(365.0) == {"sepsis": 1, "crs_death": 1, "psa_measurement": 17}
