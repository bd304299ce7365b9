"""Recommended node under each definition of dose-limiting toxicity."""

from __future__ import annotations

import polars as pl

from carwright.report.figure import Entry, Figure, Panel
from carwright.report.palette import INK, MUTED, node_colours
from carwright.report.run import Run, Unavailable
from carwright.report.wording import percent, rule_label, span

CAPTION = (
    "Share of simulated trials that recommend each node, one panel a definition of dose-limiting toxicity, on the "
    "same patients. The definition can move the answer more than the design does; the study's own rule comes "
    "first. The exact wording of the real protocol could not be read, so every rule is an assumption."
)


def build(run: Run) -> Figure:
    """Bars with intervals, one panel an adjudication rule."""
    rules = run.summary.get("adjudications") or {}
    if not rules:
        message = "summary.json lists no adjudication rules"
        raise Unavailable(message)
    first = run.adjudication
    ordered = [first, *(rule for rule in rules if rule != first)]
    names = [*run.node_names, "none"]
    colours = {**node_colours(run.node_names), "none": MUTED}
    labels = {node.name: node.label for node in run.nodes} | {"none": "none"}
    rows = [
        {
            "rule": rule,
            "node": name,
            "share": found.get("estimate"),
            "low": found.get("lo"),
            "high": found.get("hi"),
        }
        for rule in ordered
        for name in names
        if (found := rules[rule].get("recommended_node", {}).get(name))
    ]
    if not rows:
        message = "summary.json gives no recommended node"
        raise Unavailable(message)
    panels = []
    for rule in ordered:
        part = [row for row in rows if row["rule"] == rule]
        dlt = rules[rule].get("dlt_rate") or {}
        panels.append(
            Panel(
                title=f"{rule_label(rule)}{' (the study’s)' if rule == first else ''}",
                alt=f"{rule_label(rule)}: "
                + "; ".join(f"{labels[row['node']]} {percent(row['share'])}" for row in part)
                + f"; DLT rate {percent(dlt.get('estimate'))} ({span(dlt, 'fraction')})",
                traces=[
                    {
                        "type": "bar",
                        "orientation": "h",
                        "x": [row["share"] for row in part],
                        "y": [labels[row["node"]] for row in part],
                        "width": 0.6,
                        "marker": {"color": [colours[row["node"]] for row in part]},
                        "error_x": {
                            "type": "data",
                            "symmetric": False,
                            "array": [row["high"] - row["share"] for row in part],
                            "arrayminus": [row["share"] - row["low"] for row in part],
                            "color": INK,
                            "thickness": 1.2,
                            "width": 3,
                        },
                        "hovertemplate": "%{y}: %{x:.1%}<extra></extra>",
                    }
                ],
                layout={
                    "xaxis": {"tickformat": ".0%", "range": [0, 1]},
                    "yaxis": {
                        "type": "category",
                        "categoryarray": [labels[name] for name in reversed(names)],
                        "showgrid": False,
                    },
                },
                height=70 + 32 * len(names),
            )
        )
    return Figure(panels=panels, table=pl.DataFrame(rows), headings={"share": "share of trials"}, panel_width=280)


FIGURE = Entry("recommendation", "Recommended node by DLT definition", CAPTION, build)
