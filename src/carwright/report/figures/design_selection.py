"""What each design recommends, and how often that is right."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from carwright.report.designs import (
    WHAT_INTERVALS_MEAN,
    Comparison,
    comparison,
    hover_text,
    marks,
    node_name,
    shifts,
)
from carwright.report.figure import Entry, Figure, Panel
from carwright.report.palette import design_marks
from carwright.report.run import Run
from carwright.report.traces import share_axis
from carwright.report.wording import percent, wrapped

VERDICTS = {"correct": "right", "too_toxic": "too toxic", "too_low": "too low, or none"}

CAPTION = (
    "The same virtual patients, in the same order, treated by every design. Left: share of trials that recommend each "
    "node. Right: the same, judged by what is true of the trial's own population. Right is a highest node at which, "
    "and at every node below, no more patients than the target have a dose-limiting toxicity; or none where there is "
    f"none. {WHAT_INTERVALS_MEAN}"
)


def build(run: Run) -> Figure:
    """Dots with two intervals, one row a node or a verdict."""
    found = comparison(run)
    nodes = {f"recommends_{name}": node_name(run, name) for name in (*run.node_names, "none")}
    return Figure(
        panels=[panel(found, "Recommended node", nodes), panel(found, "Recommendation", VERDICTS)],
        table=table(found, [*nodes, *VERDICTS]),
        headings={"monte_carlo_low": "Monte Carlo low", "monte_carlo_high": "Monte Carlo high"},
        legend=found.keys,
        panel_width=340,
    )


def panel(found: Comparison, title: str, rows: dict[str, str]) -> Panel:
    """One row a characteristic, one mark a design; characteristics are shares."""
    colours = design_marks(found.names)
    keys = list(rows)
    traces, highest = [], 0.0
    for name, shift in zip(found.names, shifts(len(found.names)), strict=True):
        readings = [found.reading(name, key) for key in keys]
        highest = max(highest, *(reading["hi"] or 0.0 for reading in readings))
        traces += marks(
            readings,
            [len(keys) - 1 - place + shift for place in range(len(keys))],
            group=name,
            mark=colours[name],
            hover=[
                hover_text(f"{found.label(name)}: {rows[key]}", reading, "probability")
                for key, reading in zip(keys, readings, strict=True)
            ],
        )
    return Panel(
        title=title,
        alt="; ".join(
            f"{found.label(name)}: "
            + ", ".join(f"{rows[key]} {percent(found.reading(name, key)['estimate'])}" for key in keys)
            for name in found.names
        ),
        traces=traces,
        layout={"xaxis": share_axis(highest), "yaxis": rows_axis(list(rows.values()))},
        height=70 + len(keys) * (20 + 14 * len(found.names)),
    )


def rows_axis(labels: Sequence[str]) -> dict[str, object]:
    """Rows from top to bottom."""
    return {
        "tickvals": list(range(len(labels))),
        "ticktext": [wrapped(label, 22) for label in reversed(labels)],
        "range": [-0.6, len(labels) - 0.4],
        "showgrid": False,
        "zeroline": False,
    }


def table(found: Comparison, keys: Sequence[str], rules: Sequence[str] = ()) -> pl.DataFrame:
    """Numbers of some characteristics by design and rule."""
    rows = [
        {
            "design": name,
            "rule": rule,
            "characteristic": found.row(key),
            "unit": found.unit(key),
            "estimate": reading["estimate"],
            "monte_carlo_low": reading["monte_carlo"]["lo"],
            "monte_carlo_high": reading["monte_carlo"]["hi"],
            "low": reading["lo"],
            "high": reading["hi"],
        }
        for rule in (rules or found.rules[:1])
        for key in keys
        for name in found.names
        if (reading := found.reading(name, key, rule))
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


FIGURE = Entry("design_selection", "What each design recommends", CAPTION, build)
