"""The tumour and its defence over time, by node."""

from __future__ import annotations

from typing import Any

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel
from carwright.report.palette import node_colours
from carwright.report.run import Run
from carwright.report.statistics import QUANTILE_HEADINGS, quantile_courses
from carwright.report.traces import band, line, log_axis

LAST_DAY = 168.0

READINGS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("tumour_relative", "Tumour cells, relative to day 0", {"type": "log"}),
    ("antigen_low_share", "Antigen-low share of tumour", {"tickformat": ".0%", "range": [0, 1]}),
    ("tgf_beta", "Active TGF-β, nM", {"rangemode": "tozero"}),
    ("inhibitory_index", "Inhibitory index, 0 to 1", {"range": [0, 1]}),
)
"""Reading, title, axis."""

CAPTION = (
    "Medians by node with the middle half of patients as a band, as designed. A tumour that shrinks and returns "
    "antigen-low has escaped the target; one that returns antigen-positive under a high inhibitory index has "
    "outlasted the cells. None of these curves was measured in the real trial."
)


def build(run: Run) -> Figure:
    """Four panels over time."""
    courses = run.courses(["tumour_cells", "antigen_low_cells", "tgf_beta", "inhibitory_index"]).filter(
        pl.col("day") >= 0
    )
    readings = courses.with_columns(
        tumour_relative=(
            pl.col("tumour_cells") / pl.col("tumour_cells").sort_by("day").first().over("node", "patient")
        ).clip(1e-3),
        # Below one cell there is no tumour left of which to take a share.
        antigen_low_share=pl.when(pl.col("tumour_cells") >= 1).then(
            pl.col("antigen_low_cells") / pl.col("tumour_cells")
        ),
    ).with_columns(pl.col("antigen_low_share").fill_null(float("nan")))
    colours = node_colours(run.node_names)
    panels, tables = [], []
    for name, title, given in READINGS:
        axis: dict[str, Any] = given
        rows = quantile_courses(readings, name, ["node"], 0.0, LAST_DAY)
        tables.append(rows.select(pl.lit(name).alias("reading"), pl.all()))
        if axis.get("type") == "log":
            axis = log_axis(rows["quarter"].to_numpy().min() / 1.5, 1.5 * rows["three_quarters"].to_numpy().max())
        traces = []
        for node in run.nodes:
            part = rows.filter(pl.col("node") == node.name)
            if part.is_empty():
                continue
            days = part["day"].to_list()
            colour = colours[node.name]
            traces += [
                *band(
                    days,
                    part["quarter"].to_list(),
                    part["three_quarters"].to_list(),
                    group=node.name,
                    colour=colour,
                    opacity=0.08,
                ),
                line(days, part["median"].to_list(), group=node.name, colour=colour, label=node.label),
            ]
        panels.append(
            Panel(
                title=title,
                alt=f"{title}, median by node over {LAST_DAY:.0f} days",
                traces=traces,
                layout={"xaxis": {"title": {"text": "day after infusion"}, "range": [0, LAST_DAY]}, "yaxis": axis},
                height=260,
            )
        )
    return Figure(
        panels=panels,
        table=pl.concat(tables),
        headings=QUANTILE_HEADINGS,
        legend=[Key(node.name, node.label, colours[node.name], "line") for node in run.nodes],
        panel_width=340,
    )


FIGURE = Entry("tumour", "Tumour, antigen loss and TGF-β", CAPTION, build)
