"""Cytokines and acute-phase proteins over time, by the patient's worst CRS grade."""

from __future__ import annotations

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel
from carwright.report.palette import GRADES
from carwright.report.run import Run, Unavailable
from carwright.report.statistics import QUANTILE_HEADINGS, quantile_courses
from carwright.report.traces import band, line, log_axis

LAST_DAY = 35.0
HIGHEST_GROUP = 4
"""Grades 4 and 5 differ by death, not by cytokines, and share a line."""

FEWEST_PATIENTS = 5
"""A group smaller than this has no quantiles worth drawing."""

ANALYTES = (
    ("il6", "IL-6", "pg/mL", True),
    ("ifn_gamma", "IFN-γ", "pg/mL", True),
    ("il1", "IL-1", "relative, 0 to 1", False),
    ("crp", "C-reactive protein", "mg/L", False),
    ("ferritin", "Ferritin", "ng/mL", True),
    ("il15", "IL-15", "pg/mL", False),
)
"""Observable, name, unit, logarithmic axis."""

CAPTION = (
    "Median (line) and middle half (band) over sampled courses at all nodes, grouped by the worst CRS grade that "
    "the patient reached; groups of fewer than five courses are left out. Grades follow from signs that these "
    "cytokines drive, by a link that is assumed, and care lowers some of them once it starts: curves need not be "
    "in the order of grades."
)


def build(run: Run) -> Figure:
    """Six panels, one analyte each."""
    names = [name for name, *_ in ANALYTES]
    courses = run.courses(names).join(run.infused(["crs_grade"]), on=["patient", "node"], how="inner")
    grouped = courses.with_columns(grade=pl.col("crs_grade").cast(pl.Int64).clip(upper_bound=HIGHEST_GROUP)).sort(
        "grade", maintain_order=True
    )
    members = grouped.select("grade", "patient", "node").unique().group_by("grade").len().sort("grade")
    grades = members.filter(pl.col("len") >= FEWEST_PATIENTS)["grade"].to_list()
    if not grades:
        message = f"no CRS grade was reached by {FEWEST_PATIENTS} or more sampled courses"
        raise Unavailable(message)
    kept = grouped.filter(pl.col("grade").is_in(grades))
    panels, tables = [], []
    for name, label, unit, logarithmic in ANALYTES:
        rows = quantile_courses(kept, name, ["grade"], -1.0, LAST_DAY)
        tables.append(rows.select(pl.lit(name).alias("analyte"), pl.all()))
        traces = []
        for grade in grades:
            part = rows.filter(pl.col("grade") == grade)
            days = part["day"].to_list()
            traces += [
                *band(
                    days,
                    part["quarter"].to_list(),
                    part["three_quarters"].to_list(),
                    group=f"grade{grade}",
                    colour=_colour(grade),
                    opacity=0.12,
                ),
                line(
                    days,
                    part["median"].to_list(),
                    group=f"grade{grade}",
                    colour=_colour(grade),
                    label=_label(grade),
                ),
            ]
        panels.append(
            Panel(
                title=f"{label}, {unit}",
                alt=f"{label} over the first five weeks, median by worst CRS grade",
                traces=traces,
                layout={
                    "xaxis": {"title": {"text": "day after infusion"}, "range": [-1, LAST_DAY]},
                    "yaxis": _axis(rows, logarithmic=logarithmic),
                },
                height=240,
            )
        )
    counts = dict(members.iter_rows())
    return Figure(
        panels=panels,
        table=pl.concat(tables),
        headings={**QUANTILE_HEADINGS, "grade": "worst CRS grade"},
        legend=[
            Key(f"grade{grade}", f"{_label(grade)} ({counts[grade]} courses)", _colour(grade), "line")
            for grade in grades
        ],
    )


def _axis(rows: pl.DataFrame, *, logarithmic: bool) -> dict[str, object]:
    if not logarithmic:
        return {"rangemode": "tozero"}
    low, high = rows["quarter"].to_numpy().min(), rows["three_quarters"].to_numpy().max()
    return log_axis(max(float(low), 0.1) / 1.5, 1.5 * max(float(high), 1.0))


def _label(grade: int) -> str:
    return f"grade {grade}" if grade < HIGHEST_GROUP else f"grade {grade} or 5"


def _colour(grade: int) -> str:
    """Colour of a grade's line; grade 0 and 1 are too pale for a line and are drawn darker."""
    return {0: "#9aa7b4", 1: "#d9a21b"}.get(grade, GRADES[grade])


FIGURE = Entry("cytokines", "Cytokines by CRS grade", CAPTION, build)
