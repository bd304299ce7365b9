"""Figures as compact JSON: numbers rounded once, and a number that stands in the table is not repeated in a trace."""

from __future__ import annotations

import json
import math
from typing import Any

import polars as pl

from carwright.report.figure import Figure

SIGNIFICANT_DIGITS = 4
SHORTEST_REFERENCE = 4
"""Lists shorter than this are written out; a reference to the table would be longer."""


def figure_json(figure: Figure) -> str:
    """Serialise a figure for a ``<script type="application/json">`` block.

    A list inside a trace that equals a run of rows of a table column is replaced by ``{"$": [column, start, stop]}``,
    which the page turns back into the list; so every number travels once.

    Returns
    -------
    str
        JSON without line breaks, safe inside HTML.
    """
    columns = [_rounded(figure.table[name].to_list()) for name in figure.table.columns]
    payload = {
        "columns": figure.table.columns,
        "headings": [figure.headings.get(name, name.replace("_", " ")) for name in figure.table.columns],
        "values": columns,
        "panels": [
            {
                "traces": [_referenced(_rounded(trace), columns) for trace in panel.traces],
                "layout": _rounded(dict(panel.layout)),
            }
            for panel in figure.panels
        ],
    }
    return script_safe(payload)


def script_safe(payload: Any) -> str:
    """JSON that cannot end the script element it is written into."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _rounded(value: Any) -> Any:
    """Round every float, drop what JSON cannot hold, and write whole numbers without a fraction."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        short = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
        return int(short) if short.is_integer() else short
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, pl.Series):
        return _rounded(value.to_list())
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value


def _referenced(value: Any, columns: list[list[Any]]) -> Any:
    if isinstance(value, dict):
        return {key: _referenced(item, columns) for key, item in value.items()}
    if isinstance(value, list) and len(value) >= SHORTEST_REFERENCE:
        for index, column in enumerate(columns):
            start = _find(value, column)
            if start is not None:
                return {"$": [index, start, start + len(value)]}
    return value


def _find(part: list[Any], whole: list[Any]) -> int | None:
    """First place where `part` stands in `whole`, or None."""
    for start in range(len(whole) - len(part) + 1):
        first = whole[start]
        # Python holds True equal to 1, JSON does not.
        if type(first) is type(part[0]) and whole[start : start + len(part)] == part:
            return start
    return None
