"""Plotly traces that several figures draw: bands, dots with intervals, threshold lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from carwright.report.figure import Trace
from carwright.report.palette import MUTED, THRESHOLD, translucent
from carwright.report.wording import power_of_ten


def line(
    x: Sequence[Any], y: Sequence[Any], *, group: str, colour: str, label: str, dash: str = "solid", width: float = 2
) -> Trace:
    """A line whose hover text names it."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "legendgroup": group,
        "name": label,
        "line": {"color": colour, "width": width, "dash": dash},
        "hovertemplate": f"{label}<br>day %{{x}}: %{{y}}<extra></extra>",
    }


def band(
    x: Sequence[Any], low: Sequence[Any], high: Sequence[Any], *, group: str, colour: str, opacity: float
) -> list[Trace]:
    """The area between two curves."""
    shared: Trace = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "legendgroup": group,
        "line": {"width": 0, "color": colour},
        "hoverinfo": "skip",
    }
    return [
        {**shared, "y": low},
        {**shared, "y": high, "fill": "tonexty", "fillcolor": translucent(colour, opacity)},
    ]


def dots(
    estimates: Sequence[float],
    lows: Sequence[float],
    highs: Sequence[float],
    places: Sequence[Any],
    *,
    group: str,
    label: str,
    colour: str,
    symbol: str = "circle",
    hover: Sequence[str],
) -> Trace:
    """Estimates along x with their intervals as bars, one row each."""
    return {
        "type": "scatter",
        "mode": "markers",
        "x": estimates,
        "y": places,
        "legendgroup": group,
        "name": label,
        "marker": {"color": colour, "symbol": symbol, "size": 10, "line": {"color": "#ffffff", "width": 1}},
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - estimate for high, estimate in zip(highs, estimates, strict=True)],
            "arrayminus": [estimate - low for low, estimate in zip(lows, estimates, strict=True)],
            "color": colour,
            "thickness": 2,
            "width": 0,
        },
        "text": hover,
        "hovertemplate": "%{text}<extra></extra>",
    }


def level_line(value: float, text: str = "", *, axis: str = "y", colour: str = THRESHOLD) -> dict[str, Any]:
    """A dashed line across the plot at a threshold, named inside the plot; a plotly shape.

    The text is bound to the shape: on a logarithmic axis plotly places annotations by logarithm, shapes by value.
    """
    other = "x" if axis == "y" else "y"
    return {
        "type": "line",
        f"{axis}0": value,
        f"{axis}1": value,
        f"{other}0": 0,
        f"{other}1": 1,
        f"{other}ref": "paper",
        "line": {"color": colour, "width": 1.2, "dash": "dash"},
        "label": {
            "text": text,
            "textposition": "end" if axis == "y" else "start",
            "textangle": 0,
            "font": {"size": 11, "color": colour},
            "yanchor": "bottom" if axis == "y" else "top",
            "xanchor": "right" if axis == "y" else "left",
        },
    }


def zero_line() -> dict[str, Any]:
    """A vertical line at no difference."""
    return {
        "type": "line",
        "x0": 0,
        "x1": 0,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "layer": "below",
        "line": {"color": MUTED, "width": 1},
    }


def log_axis(low: float, high: float) -> dict[str, Any]:
    """A logarithmic axis from `low` to `high`, labelled at powers of ten in the size of the other axes' labels."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    step = 1 if last - first < 7 else 2
    exponents = range(first, last + 1, step)
    return {
        "type": "log",
        "range": [math.log10(low), math.log10(high)],
        "tickvals": [10.0**exponent for exponent in exponents],
        "ticktext": [power_of_ten(exponent) for exponent in exponents],
    }


def share_axis(highest: float) -> dict[str, Any]:
    """An axis of shares from a little below zero, so that a dot at zero stays whole, to a little above the highest."""
    top = min(1.0, max(highest, 0.01))
    return {"tickformat": ".0%" if top > 0.04 else ".1%", "range": [-0.03 * top, 1.04 * top], "zeroline": True}


PSA_AXIS: dict[str, Any] = {
    "range": [-1.05, 1.05],
    "tickvals": [-1, -0.5, -0.3, 0, 0.5, 1],
    "ticktext": ["−100 %", "−50 %", "−30 %", "0", "+50 %", "+100 %"],
}
"""Change from baseline, with the two response lines named on the axis."""
