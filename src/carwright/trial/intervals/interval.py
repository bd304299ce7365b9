"""An estimate with its interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Self


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its central interval at ``level``.

    All are NaN where there were no data; so are ``lo`` and ``hi`` where a single patient leaves the error unknown.
    ``inf`` in a median of times means that it was not reached.
    """

    estimate: float
    lo: float
    hi: float
    level: float

    @classmethod
    def around(cls, estimate: float, lo: float, hi: float, level: float) -> Self:
        """Build an interval that contains its estimate.

        A mean can lie outside the central quantiles of a very skewed distribution; the interval is then
        widened to it.
        """
        return cls(float(estimate), float(min(lo, estimate)), float(max(hi, estimate)), level)

    @classmethod
    def unknown(cls, level: float) -> Self:
        """Build the interval of a quantity without data."""
        return cls(nan, nan, nan, level)


def check_level(level: float) -> None:
    """Raise ValueError unless ``level`` lies between 0 and 1."""
    if not 0.0 < level < 1.0:
        message = f"the level of an interval lies between 0 and 1; got {level}"
        raise ValueError(message)
