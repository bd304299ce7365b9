"""PSA over time of single patients."""

from __future__ import annotations

import polars as pl

from carwright.report.figure import Entry, Figure, Panel, Trace
from carwright.report.palette import node_colours
from carwright.report.run import Run, Unavailable
from carwright.report.statistics import shown_days
from carwright.report.traces import PSA_AXIS, level_line

PATIENTS_PER_NODE = 12
LAST_DAY = 168.0

CAPTION = (
    "Change of PSA from baseline over time, one line a virtual patient, one panel a node. The same patients stand "
    "in every panel (each is simulated at every node), so panels differ by dose and lymphodepletion only. Rises "
    "are cut at +100 %. A fall that turns is a response that is lost."
)


def build(run: Run) -> Figure:
    """Lines of the same few sampled patients at every node."""
    courses = run.courses(["psa"]).filter(pl.col("day").is_between(0, LAST_DAY) & pl.col("psa").is_not_nan())
    patients = courses["patient"].unique().sort()
    step = max(1, len(patients) // PATIENTS_PER_NODE)
    chosen = patients.gather_every(step).head(PATIENTS_PER_NODE)
    days = shown_days(courses["day"].unique().to_list(), 0.0, LAST_DAY, 40)
    lines = (
        courses.filter(pl.col("patient").is_in(chosen.implode()))
        .with_columns(change=pl.col("psa") / pl.col("psa").sort_by("day").first().over("node", "patient") - 1)
        .filter(pl.col("day").is_in(days))
        .with_columns(change=pl.col("change").clip(upper_bound=1.0).round(3))
        .select("node", "patient", "day", "change")
    )
    if lines.is_empty():
        message = "no PSA course was sampled"
        raise Unavailable(message)
    colours = node_colours(run.node_names)
    panels, tables = [], []
    for node in run.nodes:
        part = lines.filter(pl.col("node") == node.name).sort("patient", "day")
        if part.is_empty():
            continue
        traces: list[Trace] = [
            {
                "type": "scatter",
                "mode": "lines",
                "legendgroup": node.name,
                "x": rows["day"].to_list(),
                "y": rows["change"].to_list(),
                "line": {"color": colours[node.name], "width": 1.5},
                "opacity": 0.75,
                "hovertemplate": f"patient {rows['patient'][0]}<br>day %{{x}}: %{{y:+.0%}}<extra></extra>",
            }
            for rows in part.partition_by("patient", maintain_order=True)
        ]
        panels.append(
            Panel(
                title=node.title,
                alt=f"PSA change of {len(traces)} patients at {node.label}",
                traces=traces,
                layout={
                    "xaxis": {"title": {"text": "day"}, "range": [0, LAST_DAY]},
                    "yaxis": PSA_AXIS,
                    "shapes": [level_line(-0.3), level_line(-0.5)],
                },
                height=250,
            )
        )
        tables.append(part)
    return Figure(
        panels=panels,
        table=pl.concat(tables),
        headings={"change": "PSA change from day 0, per 1"},
        panel_width=225,
    )


FIGURE = Entry("spider", "PSA over time (spider)", CAPTION, build)
