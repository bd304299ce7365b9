"""Antigen-low cells before treatment, over time, and at relapse."""

from __future__ import annotations

import polars as pl

from carwright.report.figure import Entry, Figure
from carwright.report.groups import grouped_courses, groups_of
from carwright.report.over_time import over_time
from carwright.report.run import Run
from carwright.report.traces import log_axis

CAPTION = (
    "Malignant cells, and the share of them that carries too little of the target to be recognised; medians by day of "
    "patients who are alive. On day 0 the share is what was there before treatment. A disease that comes back at a "
    "high share has escaped its target; one that comes back at a low share has outlasted the cells."
)


def build(run: Run) -> Figure:
    """Two panels."""
    courses = grouped_courses(run, ["tumour_cells", "antigen_low_cells"]).with_columns(
        # Below one cell there is no disease left of which to take a share.
        share=pl.when(pl.col("tumour_cells") >= 1)
        .then(pl.col("antigen_low_cells") / pl.col("tumour_cells"))
        .otherwise(float("nan"))
    )
    readings = [
        ("tumour_cells", "Malignant cells", {"yaxis": log_axis(1.0, 3e12)}, 1.0),
        ("share", "Antigen-low share", {"yaxis": {"tickformat": ".0%", "range": [-0.03, 1.03]}}, 0.0),
    ]
    return over_time(courses, groups_of(run), readings, 0.0, float(run.resolved["horizon_days"]))


FIGURE = Entry("antigen_loss", "Malignant cells and antigen loss", CAPTION, build)
