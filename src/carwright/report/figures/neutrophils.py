"""Neutrophils over time, by lymphodepletion."""

from __future__ import annotations

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel
from carwright.report.palette import node_colours
from carwright.report.run import Run
from carwright.report.statistics import QUANTILE_HEADINGS, quantile_courses
from carwright.report.traces import band, level_line, line

LAST_DAY = 60.0

CAPTION = (
    "Median neutrophil count with the 5 % to 95 % band; lymphodepletion on days −5 to −3, cells on day 0. Below 1000 per µL "
    "is grade 3 and below 500 grade 4 by CTCAE version 5; time below 500 drives the simulated risk of sepsis."
)


def build(run: Run) -> Figure:
    """One panel a lymphodepletion regimen, nodes as lines."""
    quantiles = quantile_courses(run.courses(["neutrophils_per_ul"]), "neutrophils_per_ul", ["node"], -7.0, LAST_DAY)
    colours = node_colours(run.node_names)
    top = 1.05 * float(quantiles["high"].max() or 1.0)
    panels = []
    for regimen in dict.fromkeys(node.lymphodepletion for node in run.nodes):
        members = [node for node in run.nodes if node.lymphodepletion == regimen]
        traces = []
        for node in members:
            part = quantiles.filter(pl.col("node") == node.name)
            days = part["day"].to_list()
            colour = colours[node.name]
            traces += [
                *band(days, part["low"].to_list(), part["high"].to_list(), group=node.name, colour=colour, opacity=0.14),
                line(days, part["median"].to_list(), group=node.name, colour=colour, label=node.label),
            ]
        panels.append(
            Panel(
                title="Without lymphodepletion" if regimen == "none" else f"Lymphodepletion {regimen}",
                alt=f"Neutrophils with lymphodepletion {regimen}: " + "; ".join(
                    f"{node.label}, lowest median {quantiles.filter(pl.col('node') == node.name)['median'].min():.0f} per µL"
                    for node in members
                ),
                traces=traces,
                layout={
                    "xaxis": {"title": {"text": "day after infusion"}, "range": [-7, LAST_DAY]},
                    "yaxis": {"title": {"text": "cells/µL"}, "range": [0, top]},
                    "shapes": [level_line(1000, "1000"), level_line(500, "500")],
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
    )


FIGURE = Entry("neutrophils", "Neutrophils", CAPTION, build)
