"""Columns of numbers and texts as a frame."""

from __future__ import annotations

from typing import Any

import polars as pl


def frame_of(columns: dict[str, Any]) -> pl.DataFrame:
    """Columns of a replay as a frame; NaN becomes null."""
    series = []
    for name, values in columns.items():
        if values.dtype == object:
            series.append(pl.Series(name, values.tolist(), dtype=pl.String))
        else:
            column = pl.Series(name, values)
            series.append(column.fill_nan(None) if values.dtype.kind == "f" else column)
    return pl.DataFrame(series)
