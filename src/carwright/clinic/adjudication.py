"""Dose-limiting toxicity: rules that turn grades over time into a verdict.

A rule is a function of `Gradings` that returns its criteria, each a reason and the day on which a patient met
it. A toxicity is dose-limiting when a criterion was met within the window after the infusion; its day
and reason are those of the first criterion met. Writing a function and decorating it with `rule` is all it
takes to add one.

The wording of the protocol of NCT03089203 is not public. All rules here are assumed; they follow the pattern
of published phase 1 protocols, and the spread between them shows how much the definition matters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from carwright.clinic.readings import Bools, Floats, first_day, unresolved_day
from carwright.errors import CarwrightError, Problem
from carwright.yamlfile import nearest


@dataclass(frozen=True)
class Gradings:
    """Graded toxicity of n patients at k times; NaN where a patient has no grade or an event never came.

    Parameters
    ----------
    times
        Days from the infusion, shape (k,).
    crs, icans, neutropenia
        Grades by ASTCT 2019, ASTCT 2019 and CTCAE, shape (n, k). ``crs`` is 5 from the day of death on.
    hlh_day, sepsis_day, death_day
        Days of first events, shape (n,).
    """

    times: Floats
    crs: Floats
    icans: Floats
    neutropenia: Floats
    hlh_day: Floats
    sepsis_day: Floats
    death_day: Floats

    def reached(self, course: Floats, grade: int) -> Floats:
        """Find the first day (n,) after the infusion at ``grade`` or above."""
        return first_day(self.times, self._at(course, grade))

    def unresolved(self, course: Floats, grade: int, days: float) -> Floats:
        """Find the day (n,) on which ``grade`` or above had not resolved within ``days``."""
        return unresolved_day(self.times, self._at(course, grade), days)

    def _at(self, course: Floats, grade: int) -> Bools:
        return np.asarray((course >= grade) & (self.times >= 0.0))


Criteria = dict[str, Floats]
"""Reason -> day (n,) on which a patient met it, NaN for never; of criteria met on one day the first wins."""


@dataclass(frozen=True)
class Rule:
    """A registered definition of dose-limiting toxicity; ``text`` is the paragraph that reports print."""

    name: str
    text: str
    criteria: Callable[[Gradings], Criteria]


@dataclass(frozen=True)
class Verdict:
    """What a rule says of every patient, each of shape (n,).

    Parameters
    ----------
    dlt
        1 or 0; NaN for patients who could not be graded.
    day
        Day of the toxicity, NaN without one.
    reason
        Criterion that was met, None without one.
    """

    dlt: Floats
    day: Floats
    reason: NDArray[np.object_]


RULES: dict[str, Rule] = {}
"""The registered rules by name."""


def rule(name: str, text: str) -> Callable[[Callable[[Gradings], Criteria]], Callable[[Gradings], Criteria]]:
    """Register a function as the rule ``name``, described to readers of a report by ``text``."""

    def register(criteria: Callable[[Gradings], Criteria]) -> Callable[[Gradings], Criteria]:
        RULES[name] = Rule(name, text, criteria)
        return criteria

    return register


def find_rule(name: str) -> Rule:
    """Find the rule of a name.

    Raises
    ------
    CarwrightError
        If no rule has this name.
    """
    if name not in RULES:
        raise CarwrightError(
            Problem(
                "CLINIC002",
                "unknown rule of dose-limiting toxicity",
                where="adjudication",
                found=name,
                allowed=", ".join(RULES),
                fix=nearest(name, list(RULES)),
            )
        )
    return RULES[name]


def adjudicate(name: str, gradings: Gradings, window_days: float) -> Verdict:
    """Apply a rule to graded patients: criteria count when met within ``window_days`` of the infusion.

    Raises
    ------
    CarwrightError
        If no rule has this name.
    """
    criteria = find_rule(name).criteria(gradings)
    days = np.stack(list(criteria.values()))
    days = np.where(days <= window_days, days, np.inf)
    first = days.argmin(axis=0)
    day = days.min(axis=0)
    met = np.isfinite(day)
    reasons = np.array([*criteria, None], dtype=object)
    graded = ~np.isnan(gradings.crs).all(axis=1)
    return Verdict(
        dlt=np.where(graded, met, np.nan),
        day=np.where(met, day, np.nan),
        reason=reasons[np.where(met, first, len(criteria))],
    )


@rule(
    "protocol",
    "Within the window after the infusion: death; CRS of grade 4 or more; CRS of grade 3 that has not"
    " resolved to grade 2 within 7 days; ICANS of grade 4; ICANS of grade 3 that has not resolved to grade 2 within"
    " 7 days; HLH/MAS. CRS and ICANS of grade 3 that resolve in time are not dose-limiting. Assumed: the"
    " protocol is not public, but two patients with grade 3 CRS did not stop its escalation.",
)
def _protocol(gradings: Gradings) -> Criteria:
    return {
        "death": gradings.death_day,
        "CRS grade 4": gradings.reached(gradings.crs, 4),
        "ICANS grade 4": gradings.reached(gradings.icans, 4),
        "HLH/MAS": gradings.hlh_day,
        "CRS grade 3 for 7 days": gradings.unresolved(gradings.crs, 3, 7.0),
        "ICANS grade 3 for 7 days": gradings.unresolved(gradings.icans, 3, 7.0),
    }


@rule(
    "any-grade-3-crs",
    "Within the window after the infusion: death, HLH/MAS, or CRS or ICANS of grade 3 or more, however short."
    " Assumed: the strict reading, as for a small molecule.",
)
def _any_grade_3_crs(gradings: Gradings) -> Criteria:
    return {
        "death": gradings.death_day,
        "HLH/MAS": gradings.hlh_day,
        "CRS grade 3": gradings.reached(gradings.crs, 3),
        "ICANS grade 3": gradings.reached(gradings.icans, 3),
    }


@rule(
    "grade-4",
    "Within the window after the infusion: death, HLH/MAS, or CRS or ICANS of grade 4. Assumed: the lenient reading,"
    " any grade 3 being taken as manageable.",
)
def _grade_4(gradings: Gradings) -> Criteria:
    return {
        "death": gradings.death_day,
        "HLH/MAS": gradings.hlh_day,
        "CRS grade 4": gradings.reached(gradings.crs, 4),
        "ICANS grade 4": gradings.reached(gradings.icans, 4),
    }


@rule(
    "grade-3-over-72-hours",
    "As `protocol`, but CRS and ICANS of grade 3 must resolve to grade 2 within 72 hours. Assumed: a"
    " limit often written into later protocols.",
)
def _grade_3_over_72_hours(gradings: Gradings) -> Criteria:
    return {
        **_protocol(gradings),
        "CRS grade 3 for 72 hours": gradings.unresolved(gradings.crs, 3, 3.0),
        "ICANS grade 3 for 72 hours": gradings.unresolved(gradings.icans, 3, 3.0),
    }


@rule(
    "protocol-and-sepsis",
    "As `protocol`, and sepsis within the window. Assumed: attribution to the whole regimen,"
    " where `protocol` attributes sepsis to lymphodepletion.",
)
def _protocol_and_sepsis(gradings: Gradings) -> Criteria:
    return {**_protocol(gradings), "sepsis": gradings.sepsis_day}


@rule(
    "protocol-and-neutropenia",
    "As `protocol`, and neutropenia of grade 4 that has not resolved to grade 3 within 14 days. Assumed."
    " The grade is that of the study's CTCAE version: what versions 4.03 and 5.0 call grade 4 is mostly"
    " grade 3 in version 6.0.",
)
def _protocol_and_neutropenia(gradings: Gradings) -> Criteria:
    return {
        **_protocol(gradings),
        "neutropenia grade 4 for 14 days": gradings.unresolved(gradings.neutropenia, 4, 14.0),
    }
