"""The choice in one picture: response against days without neutrophils, for every target and way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel, Trace
from carwright.report.palette import INK, node_colours, node_symbols
from carwright.report.run import STUDY_ARM, Run, Unavailable
from carwright.report.wording import percent, with_interval

PRICE = "anc_below_500_days"
BESIDE = ("aplasia_day60", "death_infection", "relapse", "mrd_negative")
"""Quantities that the table shows beside the two axes."""

NONE = "no way out"

CAPTION = (
    "Each point is one strategy on the same virtual patients: how many respond (up) and for how many days the median "
    "patient has no neutrophils (right), with 90 % intervals over plausible populations. Colour is the target or "
    "gate, the sign is the way out. Up and to the left is better. The table adds aplasia, death from infection, "
    "relapse and residual disease, and the paired difference from the study's own arm. The model decides by "
    "assumptions, listed below; it is no advice for a patient."
)


def build(run: Run) -> Figure:
    """One panel of points with crosses of intervals."""
    response = run.disease.headlines[0]
    if PRICE not in run.quantities or not run.comparators:
        message = "the study compares no strategies"
        raise Unavailable(message)
    strategies = {arm: _strategy(run, arm) for arm in run.arms}
    targets = list(dict.fromkeys(target for target, _ in strategies.values()))
    ways = list(dict.fromkeys(way for _, way in strategies.values()))
    colours, symbols = node_colours(targets), node_symbols(ways)
    traces, rows = [], []
    for arm, (target, way) in strategies.items():
        up, right = (run.quantities[name]["by_arm"][arm] for name in (response, PRICE))
        rows.append(_row(run, arm, target, way, response))
        if None in (up["estimate"], right["estimate"]):
            continue
        traces.append(_point(run.arm_label(arm), target, colours[target], symbols[way], up, right))
    label = run.quantities[response]["label"]
    return Figure(
        panels=[
            Panel(
                title="",
                alt=f"{label} against days without neutrophils: "
                + "; ".join(f"{row['strategy']} {percent(row['response'])}, {row['days']:.0f} days" for row in rows),
                traces=traces,
                layout={
                    "xaxis": {
                        "title": {"text": "days with neutrophils below 500 per µL, median"},
                        "rangemode": "tozero",
                    },
                    "yaxis": {"title": {"text": label}, "tickformat": ".0%", "range": [-0.03, 1.03]},
                    "hovermode": "closest",
                },
                height=520,
            )
        ],
        table=pl.DataFrame(rows, infer_schema_length=None),
        headings={"response": label, "days": "days without neutrophils"},
        legend=[
            *(Key(target, target, colours[target], "square") for target in targets),
            *(Key(way, way, INK, _SHAPES.get(symbols[way], "circle")) for way in ways),
        ],
    )


_SHAPES = {"triangle-up": "triangle-up", "star": "triangle"}
_SHAPES |= {shape: shape for shape in ("circle", "square", "diamond", "cross")}


def _strategy(run: Run, arm: str) -> tuple[str, str]:
    """Target and way out of an arm, in words."""
    changes: Mapping[str, Any] = {}
    if arm != STUDY_ARM:
        changes = next(found["set"] for found in run.resolved["comparators"] if found["name"] == arm)
    target = changes.get("construct.name") or changes.get("construct") or run.resolved["construct"]["name"]
    given = changes.get("interventions", run.resolved.get("interventions") or [])
    care = changes.get("care", run.resolved.get("care") or [])
    ways = [_way(entry) for entry in given] + (["G-CSF"] if "g-csf" in care else [])
    name = target["name"] if isinstance(target, Mapping) else target
    return str(name), ", ".join(ways) or NONE


def _way(entry: Mapping[str, Any]) -> str:
    text = str(entry["name"]).replace("-", " ")
    if entry.get("edited_fraction"):
        text = f"{percent(entry['edited_fraction'])} edited {text}"
    if entry.get("day") is not None:
        text += f", day {entry['day']:g}"
    return text + (" if aplastic" if entry.get("if_aplastic") else "")


def _point(
    label: str, target: str, colour: str, symbol: str, up: Mapping[str, float], right: Mapping[str, float]
) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers+text",
        "legendgroup": target,
        "name": label,
        "x": [right["estimate"]],
        "y": [up["estimate"]],
        "text": [label],
        "textposition": "top right",
        "textfont": {"size": 11, "color": INK},
        "marker": {"color": colour, "symbol": symbol, "size": 12, "line": {"color": "#ffffff", "width": 1}},
        "error_x": _error(right, colour),
        "error_y": _error(up, colour),
        "hovertemplate": f"{label}<br>response {with_interval(up, 'fraction')}<br>"
        f"days {with_interval(right, 'days')}<extra></extra>",
    }


def _error(entry: Mapping[str, Any], colour: str) -> dict[str, Any]:
    high = entry["estimate"] if entry["hi"] is None else entry["hi"]
    low = entry["estimate"] if entry["lo"] is None else entry["lo"]
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - entry["estimate"]],
        "arrayminus": [entry["estimate"] - low],
        "color": colour,
        "thickness": 1.2,
        "width": 0,
    }


def _row(run: Run, arm: str, target: str, way: str, response: str) -> dict[str, Any]:
    row: dict[str, Any] = {"strategy": run.arm_label(arm), "target": target, "way_out": way}
    for name, column in ((response, "response"), (PRICE, "days"), *((name, name) for name in BESIDE)):
        entry = run.quantities.get(name, {}).get("by_arm", {}).get(arm, {})
        row |= {column: entry.get("estimate"), f"{column}_low": entry.get("lo"), f"{column}_high": entry.get("hi")}
        if name in (response, PRICE):
            change = entry.get("difference") or {}
            row |= {f"{column}_difference": change.get("estimate")}
            row |= {f"{column}_difference_low": change.get("lo"), f"{column}_difference_high": change.get("hi")}
    return row


FIGURE = Entry("tumour_board", "Response against days without neutrophils", CAPTION, build)
