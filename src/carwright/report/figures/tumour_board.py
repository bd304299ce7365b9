"""The choice in one picture: response against days without neutrophils, for every target and way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from carwright.construct import load_construct
from carwright.report.figure import Entry, Figure, Key, Panel, Trace
from carwright.report.palette import INK, MUTED, distinct_colours, translucent
from carwright.report.run import STUDY_ARM, Run, Unavailable
from carwright.report.traces import dots, share_axis
from carwright.report.wording import is_share, percent, with_interval, wrapped

PRICE = "anc_below_500_days"
HARMS = ("aplasia_day60", "death_infection")
"""Quantities with a panel of their own, beside response and days."""

BESIDE = ("relapse", "mrd_negative", "crs_grade_ge3")
"""Quantities that the table shows besides."""

NONE = "no way out"
APART = 0.055
"""Least distance of two numbers that stand beside each other, as a share of the height of the plot."""

CAPTION = (
    "First panel: each numbered point is one strategy on the same virtual patients, how many respond (up) against how "
    "many days the median patient has no neutrophils (right), with 90 % intervals over plausible populations. Colour "
    "is the target or gate, the sign is the way out. Up and to the left is better. The other panels show the same "
    "numbers and two harms strategy by strategy. Intervals of two strategies overlap because they share the "
    "uncertainty of the population; the paired differences from the study's own arm, which do not, are in the table. "
    "The model decides by assumptions; it is no advice for a patient."
)


@dataclass(frozen=True)
class Strategy:
    """One arm: its number and label, its target and its way out, and how they are drawn."""

    arm: str
    number: int
    label: str
    target: str
    way: str
    colour: str
    symbol: str


def build(run: Run) -> Figure:
    """One panel of points, and one of rows for each axis and harm."""
    response = run.disease.headlines[0]
    if PRICE not in run.quantities or not run.comparators:
        message = "the study compares no strategies"
        raise Unavailable(message)
    strategies = _strategies(run)
    rows = [_row(run, strategy, response) for strategy in strategies]
    return Figure(
        panels=[
            _scatter(run, strategies, response),
            *(_rows_panel(run, strategies, name) for name in (response, PRICE, *HARMS)),
        ],
        table=pl.DataFrame(rows, infer_schema_length=None),
        headings={"response": run.quantities[response]["label"], "days": "days without neutrophils"},
        legend=[Key(s.arm, f"{s.number} {s.label}", s.colour, _SHAPES[s.symbol]) for s in strategies],
        panel_width=440,
    )


_SHAPES = {"circle": "circle", "square": "square", "diamond": "diamond", "triangle-up": "triangle-up"}
_SHAPES |= {"x": "cross", "star": "star", "triangle-down": "triangle-down", "pentagon": "pentagon"}
"""Sign of plotly -> the same sign in the legend; one for each way out."""


def _strategies(run: Run) -> list[Strategy]:
    told = {arm: _told(run, arm) for arm in run.arms}
    colours = distinct_colours([target for target, _ in told.values()])
    ways = list(dict.fromkeys(way for _, way in told.values()))
    symbols = {way: list(_SHAPES)[index % len(_SHAPES)] for index, way in enumerate(ways)}
    return [
        Strategy(arm, number, run.arm_label(arm), target, way, colours[target], symbols[way])
        for number, (arm, (target, way)) in enumerate(told.items(), start=1)
    ]


def _told(run: Run, arm: str) -> tuple[str, str]:
    """Gate and way out of an arm, in words."""
    changes: Mapping[str, Any] = {}
    if arm != STUDY_ARM:
        changes = next(found["set"] for found in run.resolved["comparators"] if found["name"] == arm)
    whole = changes.get("construct", {})
    own = {**run.resolved["construct"], **(whole if isinstance(whole, Mapping) else {"name": whole})}
    own |= {key.removeprefix("construct."): value for key, value in changes.items() if key.startswith("construct.")}
    brought = {entry["name"]: entry["gate"] for entry in run.resolved.get("constructs") or []}
    gate = own.get("gate") or brought.get(own["name"]) or load_construct(own["name"]).gate
    given = changes.get("interventions", run.resolved.get("interventions") or [])
    care = changes.get("care", run.resolved.get("care") or [])
    ways = [_way(entry) for entry in given] + (["G-CSF"] if "g-csf" in care else [])
    if "mrna" in own["name"]:
        ways.append("messenger RNA")
    return str(gate), ", ".join(ways) or NONE


def _way(entry: Mapping[str, Any]) -> str:
    text = str(entry["name"]).replace("-", " ")
    if entry.get("edited_fraction"):
        text = f"{percent(entry['edited_fraction'])} edited {text}"
    if entry.get("until_day") is not None:
        return f"{text}, days {entry['day']:g} to {entry['until_day']:g}"
    if entry.get("day") is not None:
        text += f", day {entry['day']:g}"
    return text + (" if aplastic" if entry.get("if_aplastic") else "")


def _entry(run: Run, name: str, arm: str) -> dict[str, Any]:
    return dict(run.quantities.get(name, {}).get("by_arm", {}).get(arm, {}))


def _scatter(run: Run, strategies: Sequence[Strategy], response: str) -> Panel:
    label = run.quantities[response]["label"]
    points = [(s, _entry(run, response, s.arm), _entry(run, PRICE, s.arm)) for s in strategies]
    points = [point for point in points if point[1]["estimate"] is not None and point[2]["estimate"] is not None]
    furthest = max([right["hi"] or right["estimate"] for _, _, right in points] + [10.0])
    return Panel(
        title="Response against days without neutrophils",
        alt=f"{label} against days without neutrophils: "
        + "; ".join(f"{s.label} {percent(up['estimate'])}, {right['estimate']:.0f} days" for s, up, right in points),
        traces=[_point(s, up, right) for s, up, right in points],
        layout={
            "xaxis": {
                "title": {"text": "days below 500 per µL, median"},
                "range": [-0.04 * furthest, 1.04 * furthest],
            },
            "yaxis": {"title": {"text": wrapped(label, 40)}, "tickformat": ".0%", "range": [-0.03, 1.03]},
            "annotations": _numbers(points, furthest),
            "hovermode": "closest",
        },
        height=440,
    )


def _numbers(points: Sequence[tuple[Strategy, Any, Any]], furthest: float) -> list[dict[str, Any]]:
    """The strategies' numbers beside their points, moved apart where points crowd, with a line to each."""
    placed: list[tuple[float, float]] = []
    found = []
    for strategy, up, right in sorted(points, key=lambda point: -point[1]["estimate"]):
        x, y = right["estimate"], up["estimate"]
        near = [height for place, height in placed if abs(place - x) < 0.1 * furthest]
        height = min([y, *(other - APART for other in near)])
        placed.append((x, height))
        found.append(
            {
                "x": x,
                "y": y,
                "ax": 26,
                "ay": round((y - height) * 340),
                "text": str(strategy.number),
                "font": {"size": 12, "color": INK},
                "bgcolor": "rgba(255,255,255,0.8)",
                "borderpad": 1,
                "arrowhead": 0,
                "arrowwidth": 1,
                "arrowcolor": MUTED,
                "standoff": 6,
            }
        )
    return found


