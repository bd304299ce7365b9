"""Model parameters that a study replaces: known by name, in the table's unit, inside the table's range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from carwright.errors import Problems
from carwright.study.messages import Where, show
from carwright.study.units import split_quantity
from carwright.yamlfile import nearest


def resolve_parameters(given: Mapping[str, Any], model: str, where: Where) -> dict[str, float]:
    """Turn what a study gives under ``parameters`` into numbers in the units of the model's table.

    Parameters
    ----------
    given
        A number, or text with the table's unit, by parameter name.
    model
        Name of the disease model.
    where
        Gives the place of a key for messages.

    Raises
    ------
    CarwrightError
        For every unknown name, every other unit and every value outside [low, high] of the table.
    """
    from carwright.models import load_model

    rows = load_model(model).table
    table = {row.name: row for row in (*rows.parameters, *rows.covariates)}
    problems = Problems()
    resolved = {}
    for name, value in given.items():
        place = where(("parameters", name))
        if name not in table:
            what = f"the model {model!r} has no parameter {name!r}"
            fix = nearest(name, list(table)) or f"see 'carwright model show {model}'"
            problems.add("STUDY007", what, where=place, fix=fix)
            continue
        row = table[name]
        span = f"{row.low:g} to {row.high:g} {row.unit}"
        number, unit = _split(value)
        if number is None or not math.isfinite(number):
            problems.add("STUDY004", f"{name} is not a number", where=place, found=show(value), allowed=span)
        elif unit and unit.replace(" ", "") != row.unit.replace(" ", ""):
            what = f"{name} has the wrong unit"
            problems.add("STUDY005", what, where=place, found=show(value), allowed=f"a number in {row.unit}")
        elif not row.low <= number <= row.high:
            what = f"{name} is outside its allowed range"
            found = f"{number:g} {row.unit}"
            fix = f"the table of the model {model!r} holds {row.value:g} ({row.source})"
            problems.add("STUDY010", what, where=place, found=found, allowed=span, fix=fix)
        else:
            resolved[name] = number
    problems.raise_if_any()
    return resolved


def _split(value: object) -> tuple[float | None, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), ""
    return (split_quantity(value) if isinstance(value, str) else None) or (None, "")
