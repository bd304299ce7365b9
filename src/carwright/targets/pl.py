"""Plots of a result: Pareto front, dot plot, truth table, patients, stability. Each returns a plotly figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carwright.errors import CarwrightError, Problem
from carwright.targets.evaluate.analysis import Analysis
from carwright.targets.evaluate.tables import Row
from carwright.yamlfile import nearest

Traces = list[dict[str, Any]]
Drawing = tuple[Traces, dict[str, Any]]
"""Plotly traces and layout as plain dictionaries."""

COLOURS = {"safe": "#009e73", "unsafe": "#c0392b", "unresolved": "#e69f00", "not represented": "#b8c2cc"}
"""By verdict; the order of brightness survives without colour, and `SYMBOLS` say the same."""
SYMBOLS = {"safe": "circle", "unsafe": "x", "unresolved": "diamond", "not represented": "circle-open"}
LINE, INK = "#5b6876", "#1d2733"


def pareto_drawing(gates: Sequence[Row]) -> Drawing:
    """Coverage floor against the largest share of the worst class that may be killed, with the gates no other beats."""
    traces: Traces = []
    widest = max((row["worst_upper"] or 0.0 for row in gates), default=0.0)
    for verdict, colour in COLOURS.items():
        rows = [row for row in gates if row["verdict"] == verdict and row["worst_upper"] is not None]
        if not rows:
            continue
        traces.append(
            {
                "type": "scatter", "mode": "markers+text", "legendgroup": verdict, "name": verdict,
                "x": [100 * row["worst_upper"] for row in rows],
                "y": [100 * (row["coverage_floor"] or 0.0) for row in rows],
                "text": _labels(rows, widest), "textposition": "top center",
                "customdata": [[row["gate"], row["worst_class"]] for row in rows],
                "hovertemplate": "%{customdata[0]}<br>coverage floor %{y:.0f} %<br>"
                "%{customdata[1]} at most %{x:.2g} %<extra></extra>",
                "marker": {"color": colour, "symbol": SYMBOLS[verdict], "size": 11},
            }
        )  # fmt: skip
    front = front_of(gates)
    if len(front) > 1:
        traces.insert(
            0,
            {
                "type": "scatter", "mode": "lines", "hoverinfo": "skip", "name": "front",
                "x": [100 * row["worst_upper"] for row in front], "y": [100 * row["coverage_floor"] for row in front],
                "line": {"color": LINE, "width": 1.5, "dash": "dot", "shape": "hv"},
            },
        )  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "worst class killed, at most (%)"}, "rangemode": "tozero"},
        "yaxis": {"title": {"text": "coverage floor (%)"}, "range": [0, 105]},
    }
    return traces, layout


def _labels(rows: Sequence[Row], widest: float) -> list[str]:
    """Ranks beside the points; of points that nearly lie on one another, all ranks stand at the first."""
    labels, held = [""] * len(rows), list[tuple[int, float, float]]()
    for i, row in enumerate(rows):
        x, y = row["worst_upper"], row["coverage_floor"] or 0.0
        near = next((j for j, u, v in held if abs(u - x) < 0.02 * widest and abs(v - y) < 0.03), None)
        if near is None:
            held.append((i, x, y))
            labels[i] = str(row["rank"])
        else:
            labels[near] += f", {row['rank']}"
    return labels


def front_of(gates: Sequence[Row]) -> list[Row]:
    """Gates that no other beats in both coverage and burden, from the least burden up."""
    best, front = -1.0, []
    usable = [row for row in gates if row["worst_upper"] is not None and row["coverage_floor"] is not None]
    for row in sorted(usable, key=lambda row: (row["worst_upper"], -row["coverage_floor"])):
        if row["coverage_floor"] > best:
            best = row["coverage_floor"]
            front.append(row)
    return front


def dotplot_drawing(gates: Sequence[Row], verdicts: Sequence[Row]) -> Drawing:
    """Gate against class: size is the share seen killed, colour and sign the verdict, a ring the worst class."""
    shown = [row["gate"] for row in gates]
    worst = {(row["gate"], row["worst_class"]) for row in gates}
    traces: Traces = []
    for verdict, colour in COLOURS.items():
        rows = [row for row in verdicts if row["verdict"] == verdict and row["gate"] in set(shown)]
        if not rows:
            continue
        traces.append(
            {
                "type": "scatter", "mode": "markers", "legendgroup": verdict, "name": verdict,
                "x": [row["class"] for row in rows], "y": [label(row["gate"]) for row in rows],
                "customdata": [[row["reason"]] for row in rows],
                "hovertemplate": "%{y}<br>%{x}: " + verdict + "<br>%{customdata[0]}<extra></extra>",
                "marker": {
                    "color": colour, "symbol": SYMBOLS[verdict],
                    "size": [7.0 + 17.0 * (row["fraction"] or 0.0) ** 0.5 for row in rows],
                    "line": {
                        "color": INK,
                        "width": [2.5 if (row["gate"], row["class"]) in worst else 0 for row in rows],
                    },
                },
            }
        )  # fmt: skip
    layout = {
        "xaxis": {
            "tickangle": -50,
            "dtick": 1,
            "nticks": 99,
            "tickfont": {"size": 10},
            "categoryorder": "array",
            "categoryarray": _in_order(verdicts, "class"),
        },
        "yaxis": {"categoryorder": "array", "categoryarray": [label(gate) for gate in shown[::-1]]},
    }
    return traces, layout


def patients_drawing(patients: Sequence[Row], gates: Sequence[str]) -> Drawing:
    """One strip of patients per gate, with the interval of each patient's coverage on hovering."""
    traces: Traces = []
    for gate in gates:
        rows = [row for row in patients if row["gate"] == gate]
        traces.append(
            {
                "type": "scatter", "mode": "markers", "name": gate, "x": [100 * row["coverage"] for row in rows],
                "y": [label(gate)] * len(rows),
                "customdata": [
                    [row["patient"], 100 * row["lower"], 100 * row["upper"], row["cells"]] for row in rows
                ],
                "hovertemplate": "%{customdata[0]}: %{x:.0f} % (%{customdata[1]:.0f} to %{customdata[2]:.0f}) of "
                "%{customdata[3]} cells<extra></extra>",
                "marker": {"symbol": "line-ns", "size": 14, "line": {"width": 2, "color": "#0f5c8c"}},
            }
        )  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "malignant cells killed (% of each patient's)"}, "range": [-2, 102]},
        "yaxis": {"categoryorder": "array", "categoryarray": [label(gate) for gate in gates[::-1]]},
    }
    return traces, layout


