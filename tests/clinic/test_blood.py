"""Grading of a blood patient as a whole: deaths that compete, and what nobody can observe after them."""

from __future__ import annotations

import numpy as np
import pytest

from carwright.clinic.blood import AllPanel, AmlPanel, LymphomaPanel
from carwright.clinic.grade import Settings, courses_needed, grade_patients, uniforms_needed
from carwright.clinic.numbers import listed

TIMES = np.concatenate(([-7.0], np.arange(0.0, 121.0)))
QUIET = {
    "temperature": 36.8,
    "arterial_pressure": 90.0,
    "oxygen_saturation": 97.0,
    "neutrophils_per_ul": 4_000.0,
    "platelets_per_ul": 2e5,
    "blast_fraction": 0.4,
    "blasts_per_ul": 500.0,
    "marrow_cellularity": 1.0,
    "leukaemic_cells": 1e12,
    "tumour_cells": 1e12,
    "antigen_low_cells": 1e9,
    "b_cells_per_ul": 200.0,
    "ferritin": 400.0,
    "crp": 5.0,
    "car_copies_per_ug": 1e3,
    "il6": 5.0,
    "ifn_gamma": 5.0,
}
PANELS = (AmlPanel(), AllPanel(), LymphomaPanel())


def grade(panel, uniforms=0.5, **changed):
    settings = Settings(panel=panel)
    courses = {
        name: np.array([changed[name]]) if name in changed else np.full((1, TIMES.size), QUIET.get(name, 0.0))
        for name in courses_needed(settings)
    }
    given = uniforms if isinstance(uniforms, dict) else dict.fromkeys(uniforms_needed(120.0, settings), uniforms)
    random = {name: np.full((1, width), given[name]) for name, width in uniforms_needed(120.0, settings).items()}
    return {name: values[0] for name, values in grade_patients(TIMES, courses, random, settings).items()}


def from_day(day, value, before):
    return np.where(day <= TIMES, value, before)


@pytest.mark.parametrize("panel", PANELS)
def test_a_quiet_patient_has_no_toxicity_and_every_flag_is_yes_or_no(panel):
    found = grade(panel)
    assert (found["crs_grade"], found["sepsis"], found["death_infection"], found["aplasia_day60"]) == (0, 0, 0, 0)
    assert found["anc_recovery_day"] == 0
    assert all(found[name] in (0.0, 1.0) or np.isnan(found[name]) for name in panel.flags)
    assert {entry.kind for entry in listed(panel)} == {"published", "fitted", "assumed"}


def test_a_death_of_infection_is_no_death_of_crs_and_ends_what_is_seen():
    empty = from_day(5.0, 50.0, 4_000.0)
    found = grade(
        AmlPanel(),
        {"sepsis": 0.05, "crs_death": 0.5, "infection_death": 0.05},
        neutrophils_per_ul=empty,
        blast_fraction=from_day(50.0, 0.001, 0.4),
        blasts_per_ul=from_day(50.0, 0.0, 500.0),
    )
    assert (found["death_infection"], found["crs_death"], found["sepsis"]) == (1, 0, 1)
    assert 5.0 < found["sepsis_day"] < found["death_day"] < 28.0
    assert found["crs_grade"] == 0
    assert np.isnan(found["crs_grade_course"][found["death_day"] < TIMES]).all()
    assert (found["dlt"], found["dlt_reason"]) == (1, "death")
    assert found["aplasia_day60"] == 1  # died without neutrophils
    assert found["complete_remission"] == 0  # the remission came after the death
    assert found["anc_below_500_days"] == pytest.approx(found["death_day"] - 5.0, abs=1.5)


def test_the_same_patient_with_neutrophils_back_in_time_lives():
    back = np.where((TIMES >= 5.0) & (TIMES < 9.0), 50.0, 4_000.0)
    found = grade(AmlPanel(), {"sepsis": 0.999, "crs_death": 0.5, "infection_death": 0.05}, neutrophils_per_ul=back)
    assert (found["death_infection"], found["sepsis"], found["anc_recovery_day"]) == (0, 0, 9)
    assert np.isnan(found["death_day"])


def test_whichever_death_comes_first_hides_the_other():
    shock = {"temperature": from_day(6.0, 40.0, 36.8), "arterial_pressure": from_day(6.0, 30.0, 90.0)}
    uniforms = {"sepsis": 0.05, "crs_death": 0.001, "infection_death": 0.05}
    found = grade(AmlPanel(), uniforms, neutrophils_per_ul=from_day(5.0, 50.0, 4_000.0), **shock)
    assert (found["crs_death"], found["death_infection"], found["crs_grade"]) == (1, 0, 5)
    later = grade(AmlPanel(), uniforms | {"crs_death": 0.999}, neutrophils_per_ul=from_day(5.0, 50.0, 4_000.0), **shock)
    assert (later["crs_death"], later["death_infection"], later["crs_grade"]) == (0, 1, 4)
