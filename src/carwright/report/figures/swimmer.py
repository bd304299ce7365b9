"""The patients of one typical simulated trial, as lanes over time."""

from __future__ import annotations

from typing import Any

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel, Trace
from carwright.report.palette import FAINT, GRADES, INK, MUTED, PUBLISHED
from carwright.report.run import STUDY_ARM, Run
from carwright.report.typical import typical_trial

FIRST_WEEKS = 35.0
CARE_ROOM = 0.42
"""Room for the doses given, right of the lanes, as a part of the panel's length of time."""

CAPTION = (
    "One lane a patient, in order of enrolment; day 0 is the patient's own infusion. Grey: free of progression. "
    "Coloured: cytokine release syndrome (CRS), from its onset over its length, by its worst grade. The first "
    "panel shows the first five weeks, the second the whole follow-up. Right of a lane in the first panel: doses "
    "of tocilizumab (T), corticosteroid (C) and anakinra (A). An open circle is a patient who was enrolled and "
    "never infused. Another trial would look different: this is one of many."
)

_OUTCOMES = (
    "vein_to_vein_days",
    "not_infused_reason",
    "crs_grade",
    "crs_onset_day",
    "crs_days",
    "progression_free_days",
    "progression_censored",
    "death_day",
    "tocilizumab_doses",
    "corticosteroid_doses",
    "anakinra_doses",
)


def build(run: Run) -> Figure:
    """Lanes of the typical trial's patients: five weeks and whole follow-up."""
    trial, note = typical_trial(run)
    lanes = _lanes(run, trial)
    rows = lanes.to_dicts()
    labels = [f"{row['sequence']:02d} · {row['node'].replace('-', '−')}" for row in rows]
    end = max([90.0, *(row["progression_free_days"] or 0 for row in rows), *(row["death_day"] or 0 for row in rows)])
    alt = (
        f"{len(rows)} patients; {sum(row['status'] != 'not_infused' for row in rows)} infused, "
        f"{sum(bool(row['dlt']) for row in rows)} with a dose-limiting toxicity"
    )
    panels = [
        _panel(rows, labels, "First five weeks", alt, end=FIRST_WEEKS, step=7, care=True),
        _panel(rows, labels, "Whole follow-up", alt, end=end, step=60, care=False),
    ]
    return Figure(
        panels=panels,
        table=lanes,
        headings={"sequence": "patient of the trial", "node": "node", "patient": "virtual patient"},
        legend=[
            Key("free", "free of progression", FAINT, "bar"),
            *(Key(f"crs{grade}", f"CRS grade {grade}", GRADES[grade], "bar") for grade in range(1, 6)),
            Key("dlt", "DLT", INK, "cross"),
            Key("progression", "progression", MUTED, "triangle"),
            Key("death", "death", PUBLISHED, "diamond"),
            Key("never", "never infused", MUTED, "open"),
        ],
        panel_width=340,
        note=note,
    )


def _lanes(run: Run, trial: int) -> pl.DataFrame:
    members = run.table(
        "trial_patients",
        ["trial", "arm", "adjudication", "sequence", "patient", "node", "status", "evaluable", "dlt", "dlt_day"],
    ).filter((pl.col("trial") == trial) & (pl.col("arm") == STUDY_ARM) & (pl.col("adjudication") == run.adjudication))
    outcomes = run.table("patients", ["patient", "node", "arm", *_OUTCOMES]).filter(pl.col("arm") == STUDY_ARM)
    return (
        members.drop("trial", "arm", "adjudication")
        .join(outcomes.drop("arm"), on=["patient", "node"], how="left")
        .sort("sequence")
    )


