"""From the courses of patients to what a trial records of them: one value per patient and outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from carwright.clinic import adjudication, ctcae
from carwright.clinic.adjudication import Gradings
from carwright.clinic.crs import SignThresholds, crs_course, days_at_grade
from carwright.clinic.death import DeathHazard, crs_death_day, with_death
from carwright.clinic.hlh import HlhLimit, hlh_day
from carwright.clinic.icans import IcansThresholds, icans_course
from carwright.clinic.numbers import number
from carwright.clinic.panel import Panel, Seen, competing, first_of
from carwright.clinic.prostate import ProstatePanel
from carwright.clinic.readings import Floats, censored, first_day, for_patients_read
from carwright.clinic.sepsis import SepsisHazard, sepsis_day
from carwright.errors import CarwrightError, Problem

WATCHED = (
    "ferritin",
    "neutrophils_per_ul",
    "temperature",
    "arterial_pressure",
    "oxygen_saturation",
    "encephalopathy",
    "tocilizumab",
    "corticosteroid",
    "anakinra",
)
"""Observables and drug states of the model that the grading of toxicity reads in every disease."""

FLAGS = ("hlh_mas", "sepsis", "crs_death")
"""Columns of toxicity that say yes or no, beside the verdicts of adjudication."""

COUNTS = ("crs_grade", "icans_grade", "neutropenia_grade")
"""Columns of toxicity that hold whole numbers."""


@dataclass(frozen=True)
class Settings:
    """How patients are graded. Every number inside has its source; `carwright.clinic.numbers` lists them.

    Parameters
    ----------
    crs, icans, death, sepsis, hlh
        Numbers of each scale of toxicity.
    panel
        What else is read from patients with this disease, with its numbers.
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
    panel: Panel = field(default_factory=ProstatePanel)
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
    return {"sepsis": 1, "crs_death": 1, **(settings or Settings()).panel.uniforms(end)}


def courses_needed(settings: Settings | None = None) -> tuple[str, ...]:
    """Name the courses that `grade_patients` needs, each once."""
    return tuple(dict.fromkeys((*WATCHED, *(settings or Settings()).panel.reads)))


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
        days of the panel, and be at most a day apart while CRS is possible: grades are read at these times
        only.
    courses
        Every course of `courses_needed` in the model's units, shape (n, k) each; NaN throughout for patients whose
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
    read = {name: np.ascontiguousarray(courses[name], dtype=np.float64) for name in courses_needed(chosen)}
    patients = read["temperature"].shape[0]
    random = {name: np.asarray(values).reshape(patients, -1) for name, values in uniforms.items()}

    signs = crs_course(times, read, chosen.crs, first_signs)
    septic = sepsis_day(
        times, read["neutrophils_per_ul"], read["corticosteroid"], random["sepsis"][:, 0], chosen.sepsis
    )
    as_if_alive = Seen(times, read, random, septic)
    deaths = competing(
        {
            "CRS": crs_death_day(times, signs, septic, random["crs_death"][:, 0], chosen.death),
            **chosen.panel.deaths(as_if_alive),
        }
    )
    death = first_of(deaths, patients)
    # What happens after death was computed but never observed.
    septic = np.where(septic > death, np.nan, septic)
    read = {name: censored(times, course, death) for name, course in read.items()}

    crs = with_death(times, censored(times, signs, death), deaths["CRS"])
    icans = icans_course(times, read["encephalopathy"], chosen.icans)
    hlh = hlh_day(times, read["ferritin"], crs, chosen.hlh)
    neutropenia_grade = ctcae.count_grade("neutrophils", read["neutrophils_per_ul"], chosen.ctcae_version)
    gradings = Gradings(times, crs, icans, neutropenia_grade, hlh, septic, death)

    return {
        **_toxicity(gradings, deaths["CRS"]),
        **chosen.panel.outcomes(Seen(times, read, random, septic, deaths)),
        **_verdicts(gradings, chosen),
        "crs_grade_course": crs,
        "icans_grade_course": icans,
    }


def _toxicity(gradings: Gradings, crs_death: Floats) -> dict[str, Floats]:
    times, crs = gradings.times, gradings.crs
    died = ~np.isnan(crs_death)
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
    needed = courses_needed(settings)
    problems = [
        Problem(
            "CLINIC005",
            f"grading needs the course of {name}",
            where="model",
            found="no such observable or state",
            fix="use a model that computes the signs and cytokines of a patient",
        )
        for name in needed
        if name not in courses
    ]
    if problems:
        raise CarwrightError(*problems)
    patients = np.shape(courses["temperature"])[0]
    shape = (patients, times.size)
    problems += [
        Problem("CLINIC006", f"wrong shape of {name}", "courses", str(np.shape(courses[name])), str(shape))
        for name in needed
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
