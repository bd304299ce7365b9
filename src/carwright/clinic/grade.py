"""From the courses of patients to what a trial records of them: one value per patient and outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from carwright.clinic import adjudication, antigen, ctcae, kinetics, neutropenia
from carwright.clinic.adjudication import Gradings
from carwright.clinic.crs import SignThresholds, crs_course, days_at_grade
from carwright.clinic.death import DeathHazard, crs_death_day, with_death
from carwright.clinic.hlh import HlhLimit, hlh_day
from carwright.clinic.icans import IcansThresholds, icans_course
from carwright.clinic.inhibition import BiopsyDay, inhibition_outcomes
from carwright.clinic.numbers import number
from carwright.clinic.psa import PsaRules, measured_psa, psa_outcomes, visit_days
from carwright.clinic.readings import Floats, censored, first_day, for_patients_read, peak
from carwright.clinic.sepsis import SepsisHazard, sepsis_day
from carwright.errors import CarwrightError, Problem

COURSES = (
    "car_copies_per_ug",
    "tumour_site_cells",
    "tumour_cells",
    "antigen_low_cells",
    "inhibitory_index",
    "site_inhibition",
    "pd_l1",
    "tim_3",
    "tigit",
    "ifn_gamma",
    "il6",
    "crp",
    "ferritin",
    "neutrophils_per_ul",
    "psa",
    "temperature",
    "arterial_pressure",
    "oxygen_saturation",
    "encephalopathy",
    "tocilizumab",
    "corticosteroid",
    "anakinra",
)
"""Observables and drug states of the model that grading reads."""

PEAKS = {
    "tumour_site_peak_cells": "tumour_site_cells",
    "il6_peak": "il6",
    "ifng_peak": "ifn_gamma",
    "ferritin_peak": "ferritin",
    "crp_peak": "crp",
}


@dataclass(frozen=True)
class Settings:
    """How patients are graded. Every number inside has its source; `carwright.clinic.numbers` lists them.

    Parameters
    ----------
    crs, icans, death, sepsis, hlh, psa, kinetics, neutropenia, biopsy, relapse
        Numbers of each scale.
    window_days
        Days after the infusion in which a toxicity can be dose-limiting.
    ctcae_version
        Version that grades neutropenia; NCT03089203 used 4.03.
    adjudication
        Rule that decides the columns ``dlt``, ``dlt_day`` and ``dlt_reason``.
    """

    crs: SignThresholds = field(default_factory=SignThresholds)
    icans: IcansThresholds = field(default_factory=IcansThresholds)
    death: DeathHazard = field(default_factory=DeathHazard)
    sepsis: SepsisHazard = field(default_factory=SepsisHazard)
    hlh: HlhLimit = field(default_factory=HlhLimit)
    psa: PsaRules = field(default_factory=PsaRules)
    kinetics: kinetics.KineticsAssay = field(default_factory=kinetics.KineticsAssay)
    neutropenia: neutropenia.NeutropeniaWindow = field(default_factory=neutropenia.NeutropeniaWindow)
    biopsy: BiopsyDay = field(default_factory=BiopsyDay)
    relapse: antigen.RelapseRules = field(default_factory=antigen.RelapseRules)
    window_days: float = number(
        28.0, "day", "assumed", "usual window of phase 1 trials of CAR-T cells; that of NCT03089203 is not public"
    )
    ctcae_version: str = "4.03"
    adjudication: str = "protocol"

    def __post_init__(self) -> None:
        ctcae.limits("neutrophils", self.ctcae_version)
        adjudication.find_rule(self.adjudication)


def uniforms_needed(end: float, settings: Settings | None = None) -> dict[str, int]:
    """Name the random numbers that `grade_patients` needs, and how many of each per patient.

    Parameters
    ----------
    end
        Last of the times, days from the infusion.
    settings
        As in `grade_patients`.
    """
    rules = (settings or Settings()).psa
    return {"sepsis": 1, "crs_death": 1, "psa_measurement": visit_days(end, rules).size}


def grade_patients(
    times: Floats,
    courses: Mapping[str, Floats],
    uniforms: Mapping[str, Floats],
    settings: Settings | None = None,
    first_signs: Mapping[int, Floats] | None = None,
) -> dict[str, Any]:
    """Grade patients: outcomes of toxicity, response, kinetics and the verdicts of all adjudication rules.

    Parameters
    ----------
    times
        Days from the infusion, increasing, shape (k,). They should start before day 0, hold day 0 and the
        visit days of PSA, and be at most a day apart while CRS is possible: grades are read at these times
        only.
    courses
        Every course of `COURSES` in the model's units, shape (n, k) each; NaN throughout for patients whose
        solve failed.
    uniforms
        Numbers in (0, 1) named as in `uniforms_needed`, shape (n, width) each; (n,) will do for a width of 1.
        The same patient should have the same numbers in every arm.
    settings
        How to grade; the default is that of NCT03089203 as far as it is known.
    first_signs
        Days on which the signs of a CRS grade first showed, as in `carwright.clinic.crs.crs_course`.

    Returns
    -------
    dict
        One array of shape (n,) per outcome column, float64; 1 and 0 for yes and no, NaN for what does not
        exist: every outcome of a failed solve, the day of an event that never came. ``dlt_reason`` holds text
        or None. Each rule of adjudication adds ``dlt_<rule>`` and ``dlt_day_<rule>``. Besides, of shape (n,
        k): ``crs_grade_course`` (0-5, 5 from death on) and ``icans_grade_course`` (0-4, NaN after death).

    Raises
    ------
    CarwrightError
        If courses or random numbers are missing or do not fit.
    """
    chosen = settings or Settings()
    times = np.asarray(times, dtype=np.float64)
    _check(times, courses, uniforms, chosen)
    read = {name: np.ascontiguousarray(courses[name], dtype=np.float64) for name in COURSES}
    patients = read["temperature"].shape[0]
    random = {name: np.asarray(values).reshape(patients, -1) for name, values in uniforms.items()}

    signs = crs_course(times, read, chosen.crs, first_signs)
    septic = sepsis_day(
        times, read["neutrophils_per_ul"], read["corticosteroid"], random["sepsis"][:, 0], chosen.sepsis
    )
    death = crs_death_day(times, signs, septic, random["crs_death"][:, 0], chosen.death)
    # What happens after death was computed but never observed.
    septic = np.where(septic > death, np.nan, septic)
    read = {name: censored(times, course, death) for name, course in read.items()}

    crs = with_death(times, signs, death)
    icans = icans_course(times, read["encephalopathy"], chosen.icans)
    hlh = hlh_day(times, read["ferritin"], crs, chosen.hlh)
    neutropenia_grade = ctcae.count_grade("neutrophils", read["neutrophils_per_ul"], chosen.ctcae_version)
    gradings = Gradings(times, crs, icans, neutropenia_grade, hlh, septic, death)

    return {
        **_toxicity(gradings),
        **_psa(times, read["psa"], death, random["psa_measurement"], chosen.psa),
        **kinetics.kinetics_outcomes(times, read["car_copies_per_ug"], chosen.kinetics),
        **{name: peak(times, read[course])[0] for name, course in PEAKS.items()},
        **inhibition_outcomes(times, read, chosen.biopsy),
        "antigen_low_relapse": antigen.antigen_low_relapse(
            times, read["tumour_cells"], read["antigen_low_cells"], chosen.relapse
        ),
        **neutropenia.neutropenia_outcomes(times, read["neutrophils_per_ul"], chosen.neutropenia),
        **_verdicts(gradings, chosen),
        "crs_grade_course": crs,
        "icans_grade_course": icans,
    }


def _toxicity(gradings: Gradings) -> dict[str, Floats]:
    times, crs = gradings.times, gradings.crs
    died = ~np.isnan(gradings.death_day)
    alive = np.where(crs == 5.0, np.nan, crs)
    return {
        "crs_grade": for_patients_read(np.where(died, 5.0, _highest(crs)), crs),
        "crs_onset_day": first_day(times, alive >= 1.0),
        "crs_days": for_patients_read(days_at_grade(times, alive, 1), crs),
        "icans_grade": _highest(gradings.icans),
        "icans_onset_day": first_day(times, gradings.icans >= 1.0),
        "hlh_mas": for_patients_read(~np.isnan(gradings.hlh_day), crs),
        "hlh_mas_day": gradings.hlh_day,
        "sepsis": for_patients_read(~np.isnan(gradings.sepsis_day), crs),
        "sepsis_day": gradings.sepsis_day,
        "neutropenia_grade": _highest(gradings.neutropenia),
        "crs_death": for_patients_read(died, crs),
        "death_day": gradings.death_day,
    }


def _psa(times: Floats, psa: Floats, death: Floats, uniforms: Floats, rules: PsaRules) -> dict[str, Floats]:
    visits = visit_days(float(times[-1]), rules)
    return psa_outcomes(visits, measured_psa(times, psa, visits, uniforms, rules), death, rules)


def _verdicts(gradings: Gradings, settings: Settings) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in adjudication.RULES:
        verdict = adjudication.adjudicate(name, gradings, settings.window_days)
        column = name.replace("-", "_")
        columns |= {f"dlt_{column}": verdict.dlt, f"dlt_day_{column}": verdict.day}
        if name == settings.adjudication:
            columns |= {"dlt": verdict.dlt, "dlt_day": verdict.day, "dlt_reason": verdict.reason}
    return columns


def _highest(grades: Floats) -> Floats:
    """Find the highest grade of every patient (n,), NaN for patients without one."""
    return for_patients_read(np.nan_to_num(grades).max(axis=1), grades)


def _check(times: Floats, courses: Mapping[str, Floats], uniforms: Mapping[str, Floats], settings: Settings) -> None:
    """Raise a `CarwrightError` naming everything that is missing or does not fit."""
    problems = [
        Problem(
            "CLINIC005",
            f"grading needs the course of {name}",
            where="model",
            found="no such observable or state",
            fix="use a model that computes the signs and cytokines of a patient",
        )
        for name in COURSES
        if name not in courses
    ]
    if problems:
        raise CarwrightError(*problems)
    patients = np.shape(courses["temperature"])[0]
    shape = (patients, times.size)
    problems += [
        Problem("CLINIC006", f"wrong shape of {name}", "courses", str(np.shape(courses[name])), str(shape))
        for name in COURSES
        if np.shape(courses[name]) != shape
    ]
    problems += [
        Problem(
            "CLINIC007",
            f"wrong number of random numbers for {name}",
            where="uniforms",
            found=str(np.shape(uniforms[name])) if name in uniforms else "none",
            allowed=str((patients, width)),
        )
        for name, width in uniforms_needed(float(times[-1]), settings).items()
        if name not in uniforms or np.size(uniforms[name]) != patients * width
    ]
    if problems:
        raise CarwrightError(*problems)
