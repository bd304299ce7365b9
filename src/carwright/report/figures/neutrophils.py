"""Neutrophils over time, by lymphodepletion."""

from __future__ import annotations

import polars as pl

from carwright.clinic.ctcae import limits
from carwright.report.figure import Entry, Figure, Key, Panel
from carwright.report.palette import node_colours
from carwright.report.run import Run
from carwright.report.statistics import QUANTILE_HEADINGS, quantile_courses
from carwright.report.traces import band, level_line, line, log_axis

LAST_DAY = 56.0
FLOOR = 10.0
"""Counts below this are drawn here, cells/uL."""

CAPTION = (
    "Median neutrophil count with the 5 % to 95 % band, logarithmic; lymphodepletion on days −5 to −3, cells on "
    "day 0. Dashed: the counts below which neutropenia is grade 3 and grade 4. Time below 500 per µL drives the "
    "simulated risk of sepsis."
)


def build(run: Run) -> Figure:
    """One panel a lymphodepletion regimen, nodes as lines."""
    quantiles = quantile_courses(run.courses(["neutrophils_per_ul"]), "neutrophils_per_ul", ["node"], -7.0, LAST_DAY)
    version = str(run.resolved["adjudication"]["ctcae"])
    colours = node_colours(run.node_names)
    drawn = quantiles.with_columns(pl.col(list(QUANTILE_HEADINGS)).clip(lower_bound=FLOOR))
    top = 1.3 * float(quantiles["high"].to_numpy().max())
    panels = []
    for regimen in dict.fromkeys(node.lymphodepletion for node in run.nodes):
        members = [node for node in run.nodes if node.lymphodepletion == regimen]
        traces = []
        for node in members:
            part = drawn.filter(pl.col("node") == node.name)
            days = part["day"].to_list()
            colour = colours[node.name]
            traces += [
                *band(
                    days, part["low"].to_list(), part["high"].to_list(), group=node.name, colour=colour, opacity=0.12
                ),
                line(days, part["median"].to_list(), group=node.name, colour=colour, label=node.label),
            ]
        panels.append(
            Panel(
                title="Without lymphodepletion" if regimen == "none" else f"Lymphodepletion {regimen}",
                alt=f"Neutrophils with lymphodepletion {regimen}: "
                + "; ".join(
                    f"{node.label}, lowest median {_lowest(quantiles, node.name):.0f} per µL" for node in members
                ),
                traces=traces,
                layout={
                    "xaxis": {"title": {"text": "day after infusion"}, "range": [-7, LAST_DAY]},
                    "yaxis": {"title": {"text": "cells/µL"}, **log_axis(FLOOR, top)},
                    "shapes": [
                        level_line(limit, f"grade {grade} below {limit:g}")
                        for grade, limit in enumerate(limits("neutrophils", version), start=1)
                        if grade >= 3
                    ],
                },
                height=290,
            )
        )
    return Figure(
        panels=panels,
        table=quantiles,
        headings=QUANTILE_HEADINGS,
        legend=[Key(node.name, node.label, colours[node.name], "line") for node in run.nodes],
        panel_width=340,
        note=f"Grades by CTCAE version {version}.",
    )


def _lowest(quantiles: pl.DataFrame, node: str) -> float:
    return float(quantiles.filter(pl.col("node") == node)["median"].to_numpy().min())


FIGURE = Entry("neutrophils", "Neutrophils", CAPTION, build)
