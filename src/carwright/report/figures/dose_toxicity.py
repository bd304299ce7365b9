"""How toxic each node is in the virtual population: what the designs try to find out."""

from __future__ import annotations

from typing import Any

import polars as pl

from carwright.report.designs import WHAT_INTERVALS_MEAN, comparison, hover_text, marks, shape_of, shifts
from carwright.report.figure import Entry, Figure, Key, Panel
from carwright.report.figures.design_selection import rows_axis
from carwright.report.palette import design_marks
from carwright.report.run import Run
from carwright.report.traces import level_line, share_axis
from carwright.report.wording import percent, rule_label

CAPTION = (
    "Dose-limiting toxicity of all virtual patients at each node, had everybody who can be evaluated been given it, by "
    "definition of toxicity; dashed: the target. No trial sees this curve. " + WHAT_INTERVALS_MEAN
)


def build(run: Run) -> Figure:
    """Dots with two intervals, one row a node, one mark a rule."""
    found = comparison(run)
    truth, target = found.data["truth"], float(found.data["target"])
    colours, names = design_marks(found.rules), run.node_names
    traces, rows, highest = [], [], target
    for rule, shift in zip(found.rules, shifts(len(found.rules)), strict=True):
        readings = [truth[rule]["dlt_rate"][name] for name in names]
        highest = max(highest, *(reading["hi"] or 0.0 for reading in readings))
        traces += marks(
            readings,
            [len(names) - 1 - place + shift for place in range(len(names))],
            group=rule,
            mark=colours[rule],
            hover=[
                hover_text(f"{node.title}, {rule_label(rule)}", reading, "fraction")
                for node, reading in zip(run.nodes, readings, strict=True)
            ],
        )
        rows += [
            {
                "rule": rule,
                "node": name,
                "dlt_rate": reading["estimate"],
                "monte_carlo_low": reading["monte_carlo"]["lo"],
                "monte_carlo_high": reading["monte_carlo"]["hi"],
                "low": reading["lo"],
                "high": reading["hi"],
                "highest_tolerated": truth[rule]["highest_tolerated"][name],
            }
            for name, reading in zip(names, readings, strict=True)
        ]
    return Figure(
        panels=[
            Panel(
                title="",
                alt="; ".join(f"{row['rule']}, node {row['node']}: {percent(row['dlt_rate'])}" for row in rows),
                traces=traces,
                layout={
                    "xaxis": share_axis(highest),
                    "yaxis": rows_axis([node.title for node in run.nodes]),
                    "shapes": [_target(target)],
                },
                height=80 + len(names) * (20 + 14 * len(found.rules)),
            )
        ],
        table=pl.DataFrame(rows, infer_schema_length=None),
        headings={
            "dlt_rate": "DLT rate",
            "monte_carlo_low": "Monte Carlo low",
            "monte_carlo_high": "Monte Carlo high",
            "highest_tolerated": "share of populations in which it is a highest tolerated node",
        },
        legend=[Key(rule, rule_label(rule), colours[rule][0], shape_of(colours[rule][1])) for rule in found.rules],
    )


def _target(target: float) -> dict[str, Any]:
    """Dashed line, named at its top, away from the axis."""
    line = level_line(target, f"target {percent(target)} ", axis="x")
    return line | {"label": {**line["label"], "textposition": "end", "xanchor": "right", "yanchor": "top"}}


FIGURE = Entry("dose_toxicity", "Toxicity of each node in the virtual population", CAPTION, build)
