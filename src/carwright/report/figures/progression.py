"""Progression-free survival by node."""

from __future__ import annotations

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel, Trace
from carwright.report.palette import node_colours
from carwright.report.run import STUDY_ARM, Run
from carwright.report.statistics import survival
from carwright.report.traces import band

DASHES = ("solid", "dash", "dot")

CAPTION = (
    "Kaplan-Meier estimate of PSA progression-free survival by node (PCWG3), every virtual patient treated at "
    "every node; band: 90 % interval (log-log) for the chance of simulation. Dashed: the comparator on the same "
    "patients. Patients at risk are in the table. PSA progression is not survival, and simulated patients receive "
    "no later therapy."
)


def build(run: Run) -> Figure:
    """Curves by node, one panel a node, with the comparators."""
    parts = []
    for arm in run.arms:
        infused = run.infused(["progression_free_days", "progression_censored"], arm)
        end = int(infused["progression_free_days"].to_numpy().max())
        grid = [float(day) for day in range(0, end + 1, max(1, end // 90))]
        for node in run.nodes:
            rows = infused.filter(pl.col("node") == node.name)
            if rows.is_empty():
                continue
            curve = survival(rows["progression_free_days"].to_list(), rows["progression_censored"].to_list(), grid)
            parts.append(curve.select(pl.lit(arm).alias("arm"), pl.lit(node.name).alias("node"), pl.all()))
    table = pl.concat(parts)
    colours = node_colours(run.node_names)
    panels = []
    for node in run.nodes:
        rows = table.filter(pl.col("node") == node.name)
        traces: list[Trace] = []
        for place, arm in enumerate(run.arms):
            curve = rows.filter(pl.col("arm") == arm)
            days, share = curve["day"].to_list(), curve["share"].to_list()
            if arm == STUDY_ARM:
                traces += band(
                    days,
                    curve["lo"].to_list(),
                    curve["hi"].to_list(),
                    group=arm,
                    colour=colours[node.name],
                    opacity=0.2,
                )
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "legendgroup": arm,
                    "x": days,
                    "y": share,
                    "line": {
                        "color": colours[node.name],
                        "width": 2,
                        "dash": DASHES[place % len(DASHES)],
                        "shape": "hv",
                    },
                    "hovertemplate": f"{run.arm_label(arm)}<br>day %{{x}}: %{{y:.0%}}<extra></extra>",
                }
            )
        study = rows.filter((pl.col("arm") == STUDY_ARM) & (pl.col("share") <= 0.5))["day"]
        median = f"median day {study[0]:.0f}" if len(study) else "median not reached"
        panels.append(
            Panel(
                title=f"{node.label}: {median}",
                alt=f"Progression-free survival at {node.label}: {median}",
                traces=traces,
                layout={
                    "xaxis": {"title": {"text": "day after infusion"}, "rangemode": "tozero"},
                    "yaxis": {"tickformat": ".0%", "range": [0, 1.02]},
                },
                height=240,
            )
        )
    return Figure(
        panels=panels,
        table=table,
        headings={"at_risk": "at risk", "share": "free of progression", "lo": "low", "hi": "high"},
        legend=[
            Key(arm, run.arm_label(arm), "#5b6876", "dashed" if place else "line") for place, arm in enumerate(run.arms)
        ],
        panel_width=225,
    )


FIGURE = Entry("progression", "Time to PSA progression", CAPTION, build)