def _point(strategy: Strategy, up: Mapping[str, Any], right: Mapping[str, Any]) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "legendgroup": strategy.arm,
        "name": strategy.label,
        "x": [right["estimate"]],
        "y": [up["estimate"]],
        "marker": {
            "color": strategy.colour,
            "symbol": strategy.symbol,
            "size": 12,
            "line": {"color": "#ffffff", "width": 1},
        },
        "error_x": _error(right, strategy.colour),
        "error_y": _error(up, strategy.colour),
        "hovertemplate": f"{strategy.number} {strategy.label}<br>response {with_interval(up, 'fraction')}<br>"
        f"days {with_interval(right, 'days')}<extra></extra>",
    }


def _error(entry: Mapping[str, Any], colour: str) -> dict[str, Any]:
    low, high = (entry["estimate"] if entry[end] is None else entry[end] for end in ("lo", "hi"))
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - entry["estimate"]],
        "arrayminus": [entry["estimate"] - low],
        "color": translucent(colour, 0.35),
        "thickness": 1.2,
        "width": 0,
    }


def _rows_panel(run: Run, strategies: Sequence[Strategy], name: str) -> Panel:
    quantity = run.quantities[name]
    found = [(s, _entry(run, name, s.arm)) for s in strategies]
    found = [(s, entry) for s, entry in found if None not in (entry["estimate"], entry["lo"], entry["hi"])]
    place = {s.arm: len(strategies) - s.number for s in strategies}
    share = is_share(quantity["unit"])
    highest = max([entry["hi"] for _, entry in found] + [0.0])
    return Panel(
        title=quantity["label"],
        alt="; ".join(f"{s.number} {s.label}: {with_interval(entry, quantity['unit'])}" for s, entry in found),
        traces=[
            dots(
                [entry["estimate"]],
                [entry["lo"]],
                [entry["hi"]],
                [place[s.arm]],
                group=s.arm,
                label=s.label,
                colour=s.colour,
                symbol=s.symbol,
                hover=[f"{s.number} {s.label}<br>{with_interval(entry, quantity['unit'])}"],
            )
            for s, entry in found
        ],
        layout={
            "xaxis": share_axis(highest) if share else {"range": [-0.04 * highest, 1.04 * max(highest, 1.0)]},
            "yaxis": {
                "tickvals": [place[s.arm] for s in strategies],
                "ticktext": [wrapped(f"{s.number} {s.label}", 24) for s in strategies],
                "range": [-0.6, len(strategies) - 0.4],
                "showgrid": False,
                "zeroline": False,
            },
        },
        height=70 + 34 * len(strategies),
    )


def _row(run: Run, strategy: Strategy, response: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "number": strategy.number,
        "strategy": strategy.label,
        "target": strategy.target,
        "way_out": strategy.way,
    }
    named = {response: "response", PRICE: "days", **{name: name for name in (*HARMS, *BESIDE)}}
    for name, column in named.items():
        entry = _entry(run, name, strategy.arm)
        change = entry.get("difference") or {}
        row |= {column: entry.get("estimate"), f"{column}_low": entry.get("lo"), f"{column}_high": entry.get("hi")}
        row |= {f"{column}_difference": change.get("estimate")}
        row |= {f"{column}_difference_low": change.get("lo"), f"{column}_difference_high": change.get("hi")}
    return row


FIGURE = Entry("tumour_board", "Response against days without neutrophils", CAPTION, build)
