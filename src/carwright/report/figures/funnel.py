"""From enrolment to an evaluable patient."""

from __future__ import annotations

from typing import Any

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel, Trace
from carwright.report.palette import INK, PUBLISHED, STUDY
from carwright.report.run import STUDY_ARM, Run, Unavailable
from carwright.report.wording import listed, number, percent, span

CAPTION = (
    "Bars: mean number of patients of a simulated trial at each step. Thin lines: where nine in ten simulated "
    "trials lie. Diamonds: the real trial. Patients who are enrolled and never infused are replaced; those "
    "infused off the assigned dose are not evaluable for dose-limiting toxicity."
)

STEPS = ("enrolled", "infused", "evaluable")


def build(run: Run) -> Figure:
    """Three bars with the published counts."""
    funnel: dict[str, Any] = run.summary.get("funnel") or {}
    if any(step not in funnel for step in STEPS):
        message = "summary.json counts no patients from enrolment to evaluation"
        raise Unavailable(message)
    rows = [funnel[step] for step in STEPS]
    published = run.quantities.get("infused_fraction", {}).get("published") or {}
    traces: list[Trace] = [
        {
            "type": "bar",
            "orientation": "h",
            "y": list(STEPS),
            "x": [row["estimate"] for row in rows],
            "width": 0.55,
            "legendgroup": "simulated",
            "marker": {"color": STUDY},
            "error_x": {
                "type": "data",
                "symmetric": False,
                "array": [row["predictive"]["hi"] - row["estimate"] for row in rows],
                "arrayminus": [row["estimate"] - row["predictive"]["lo"] for row in rows],
                "color": INK,
                "thickness": 1.5,
                "width": 4,
            },
            "text": [number(row["estimate"]) for row in rows],
            "textposition": "inside",
            "insidetextanchor": "start",
            "textfont": {"color": "#ffffff"},
            "hovertemplate": "%{y}: %{x:.1f}<extra></extra>",
        }
    ]
    real = {"enrolled": published.get("of"), "infused": published.get("count")}
    if published.get("of"):
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [real["enrolled"], real["infused"]],
                "y": ["enrolled", "infused"],
                "legendgroup": "published",
                "marker": {
                    "symbol": "diamond",
                    "size": 13,
                    "color": PUBLISHED,
                    "line": {"color": "#ffffff", "width": 1.5},
                },
                "hovertemplate": "published, %{y}: %{x}<extra></extra>",
            }
        )
    return Figure(
        panels=[
            Panel(
                title="",
                alt="; ".join(
                    f"{step} {number(row['estimate'])} ({span(row, 'patients')})"
                    for step, row in zip(STEPS, rows, strict=True)
                ),
                traces=traces,
                layout={
                    "xaxis": {"title": {"text": "patients"}, "rangemode": "tozero"},
                    "yaxis": {"type": "category", "categoryarray": list(STEPS[::-1]), "showgrid": False},
                },
                height=230,
            )
        ],
        table=pl.DataFrame(
            {
                "step": list(STEPS),
                "patients": [float(row["estimate"]) for row in rows],
                "low": [float(row["lo"]) for row in rows],
                "high": [float(row["hi"]) for row in rows],
                "one_trial_low": [float(row["predictive"]["lo"]) for row in rows],
                "one_trial_high": [float(row["predictive"]["hi"]) for row in rows],
                "published": [real.get(step) for step in STEPS],
            }
        ),
        legend=[
            Key("simulated", "simulated: mean and 90 % of trials", STUDY, "bar"),
            Key("published", "real trial", PUBLISHED, "diamond"),
        ],
        note=_reasons(run),
    )


def _reasons(run: Run) -> str:
    """Why virtual patients were not infused, most frequent first."""
    patients = run.table("patients", ["patient", "arm", "infused", "not_infused_reason"]).filter(
        pl.col("arm") == STUDY_ARM
    )
    lost = patients.filter(~pl.col("infused") & pl.col("not_infused_reason").is_not_null())
    if lost.is_empty():
        return "Every virtual patient was infused."
    counts = lost["not_infused_reason"].value_counts().sort("count", "not_infused_reason", descending=[True, False])
    parts = [f"{reason.replace('_', ' ')} {percent(count / patients.height)}" for reason, count in counts.iter_rows()]
    return f"Not infused, of all virtual patients: {listed(parts)}."


FIGURE = Entry("funnel", "From enrolled to evaluable", CAPTION, build)
