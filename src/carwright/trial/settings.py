"""Range check of numeric settings, shared by the calendar, the attrition and the product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carwright.errors import Problems


def check_ranges(where: str, settings: Any, allowed: Mapping[str, tuple[float, float]]) -> None:
    """Refuse settings outside their range, all at once.

    Parameters
    ----------
    where
        What the settings belong to, such as ``"calendar"``.
    settings
        Object with one numeric attribute (or tuple of numbers) per key of ``allowed``.
    allowed
        Lowest and highest value by name; NaN is never allowed.

    Raises
    ------
    CarwrightError
        Naming every setting that is out of range.
    """
    problems = Problems()
    for name, (low, high) in allowed.items():
        given = getattr(settings, name)
        for value in given if isinstance(given, tuple) else (given,):
            if not low <= value <= high:
                problems.add(
                    "TRIAL050",
                    f"{name} is out of range",
                    where=f"{where}, {name}",
                    found=f"{value:g}",
                    allowed=f"{low:g} to {high:g}",
                    fix="correct the value",
                )
    problems.raise_if_any()
