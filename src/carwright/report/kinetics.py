"""Quantile bands over time, one panel a node with the comparator's median: the shape of two kinetics figures."""

from __future__ import annotations

from typing import Any

import polars as pl

from carwright.report.figure import Figure, Key, Panel, Trace
from carwright.report.palette import INK, MUTED, node_colours
from carwright.report.run import STUDY_ARM, Node, Run
from carwright.report.statistics import QUANTILE_HEADINGS, quantile_courses
from carwright.report.traces import band, line, log_axis

LAST_DAY = 168.0
"""Half a year of four-week visits."""


def by_node(run: Run, observable: str, *, unit: str, floor: float, shapes: list[dict[str, Any]]) -> Figure:
    """Draw one observable on a common logarithmic axis.

    Parameters
    ----------
    observable
        Model observable.
    unit
        Its unit, shown on the axis.
    floor
        Lower end of the axis; what lies below is drawn at the floor.
    shapes
        Threshold lines.
    """
    parts = []
    for arm in run.arms:
        quantiles = quantile_courses(run.courses([observable], arm), observable, ["node"], 0.0, LAST_DAY)
        parts.append(quantiles.select(pl.lit(arm).alias("arm"), pl.all()))
    table = pl.concat(parts)
    bounds = list(QUANTILE_HEADINGS)
    drawn = table.with_columns(pl.col(bounds).clip(lower_bound=floor))
    top = max(2 * float(drawn["high"].to_numpy().max()), 10 * floor)
    colours = node_colours(run.node_names)
    panels = []
    for node in run.nodes:
        rows = drawn.filter(pl.col("node") == node.name)
        if rows.is_empty():
            continue
        panels.append(
            Panel(
                title=node.title,
                alt=_alt(rows, node, unit),
                traces=_traces(rows, node, colours[node.name], run),
                layout={
                    "xaxis": {"title": {"text": "day after infusion"}, "range": [0, LAST_DAY]},
                    "yaxis": {"title": {"text": unit}, **log_axis(floor, top)},
                    "shapes": shapes,
                },
                height=270,
            )
        )
    return Figure(
        panels=panels,
        table=table,
        headings=QUANTILE_HEADINGS,
        panel_width=380,
        legend=[
            Key(STUDY_ARM, f"median, {run.arm_label(STUDY_ARM)}", INK, "line"),
            *(Key(arm, f"median, {run.arm_label(arm)}", MUTED, "dashed") for arm in run.comparators),
        ],
    )


def _traces(rows: pl.DataFrame, node: Node, colour: str, run: Run) -> list[Trace]:
    study = rows.filter(pl.col("arm") == STUDY_ARM)
    days = study["day"].to_list()
    traces = [
        *band(days, study["low"].to_list(), study["high"].to_list(), group=STUDY_ARM, colour=colour, opacity=0.14),
        *band(
            days,
            study["quarter"].to_list(),
            study["three_quarters"].to_list(),
            group=STUDY_ARM,
            colour=colour,
            opacity=0.26,
        ),
        line(days, study["median"].to_list(), group=STUDY_ARM, colour=colour, label=f"{node.label}, median", width=2.5),
    ]
    for arm in run.comparators:
        other = rows.filter(pl.col("arm") == arm)
        traces.append(
            line(
                other["day"].to_list(),
                other["median"].to_list(),
                group=arm,
                colour=MUTED,
                label=f"median, {run.arm_label(arm)}",
                dash="dash",
            )
        )
    return traces


def _alt(rows: pl.DataFrame, node: Node, unit: str) -> str:
    study = rows.filter(pl.col("arm") == STUDY_ARM)
    peak = study.sort("median", descending=True).row(0, named=True)
    return f"{node.label}: the median peaks at {peak['median']:.3g} {unit} on day {peak['day']:.0f}"
