"""Panels of readings over time, one line a group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from carwright.report.figure import Figure, Panel
from carwright.report.groups import Group
from carwright.report.statistics import QUANTILE_HEADINGS, quantile_courses
from carwright.report.traces import band, line

Reading = tuple[str, str, Mapping[str, Any], float]
"""Column, title, layout of the panel, and the value below which it is drawn at that value."""

MOST_BANDS = 3
"""With more groups than this, bands would cover each other and only medians are drawn."""


def over_time(
    courses: pl.DataFrame,
    groups: Sequence[Group],
    readings: Sequence[Reading],
    first_day: float,
    last_day: float,
    note: str = "",
) -> Figure:
    """Median of each reading by group, with the middle half as a band where few groups are drawn.

    Parameters
    ----------
    courses
        Columns ``group``, ``day`` and the readings.
    groups
        What is drawn.
    readings
        What is drawn, one panel each.
    first_day, last_day
        Span of the panels.
    note
        A sentence below.
    """
    panels, tables = [], []
    for reading, title, layout, floor in readings:
        rows = quantile_courses(courses, reading, ["group"], first_day, last_day)
        tables.append(rows.select(pl.lit(reading).alias("reading"), pl.all()))
        drawn = rows.with_columns(pl.col(list(QUANTILE_HEADINGS)).clip(lower_bound=floor))
        traces = []
        for group in groups:
            part = drawn.filter(pl.col("group") == group.name)
            days = part["day"].to_list()
            name, colour, median = group.name, group.colour, part["median"].to_list()
            if len(groups) <= MOST_BANDS:
                low, high = part["quarter"].to_list(), part["three_quarters"].to_list()
                traces += band(days, low, high, group=name, colour=colour, opacity=0.1)
            traces.append(line(days, median, group=name, colour=colour, label=group.label, dash=group.dash))
        panels.append(
            Panel(
                title=title,
                alt=f"{title}, median by day: " + "; ".join(_told(rows, group) for group in groups),
                traces=traces,
                layout={"xaxis": {"title": {"text": "day after infusion"}, "range": [first_day, last_day]}, **layout},
                height=290,
            )
        )
    return Figure(
        panels=panels,
        table=pl.concat(tables),
        headings=QUANTILE_HEADINGS,
        legend=[group.key for group in groups],
        panel_width=340,
        note=note,
    )


def _told(rows: pl.DataFrame, group: Group) -> str:
    medians = rows.filter(pl.col("group") == group.name)["median"].to_list()
    return f"{group.label} {min(medians):.3g} to {max(medians):.3g}" if medians else f"{group.label} none"
