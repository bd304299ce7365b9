"""Quantities with units in study files: a small table of the units that a field accepts.

A number stands for the unit in the field's documentation; text carries its own, as in ``28 days`` or
``1e7 cells/m2``. A unit of another dimension is an error, never a silent conversion.
"""

from __future__ import annotations

import math
import re
from typing import NoReturn

from pydantic_core import PydanticCustomError

from carwright.yamlfile import nearest

_MONTH_DAYS = 365.25 / 12  # mean length of a calendar month

_FACTORS: dict[str, dict[str, float]] = {
    "days": {
        **dict.fromkeys(("h", "hour", "hours"), 1 / 24),
        **dict.fromkeys(("d", "day", "days"), 1.0),
        **dict.fromkeys(("week", "weeks"), 7.0),
        **dict.fromkeys(("month", "months"), _MONTH_DAYS),
        **dict.fromkeys(("year", "years"), 365.25),
    },
    "": {},
    "cells": dict.fromkeys(("cell", "cells"), 1.0),
    "cells/m2": dict.fromkeys(("cells/m2", "cells/m^2", "cells/m²", "cell/m2"), 1.0),
    "cells/kg": dict.fromkeys(("cells/kg", "cell/kg"), 1.0),
    "patients/month": {
        "patients/week": _MONTH_DAYS / 7,
        "patients/month": 1.0,
        "patients/year": 1 / 12,
    },
    "fraction": {"": 1.0, "%": 0.01, "percent": 0.01},
}
"""For each documented unit, the accepted spellings and the factor to the documented unit."""

_QUANTITY = re.compile(r"\s*([-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)\s*(.*?)\s*\Z")


def split_quantity(text: str) -> tuple[float, str] | None:
    """Split ``28 days`` into its number and its unit, empty if it has none; None if it is no quantity."""
    match = _QUANTITY.match(text)
    return (float(match[1]), match[2]) if match else None


def in_unit(value: object, unit: str) -> float:
    """Express a number, or text with a unit, in the documented unit of a field.

    Parameters
    ----------
    value
        What the file gives.
    unit
        The documented unit, a key of the table above; empty for a plain number.

    Raises
    ------
    PydanticCustomError
        If it is no finite number, or its unit is unknown or of another dimension.
    """
    accepted = _FACTORS[unit]
    units = ", ".join(name for name in accepted if name)
    allowed = f"a number (meaning {unit}) or one with a unit: {units}" if unit else "a plain number"
    number, given = _number_and_unit(value, allowed)
    if given and given not in accepted:
        elsewhere = next((other for other, names in _FACTORS.items() if given in names), None)
        what = f"wrong unit: {given!r} measures {elsewhere}" if elsewhere else f"unknown unit {given!r}"
        fix = nearest(given, list(accepted)) or f"give it in {unit or 'no unit'}"
        refuse("unit", what, allowed, fix)
    result = number * accepted.get(given, 1.0)
    if not math.isfinite(result):
        refuse("number", "this is not a finite number", allowed)
    return result


def refuse(kind: str, what: str, allowed: str = "", fix: str = "") -> NoReturn:
    """Reject a value while pydantic validates, with the parts that a `Problem` needs."""
    context = {"what": what, "allowed": allowed, "fix": fix}
    raise PydanticCustomError(kind, "{what}", context)


def _number_and_unit(value: object, allowed: str) -> tuple[float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), ""
    if isinstance(value, str) and (parts := split_quantity(value)):
        return parts
    refuse("number", "this is not a quantity", allowed)