def coverage_drawing(patients: Sequence[Row]) -> Drawing:
    """Coverage of each patient by one gate, lowest at the bottom, with intervals and without doublets."""
    rows = sorted(patients, key=lambda row: (row["coverage"], row["patient"]))
    names = [row["patient"] for row in rows]
    seen = {
        "type": "scatter", "mode": "markers", "name": "as seen", "x": [100 * row["coverage"] for row in rows],
        "y": names, "customdata": [row["cells"] for row in rows],
        "error_x": {
            "type": "data", "symmetric": False, "thickness": 1.5, "width": 3, "color": "#0f5c8c",
            "array": [100 * (row["upper"] - row["coverage"]) for row in rows],
            "arrayminus": [100 * (row["coverage"] - row["lower"]) for row in rows],
        },
        "hovertemplate": "%{y}: %{x:.0f} % of %{customdata} cells<extra></extra>",
        "marker": {"color": "#0f5c8c", "size": 8},
    }  # fmt: skip
    honest = {
        "type": "scatter", "mode": "markers", "name": "without doublets", "y": names,
        "x": [100 * row["without_doublets"] for row in rows],
        "hovertemplate": "%{y}: %{x:.0f} % without doublets<extra></extra>",
        "marker": {"symbol": "circle-open", "color": INK, "size": 8},
    }  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "malignant cells killed (%)"}, "range": [-2, 102]},
        "yaxis": {"categoryorder": "array", "categoryarray": names, "dtick": 1},
    }
    return [seen, honest], layout


def truth_drawing(patterns: Sequence[Row]) -> Drawing:
    """Share of cells by compartment and pattern of one gate's genes; patterns that the gate kills are marked."""
    compartments, signs = _in_order(patterns, "compartment"), _in_order(patterns, "pattern")
    kills = {row["pattern"]: row["killed"] for row in patterns}
    share = {(row["compartment"], row["pattern"]): 100 * row["share"] for row in patterns}
    values = [[share[compartment, sign] for sign in signs] for compartment in compartments]
    labels = [f"{sign} ✕" if kills[sign] else sign for sign in signs]
    trace = {
        "type": "heatmap", "x": labels, "y": compartments, "z": values, "zmin": 0, "zmax": 100,
        "text": [[f"{value:.0f}" if value >= 0.5 else f"{value:.1f}" for value in row] for row in values],
        "texttemplate": "%{text}", "showscale": False, "xgap": 2, "ygap": 2,
        "colorscale": [[0.0, "#f5f7f9"], [1.0, "#6aa6cf"]],
        "hovertemplate": "%{y}, %{x}: %{z:.2f} %<extra></extra>",
    }  # fmt: skip
    return [trace], {"yaxis": {"autorange": "reversed"}, "xaxis": {"side": "top", "tickangle": -30}}


