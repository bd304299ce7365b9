"""Inhibitory molecules in the tumour before infusion and four weeks after."""

from __future__ import annotations

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel, Trace
from carwright.report.palette import COMPARATOR, STUDY
from carwright.report.run import STUDY_ARM, Run, Unavailable
from carwright.report.statistics import quantile_courses

BEFORE, AFTER = 0.0, 28.0

MOLECULES = (
    ("pd_l1", "PD-L1, fold over resting"),
    ("tim_3", "TIM-3, fold over resting"),
    ("tigit", "TIGIT, fold over resting"),
    ("inhibitory_index", "Inhibitory index, 0 to 1"),
    ("site_inhibition", "CAR-T function lost in tumour, 0 to 1"),
)

CAPTION = (
    "Each line joins the median before infusion (day 0, open) to the median on day 28 (filled); the thin bar "
    "spans 5 % to 95 % of patients on day 28. Rows are nodes; colours are the arms, on the same patients. The "
    "published trial reports that inhibitory molecules rose at the tumour after transfer, without readable "
    "values, so the size of the rise is assumed. Function lost joins TGF-β and the inhibitory index: it is where "
    "the armour acts."
)


def build(run: Run) -> Figure:
    """Panels of paired dots, one molecule each."""
    names = [name for name, _ in MOLECULES]
    parts = []
    for arm in run.arms:
        courses = run.courses(names, arm)
        nearest = _two_days(courses)
        for name in names:
            rows = quantile_courses(nearest, name, ["node"], BEFORE, AFTER)
            parts.append(rows.select(pl.lit(name).alias("molecule"), pl.lit(arm).alias("arm"), pl.all()))
    table = pl.concat(parts)
    panels = []
    for name, title in MOLECULES:
        rows = table.filter(pl.col("molecule") == name)
        panels.append(
            Panel(
                title=title,
                alt=f"{title}: " + "; ".join(_sentence(rows, node.name, node.label) for node in run.nodes),
                traces=[trace for place, arm in enumerate(run.arms) for trace in _dumbbells(rows, arm, place, run)],
                layout={
                    "yaxis": {
                        "tickvals": list(range(len(run.nodes))),
                        "ticktext": [node.label for node in reversed(run.nodes)],
                        "range": [-0.5, len(run.nodes) - 0.5],
                        "showgrid": False,
                        "zeroline": False,
                    },
                },
                height=70 + 40 * len(run.nodes),
            )
        )
    return Figure(
        panels=panels,
        table=table,
        headings={"low": "5 %", "quarter": "25 %", "three_quarters": "75 %", "high": "95 %"},
        legend=[Key(arm, run.arm_label(arm), _colour(arm), "circle") for arm in run.arms],
        panel_width=300,
    )


def _two_days(courses: pl.DataFrame) -> pl.DataFrame:
    days = courses["day"].unique()
    chosen = [days[int((days - wanted).abs().arg_min() or 0)] for wanted in (BEFORE, AFTER)]
    if abs(chosen[0] - BEFORE) > 1 or abs(chosen[1] - AFTER) > 1:
        message = "courses were not sampled near day 0 and day 28"
        raise Unavailable(message)
    return courses.filter(pl.col("day").is_in(chosen))


def _colour(arm: str) -> str:
    return STUDY if arm == STUDY_ARM else COMPARATOR


def _sentence(rows: pl.DataFrame, node: str, label: str) -> str:
    medians = rows.filter((pl.col("node") == node) & (pl.col("arm") == STUDY_ARM)).sort("day")["median"]
    return f"{label} {medians[0]:.2g} before, {medians[-1]:.2g} on day 28" if len(medians) else f"{label} not simulated"


def _dumbbells(rows: pl.DataFrame, arm: str, place: int, run: Run) -> list[Trace]:
    shift = 0.16 - 0.32 * place / max(1, len(run.arms) - 1)
    heights = {node.name: len(run.nodes) - 1 - index + shift for index, node in enumerate(run.nodes)}
    part = rows.filter((pl.col("arm") == arm) & pl.col("node").is_in(list(heights)))
    before, after = (part.filter(pl.col("day") == day) for day in (part["day"].min(), part["day"].max()))
    y = [heights[name] for name in after["node"]]
    colour = _colour(arm)
    joined_x: list[float | None] = []
    joined_y: list[float | None] = []
    for start, stop, height in zip(before["median"], after["median"], y, strict=True):
        joined_x += [start, stop, None]
        joined_y += [height, height, None]
    shared: Trace = {"type": "scatter", "legendgroup": arm, "name": run.arm_label(arm)}
    return [
        {
            **shared,
            "mode": "lines",
            "x": joined_x,
            "y": joined_y,
            "line": {"color": colour, "width": 3},
            "hoverinfo": "skip",
        },
        {
            **shared,
            "mode": "markers",
            "x": before["median"].to_list(),
            "y": y,
            "marker": {"symbol": "circle-open", "size": 9, "color": colour, "line": {"width": 2}},
            "hovertemplate": f"{run.arm_label(arm)}, day 0: %{{x:.3g}}<extra></extra>",
        },
        {
            **shared,
            "mode": "markers",
            "x": after["median"].to_list(),
            "y": y,
            "marker": {"symbol": "circle", "size": 10, "color": colour},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": (after["high"] - after["median"]).to_list(),
                "arrayminus": (after["median"] - after["low"]).to_list(),
                "color": colour,
                "thickness": 1,
                "width": 0,
            },
            "hovertemplate": f"{run.arm_label(arm)}, day 28: %{{x:.3g}}<extra></extra>",
        },
    ]


FIGURE = Entry("inhibition", "Inhibitory molecules before and after", CAPTION, build)
