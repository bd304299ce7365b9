"""What is read from the patients of one disease: a panel of assessments.

The toxicity that every CAR-T patient is watched for (CRS, ICANS, HLH/MAS, sepsis, neutropenia) is graded in
`carwright.clinic.grade`. What else is read depends on the disease: PSA in prostate cancer, blasts and counts in
leukaemia. An `Assessment` is one such reading; a `Panel` is a frozen dataclass whose fields are the assessments of a
disease, in the order of their columns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np

from carwright.clinic.readings import Floats


def first_of(deaths: Mapping[str, Floats], patients: int) -> Floats:
    """Find the first of the days (n,) of competing events; NaN where none came."""
    return np.fmin.reduce(list(deaths.values()), axis=0) if deaths else np.full(patients, np.nan)


def competing(deaths: Mapping[str, Floats]) -> dict[str, Floats]:
    """Keep of competing events, each a day (n,) or NaN, the first to come; of those on one day the first named."""
    first = np.fmin.reduce(list(deaths.values()), axis=0)
    kept, taken = {}, np.isnan(first)
    for cause, day in deaths.items():
        won = (day == first) & ~taken
        kept[cause] = np.where(won, day, np.nan)
        taken = taken | won
    return kept


@dataclass(frozen=True)
class Seen:
    """What is known of n patients at k times when assessments are made.

    Parameters
    ----------
    times
        Days from the infusion, shape (k,).
    courses
        Courses by name, shape (n, k) each; NaN after death.
    uniforms
        Random numbers in (0, 1) by name, shape (n, width) each.
    sepsis_day
        Day on which sepsis began, NaN for never, shape (n,).
    deaths
        Day of death by its cause, NaN for those whom this cause did not kill, shape (n,) each.
    """

    times: Floats
    courses: Mapping[str, Floats]
    uniforms: Mapping[str, Floats]
    sepsis_day: Floats
    deaths: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def death_day(self) -> Floats:
        """Day of death of whatever cause, NaN for survivors, shape (n,)."""
        return first_of(self.deaths, self.sepsis_day.size)


@dataclass(frozen=True)
class Assessment(ABC):
    """One reading of patients. A subclass adds its numbers as fields and says what it makes of the courses."""

    reads: ClassVar[tuple[str, ...]] = ()
    """Courses that it needs."""

    flags: ClassVar[tuple[str, ...]] = ()
    """Those of its columns that say yes or no."""

    def days(self, end: float) -> Floats:
        """Days up to ``end`` on which courses must be read, shape (d,)."""
        return np.empty(0)

    def uniforms(self, end: float) -> dict[str, int]:
        """Name the random numbers that it needs up to the day ``end``, and how many of each per patient."""
        return {}

    def deaths(self, seen: Seen) -> dict[str, Floats]:
        """Day of death by each cause that it adds, NaN for never, shape (n,); ``seen`` is as if nobody had died."""
        return {}

    @abstractmethod
    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give its columns, shape (n,) each, NaN for what does not exist."""


@dataclass(frozen=True)
class Panel:
    """The assessments of a disease: a subclass has one field for each."""

    def __iter__(self) -> Iterator[Assessment]:
        return (getattr(self, entry.name) for entry in fields(self))

    @property
    def reads(self) -> tuple[str, ...]:
        """Courses that the assessments need, each once."""
        return tuple(dict.fromkeys(name for assessment in self for name in assessment.reads))

    @property
    def flags(self) -> tuple[str, ...]:
        """Columns that say yes or no."""
        return tuple(name for assessment in self for name in assessment.flags)

    def days(self, end: float) -> Floats:
        """Days up to ``end`` on which courses must be read, increasing, shape (d,)."""
        return np.unique(np.concatenate([np.empty(0), *(assessment.days(end) for assessment in self)]))

    def uniforms(self, end: float) -> dict[str, int]:
        """Name the random numbers of all assessments, and how many of each per patient."""
        return {name: width for assessment in self for name, width in assessment.uniforms(end).items()}

    def deaths(self, seen: Seen) -> dict[str, Floats]:
        """Day of death by each cause beside CRS."""
        return {cause: day for assessment in self for cause, day in assessment.deaths(seen).items()}

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give the columns of all assessments, in order."""
        return {name: values for assessment in self for name, values in assessment.outcomes(seen).items()}
