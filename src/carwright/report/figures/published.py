"""Published counts against the simulated trial."""

from __future__ import annotations

from typing import Any

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel, Trace
from carwright.report.palette import PUBLISHED, STUDY, translucent
from carwright.report.published import Comparison, comparisons
from carwright.report.run import Run, Unavailable
from carwright.report.traces import dots
from carwright.report.wording import is_share, percent, span, wrapped

CAPTION = (
    "Each row is one published figure of the real trial. The pale bar is the 90 % predictive interval: where nine "
    "in ten single simulated trials lie. The dot and thin line are the simulated rate and its interval. A filled "
    "diamond is a published figure inside the predictive interval, an open one lies outside. A small trial gives "
    "a wide bar: lying inside shows that the simulation is not contradicted, not that it is right."
)


def build(run: Run) -> Figure:
    """Forest of the shares that were also published; figures in other units are in the table."""
    rows = comparisons(run)
    if not rows:
        message = "the study names no published figures"
        raise Unavailable(message)
    shares = [row for row in reversed(rows) if is_share(row.unit)]
    if not shares:
        message = "none of the published figures is a share; see the table"
        raise Unavailable(message)
    labels = [wrapped(row.label, 22) for row in shares]
    return Figure(
        panels=[
            Panel(
                title="",
                alt="; ".join(
                    f"{row.label}: simulated {percent(row.estimate)}, published {row.published_text}" for row in rows
                ),
                traces=_traces(shares, labels),
                layout={
                    "xaxis": {"title": {"text": "share of patients"}, "tickformat": ".0%", "range": [-0.02, 1.02]},
                    "yaxis": {"type": "category", "categoryarray": labels, "showgrid": False},
                },
                height=90 + 44 * len(shares),
            )
        ],
        table=_table(rows),
        legend=[
            Key("predictive", "90 % predictive interval of one trial", translucent(STUDY, 0.25), "bar"),
            Key("simulated", "simulated rate and its interval", STUDY, "circle"),
            Key("published", "published, inside", PUBLISHED, "diamond"),
            Key("outside", "published, outside", PUBLISHED, "open-diamond"),
        ],
    )


def _traces(rows: list[Comparison], labels: list[str]) -> list[Trace]:
    predictive = [(label, row.predictive) for label, row in zip(labels, rows, strict=True) if row.predictive]
    hover = [
        f"{row.label}<br>simulated {percent(row.estimate)} ({span(row.interval, row.unit)})"
        f"<br>one trial: {span(row.predictive, row.unit)}<br>published: {row.published_text}"
        for row in rows
    ]
    traces: list[Trace] = [
        {
            "type": "bar",
            "orientation": "h",
            "legendgroup": "predictive",
            "y": [label for label, _ in predictive],
            "base": [interval["lo"] for _, interval in predictive],
            "x": [interval["hi"] - interval["lo"] for _, interval in predictive],
            "width": 0.5,
            "marker": {"color": translucent(STUDY, 0.25)},
            "hoverinfo": "skip",
        },
        dots(
            [row.estimate for row in rows],
            [row.interval["lo"] for row in rows],
            [row.interval["hi"] for row in rows],
            labels,
            group="simulated",
            label="simulated",
            colour=STUDY,
            hover=hover,
        ),
    ]
    for group, symbol, wanted in (("published", "diamond", True), ("outside", "diamond-open", False)):
        chosen = [index for index, row in enumerate(rows) if row.covered is wanted]
        if chosen:
            traces.append(
                _diamonds(
                    group,
                    symbol,
                    [rows[i].published for i in chosen],
                    [labels[i] for i in chosen],
                    [hover[i] for i in chosen],
                )
            )
    return traces


def _diamonds(group: str, symbol: str, x: list[float], y: list[str], hover: list[str]) -> Trace:
    marker: dict[str, Any] = {
        "symbol": symbol,
        "size": 13,
        "color": PUBLISHED,
        "line": {"width": 2, "color": PUBLISHED},
    }
    return {
        "type": "scatter",
        "mode": "markers",
        "legendgroup": group,
        "x": x,
        "y": y,
        "marker": marker,
        "text": hover,
        "hovertemplate": "%{text}<extra></extra>",
    }


def _table(rows: list[Comparison]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "quantity": [row.label for row in rows],
            "unit": [row.unit for row in rows],
            "simulated": [row.estimate for row in rows],
            "interval_low": [row.interval["lo"] for row in rows],
            "interval_high": [row.interval["hi"] for row in rows],
            "predictive_low": [row.predictive["lo"] if row.predictive else None for row in rows],
            "predictive_high": [row.predictive["hi"] if row.predictive else None for row in rows],
            "published": [row.published for row in rows],
            "published_as": [row.published_text for row in rows],
            "inside": [row.verdict for row in rows],
            "source": [row.source for row in rows],
        }
    )


FIGURE = Entry("published", "Published against simulated", CAPTION, build)
