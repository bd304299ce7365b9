"""How the recommendation of each design moves with the definition of dose-limiting toxicity."""

from __future__ import annotations

from carwright.report.designs import WHAT_INTERVALS_MEAN, Comparison, comparison, hover_text, marks, node_name, shifts
from carwright.report.figure import Entry, Figure, Panel
from carwright.report.figures.design_selection import rows_axis, table
from carwright.report.palette import design_marks
from carwright.report.run import Run, Unavailable
from carwright.report.traces import share_axis
from carwright.report.wording import percent, rule_label

CAPTION = (
    "Share of trials that recommend a node, one panel a node, by definition of dose-limiting toxicity and design, on "
    "the same patients. A definition that counts reversible grade 3 reactions calls more patients toxic, so designs "
    f"stop lower. How each rule is worded stands above. {WHAT_INTERVALS_MEAN}"
)

LEAST = 0.02
"""A node that no design recommends as often as this under any rule is left to the table."""


def build(run: Run) -> Figure:
    """One panel a node, one row a rule, one mark a design."""
    found = comparison(run)
    if len(found.rules) < 2:
        message = "the study judges toxicity by one rule only (key adjudication.compare)"
        raise Unavailable(message)
    keys = [f"recommends_{name}" for name in (*run.node_names, "none")]
    shown = [
        key
        for key in keys
        if max(found.reading(name, key, rule)["estimate"] for name in found.names for rule in found.rules) >= LEAST
    ]
    return Figure(
        panels=[_panel(found, key) for key in shown],
        table=table(found, keys, found.rules),
        headings={"monte_carlo_low": "Monte Carlo low", "monte_carlo_high": "Monte Carlo high"},
        legend=found.keys,
        panel_width=290,
    )


def _panel(found: Comparison, key: str) -> Panel:
    colours, rules = design_marks(found.names), found.rules
    title = f"Recommends {node_name(found.run, key.removeprefix('recommends_'))}"
    traces, highest = [], 0.0
    for name, shift in zip(found.names, shifts(len(found.names)), strict=True):
        readings = [found.reading(name, key, rule) for rule in rules]
        highest = max(highest, *(reading["hi"] or 0.0 for reading in readings))
        traces += marks(
            readings,
            [len(rules) - 1 - place + shift for place in range(len(rules))],
            group=name,
            mark=colours[name],
            hover=[
                hover_text(f"{found.label(name)}, {rule_label(rule)}", reading, "probability")
                for rule, reading in zip(rules, readings, strict=True)
            ],
        )
    return Panel(
        title=title,
        alt=f"{title}: "
        + "; ".join(
            f"{rule_label(rule)}: "
            + ", ".join(
                f"{found.label(name)} {percent(found.reading(name, key, rule)['estimate'])}" for name in found.names
            )
            for rule in rules
        ),
        traces=traces,
        layout={"xaxis": share_axis(highest), "yaxis": rows_axis([rule_label(rule) for rule in rules])},
        height=70 + len(rules) * (20 + 14 * len(found.names)),
    )


FIGURE = Entry("design_definitions", "Recommendation by definition of toxicity", CAPTION, build)