def _panel(
    rows: list[dict[str, Any]], labels: list[str], title: str, alt: str, *, end: float, step: int, care: bool
) -> Panel:
    infused = [(row, label) for row, label in zip(rows, labels, strict=True) if row["status"] != "not_infused"]
    never = [(row, label) for row, label in zip(rows, labels, strict=True) if row["status"] == "not_infused"]
    traces: list[Trace] = [
        {
            "type": "bar",
            "orientation": "h",
            "legendgroup": "free",
            "y": [label for _, label in infused],
            "x": [_within(row["progression_free_days"], end) for row, _ in infused],
            "width": 0.62,
            "marker": {"color": FAINT},
            "hovertemplate": "%{y}<br>progression-free to day %{x:.0f}<extra></extra>",
        }
    ]
    for grade in range(1, 6):
        ill = [(row, label) for row, label in infused if row["crs_grade"] == grade and row["crs_onset_day"] is not None]
        ill = [(row, label) for row, label in ill if row["crs_onset_day"] < end]
        if ill:
            traces.append(_crs(ill, grade, end))
    traces += _marks(infused, end)
    if never:
        traces.append(
            _markers(
                "never",
                "circle-open",
                MUTED,
                [
                    (0.0, label, f"never infused: {(row['not_infused_reason'] or 'unknown').replace('_', ' ')}")
                    for row, label in never
                ],
            )
        )
    if care:
        traces.append(_care(infused, end))
    return Panel(
        title=title,
        alt=f"{title}: {alt}",
        traces=traces,
        layout={
            "barmode": "overlay",
            "xaxis": {
                "title": {"text": "day after infusion"},
                "range": [-0.03 * end, (1 + CARE_ROOM if care else 1.04) * end],
                "zeroline": False,
                "tickvals": list(range(0, int(end) + 1, step)),
            },
            "yaxis": {
                "type": "category",
                "categoryarray": labels[::-1],
                "showgrid": False,
                "tickvals": labels,
                "tickfont": {"size": 11},
            },
        },
        height=90 + 21 * len(rows),
    )


def _within(day: float | None, end: float) -> float:
    return min(day if day is not None else end, end)


def _crs(ill: list[tuple[dict[str, Any], str]], grade: int, end: float) -> Trace:
    return {
        "type": "bar",
        "orientation": "h",
        "legendgroup": f"crs{grade}",
        "y": [label for _, label in ill],
        "base": [row["crs_onset_day"] for row, _ in ill],
        "x": [min(row["crs_days"], end - row["crs_onset_day"]) for row, _ in ill],
        "width": 0.36,
        "marker": {"color": GRADES[grade], "line": {"width": 0}},
        "text": [f"CRS grade {grade}, day {row['crs_onset_day']:.0f}, {row['crs_days']:.0f} days" for row, _ in ill],
        "textposition": "none",
        "hovertemplate": "%{y}<br>%{text}<extra></extra>",
    }


def _marks(infused: list[tuple[dict[str, Any], str]], end: float) -> list[Trace]:
    """Symbols at the day of dose-limiting toxicity, progression and death, as far as the panel reaches."""
    events: tuple[tuple[str, str, str, list[tuple[float, str, str]]], ...] = (
        (
            "progression",
            "triangle-right",
            MUTED,
            [
                (row["progression_free_days"], label, "progression")
                for row, label in infused
                if row["progression_censored"] is False and row["progression_free_days"] != row["death_day"]
            ],
        ),
        (
            "dlt",
            "x",
            INK,
            [(row["dlt_day"], label, "DLT") for row, label in infused if row["dlt"] and row["dlt_day"] is not None],
        ),
        (
            "death",
            "diamond",
            PUBLISHED,
            [(row["death_day"], label, "death") for row, label in infused if row["death_day"] is not None],
        ),
    )
    return [
        _markers(group, symbol, colour, [point for point in points if point[0] <= end])
        for group, symbol, colour, points in events
        if any(point[0] <= end for point in points)
    ]


def _markers(group: str, symbol: str, colour: str, points: list[tuple[float, str, str]]) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "legendgroup": group,
        "x": [day for day, _, _ in points],
        "y": [label for _, label, _ in points],
        "marker": {
            "symbol": symbol,
            "size": 9,
            "color": colour,
            "line": {"width": 1.5, "color": colour if "open" in symbol else "#ffffff"},
        },
        "text": [f"{text}, day {day:.0f}" if group != "never" else text for day, _, text in points],
        "hovertemplate": "%{y}<br>%{text}<extra></extra>",
    }


def _care(infused: list[tuple[dict[str, Any], str]], end: float) -> Trace:
    drugs = (("T", "tocilizumab_doses"), ("C", "corticosteroid_doses"), ("A", "anakinra_doses"))
    texts = [" ".join(f"{letter}{row[name]:.0f}" for letter, name in drugs if row[name]) for row, _ in infused]
    return {
        "type": "scatter",
        "mode": "text",
        "x": [(0.99 + CARE_ROOM) * end] * len(infused),
        "y": [label for _, label in infused],
        "text": texts,
        "textposition": "middle left",
        "textfont": {"size": 11, "color": MUTED},
        "hoverinfo": "skip",
    }


FIGURE = Entry("swimmer", "One typical simulated trial (swimmer)", CAPTION, build)