def stability_drawing(sweep: Sequence[Row], gates: Sequence[str]) -> Drawing:
    """Rank of each gate as the threshold of positivity rises."""
    traces: Traces = []
    dashes = ("solid", "dash", "dot", "dashdot")
    colours = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
    for place, gate in enumerate(gates):
        rows = [row for row in sweep if row["gate"] == gate]
        traces.append(
            {
                "type": "scatter", "mode": "lines+markers+text", "name": gate,
                "x": [row["molecules"] for row in rows],
                "text": [*[""] * (len(rows) - 1), f" {place + 1}"], "textposition": "middle right",
                "y": [row["rank"] for row in rows], "customdata": [[gate, row["score"]] for row in rows],
                "hovertemplate": "%{customdata[0]}<br>rank %{y} at %{x} molecules or more<extra></extra>",
                "line": {"dash": dashes[place // len(colours) % len(dashes)], "color": colours[place % len(colours)]},
            }
        )  # fmt: skip
    layout = {
        "xaxis": {"title": {"text": "molecules from which a cell is positive"}, "dtick": 1},
        "yaxis": {"title": {"text": "rank"}, "autorange": "reversed", "dtick": max(1, len(gates) // 6)},
    }
    return traces, layout


def label(gate: str) -> str:
    """A gate's name on several lines, so that it leaves room for the plot on a narrow screen."""
    return gate.replace(" AND ", " AND<br>").replace(" OR ", " OR<br>") if len(gate) > 14 else gate


def _in_order(rows: Sequence[Row], key: str) -> list[str]:
    return list(dict.fromkeys(row[key] for row in rows))


def pareto(data: Any, *, key: str = "carwright_targets") -> Any:
    """Coverage floor against the worst class, one point per gate.

    Parameters
    ----------
    data
        An `Analysis`, or AnnData with results in ``uns``.
    key
        Where in ``uns`` the results are.
    """
    return _figure(pareto_drawing(_tables(data, key)["gates"]))


def dotplot(data: Any, *, key: str = "carwright_targets") -> Any:
    """Gates against classes; parameters as in `pareto`."""
    tables = _tables(data, key)
    return _figure(dotplot_drawing(tables["gates"], tables["verdicts"]))


def patients(data: Any, *, key: str = "carwright_targets") -> Any:
    """Coverage of every patient by gate; parameters as in `pareto`."""
    tables = _tables(data, key)
    return _figure(patients_drawing(tables["patients"], [row["gate"] for row in tables["gates"]]))


def truth_table(data: Any, gate: str, *, key: str = "carwright_targets") -> Any:
    """Patterns of one gate's genes by compartment; parameters as in `pareto`, and the gate as it is written.

    Raises
    ------
    CarwrightError
        If the result holds no such gate.
    """
    tables = _tables(data, key)
    names = [row["gate"] for row in tables["gates"]]
    if gate not in names:
        what, fix = "the result holds no such gate", nearest(gate, names)
        raise CarwrightError(Problem("TARGETS054", what, "gate", gate, "; ".join(names), fix))
    return _figure(truth_drawing([row for row in tables["patterns"] if row["gate"] == gate]))


def stability(data: Any, *, key: str = "carwright_targets") -> Any:
    """Ranks over thresholds; parameters as in `pareto`."""
    tables = _tables(data, key)
    return _figure(stability_drawing(tables["sweep"], [row["gate"] for row in tables["gates"]]))


def _tables(data: Any, key: str) -> Mapping[str, list[Row]]:
    if isinstance(data, Analysis):
        return data.tables
    from carwright.targets.get import TABLES, table

    return {name: table(data, name, key=key).to_dict("records") for name in TABLES}


def _figure(drawing: Drawing) -> Any:
    import plotly.graph_objects as go

    traces, layout = drawing
    return go.Figure(traces, {"template": "plotly_white", **layout})
