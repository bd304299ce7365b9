"""Readings of patients over time, and the few operations that every grading scale needs.

A course is an array of readings, patients x times. A reading that does not exist is NaN: every reading of a
failed solve, and readings after death. Scales skip readings that do not exist, and a patient without any gets
NaN: a failure is never a grade. Days count from the infusion; ``times`` increases, and everything that
happens before day 0 is the patient's baseline.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]


def has_readings(course: Floats) -> Bools:
    """Tell which patients (n,) have at least one reading in a course (n, k)."""
    return np.asarray(~np.isnan(course).all(axis=1))


def for_patients_read(values: Floats | Bools, course: Floats) -> Floats:
    """Give results (n,) as floats, NaN for patients without a reading in ``course`` (n, k)."""
    return np.where(has_readings(course), values, np.nan)


def censored(times: Floats, course: Floats, death_day: Floats) -> Floats:
    """Drop from a course (n, k) the readings after each patient's ``death_day`` (n,; NaN for survivors)."""
    dead = np.flatnonzero(~np.isnan(death_day))
    if dead.size == 0:
        return course
    seen = course.copy()
    seen[dead] = np.where(times[None, :] > death_day[dead, None], np.nan, course[dead])
    return seen


def value_at(times: Floats, course: Floats, day: float) -> Floats:
    """Interpolate the reading (n,) on a day, linear between the times around it; NaN outside the times."""
    if not times[0] <= day <= times[-1]:
        return np.full(course.shape[0], np.nan)
    right = int(np.searchsorted(times, day))
    if times[right] == day:
        return course[:, right].copy()
    weight = (day - times[right - 1]) / (times[right] - times[right - 1])
    return np.asarray((1.0 - weight) * course[:, right - 1] + weight * course[:, right])


def window(times: Floats, course: Floats, start: float, end: float) -> tuple[Floats, Floats]:
    """Cut times and course to ``start``..``end``, with interpolated readings at the two edges."""
    start, end = max(start, float(times[0])), min(end, float(times[-1]))
    inside = (times > start) & (times < end)
    edges = value_at(times, course, start)[:, None], value_at(times, course, end)[:, None]
    return (
        np.concatenate(([start], times[inside], [end])),
        np.concatenate((edges[0], course[:, inside], edges[1]), axis=1),
    )


def first_day(times: Floats, happens: Bools) -> Floats:
    """Find the first time (n,) at which ``happens`` (n, k) is true; NaN for never."""
    return np.where(happens.any(axis=1), times[happens.argmax(axis=1)], np.nan)


def peak(times: Floats, course: Floats) -> tuple[Floats, Floats]:
    """Find the largest reading after the infusion and its day, each (n,); NaN without a reading."""
    after = times > 0.0
    values = np.where(np.isnan(course[:, after]), -np.inf, course[:, after])
    where = values.argmax(axis=1)
    largest = np.take_along_axis(values, where[:, None], axis=1)[:, 0]
    seen = largest > -np.inf
    return np.where(seen, largest, np.nan), np.where(seen, times[after][where], np.nan)


def hazard_day(times: Floats, hazard: Floats, uniforms: Floats) -> Floats:
    """Draw the day (n,) of an event from its hazard (n, k; per day); NaN for never.

    The hazard holds from each time to the next. The event comes when the hazard summed from day 0 reaches
    ``-ln(1 - u)`` (inverse of the survival function, so ``uniforms`` (n,) decides): a larger hazard or a
    smaller uniform never delays the event. A hazard of NaN counts as none.
    """
    steps = np.diff(times) * (times[:-1] >= 0.0)
    rate = np.where(np.isnan(hazard[:, :-1]), 0.0, hazard[:, :-1])
    total = np.cumsum(rate * steps, axis=1)
    threshold = -np.log1p(-uniforms)
    reached = total >= threshold[:, None]
    step = reached.argmax(axis=1)
    rows = np.arange(step.size)
    with np.errstate(all="ignore"):  # patients without the event divide by a hazard of zero
        day = times[step + 1] - (total[rows, step] - threshold) / rate[rows, step]
    return np.where(reached.any(axis=1), np.maximum(day, times[step]), np.nan)


def unresolved_day(times: Floats, inside: Bools, days: float) -> Floats:
    """Find the first day (n,) on which a state (n, k) has not resolved within ``days``; NaN for never.

    Unresolved means that every reading from the beginning of the state to at least ``days`` later is inside
    it.
    """
    begins = inside & ~np.pad(inside[:, :-1], ((0, 0), (1, 0)))
    begun = np.maximum.accumulate(np.where(begins, times, -np.inf), axis=1)
    late = inside & (times - begun >= days * (1.0 - 1e-9))  # sums of steps such as 1/24 are not exact
    return np.where(late.any(axis=1), begun[np.arange(len(late)), late.argmax(axis=1)] + days, np.nan)
