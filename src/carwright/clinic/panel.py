"""What is read from the patients of one disease: a panel of assessments.

The toxicity that every CAR-T patient is watched for (CRS, ICANS, HLH/MAS, sepsis, neutropenia) is graded in
`carwright.clinic.grade`. What else is read depends on the disease: PSA in prostate cancer, blasts and counts in
leukaemia. An `Assessment` is one such reading; a `Panel` is a frozen dataclass whose fields are the assessments of a
disease, in the order of their columns.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from carwright.clinic.readings import Floats


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
    death_day
        Day of death, NaN for survivors, shape (n,).
    """

    times: Floats
    courses: Mapping[str, Floats]
    uniforms: Mapping[str, Floats]
    death_day: Floats


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

    def outcomes(self, seen: Seen) -> dict[str, Floats]:
        """Give the columns of all assessments, in order."""
        return {name: values for assessment in self for name, values in assessment.outcomes(seen).items()}
