"""Best response of leukaemia or lymphoma."""

from __future__ import annotations

import polars as pl

from carwright.clinic.leukaemia_response import CATEGORIES
from carwright.clinic.lymphoma_response import CATEGORIES as LYMPHOMA
from carwright.report.figure import Entry, Figure, Key, Panel, Trace
from carwright.report.groups import Group, grouped_patients, groups_of
from carwright.report.palette import INK
from carwright.report.run import Run
from carwright.report.statistics import share_interval
from carwright.report.wording import percent, wrapped

COLOURS = ("#e6ebf0", "#fbe0ad", "#f3a65a", "#8cc5e3", "#3d8fc4", "#0f5c8c")
"""From no response to complete remission: the darker the blue, the better."""

CAPTION = (
    "Share of infused patients by best response at the visits of months one to three: by ELN 2022 in AML, by ELN 2024 "
    "in ALL, by the number of cells as a proxy of the Lugano criteria in lymphoma. A patient who died before a visit "
    "did not respond at it. CRi is read as one count recovered; MLFS asks for a marrow that is not merely empty. The "
    "table gives each share of this category or a better one with its 90 % Wilson interval, which holds the chance of "
    "simulation only."
)


def build(run: Run) -> Figure:
    """Stacked bars, one a group."""
    lymphoma = "blast_fraction" not in run.disease.observables
    names = LYMPHOMA if lymphoma else CATEGORIES
    colours = (COLOURS[0], COLOURS[2], COLOURS[5]) if lymphoma else COLOURS
    groups, patients = groups_of(run), grouped_patients(run, ["response_category"])
    rows = []
    for group in groups:
        codes = patients.filter(pl.col("group") == group.name)["response_category"].drop_nulls()
        for code, name in enumerate(names):
            better = int((codes >= code).sum())
            low, high = share_interval(better, len(codes))
            share = float((codes == code).sum()) / len(codes)
            rows.append((group.name, name, len(codes), share, better / len(codes), low, high))
    columns = ["group", "category", "patients", "share", "share_this_or_better", "low", "high"]
    table = pl.DataFrame(rows, schema=columns, orient="row")
    traces = [
        _bars(table.filter(pl.col("category") == name), name, colour, groups)
        for name, colour in reversed(list(zip(names, colours, strict=True)))
    ]
    best = table.filter(pl.col("category") == names[-1])
    return Figure(
        panels=[
            Panel(
                title="",
                alt=f"{names[-1]}: "
                + "; ".join(f"{g.label} {percent(s)}" for g, s in zip(groups, best["share"], strict=True)),
                traces=traces,
                layout={
                    "barmode": "stack",
                    "uniformtext": {"mode": "hide", "minsize": 10},
                    "bargap": 0.3,
                    "xaxis": {"tickformat": ".0%", "range": [0, 1]},
                    "yaxis": {
                        "type": "category",
                        "categoryarray": [wrapped(group.label, 26) for group in reversed(groups)],
                        "showgrid": False,
                    },
                },
                height=90 + 40 * len(groups),
            )
        ],
        table=table,
        headings={"share_this_or_better": "this category or better"},
        legend=[Key(name, name, colour, "bar") for name, colour in reversed(list(zip(names, colours, strict=True)))],
    )


def _bars(part: pl.DataFrame, name: str, colour: str, groups: list[Group]) -> Trace:
    labels = {group.name: wrapped(group.label, 26) for group in groups}
    return {
        "type": "bar",
        "orientation": "h",
        "legendgroup": name,
        "y": [labels[group] for group in part["group"]],
        "x": part["share"].to_list(),
        "marker": {"color": colour, "line": {"color": "#ffffff", "width": 1}},
        "text": [percent(share) if share >= 0.05 else "" for share in part["share"]],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": "#ffffff" if colour in COLOURS[4:] else INK, "size": 11},
        "hovertemplate": f"%{{y}}<br>{name}: %{{x:.1%}}<extra></extra>",
    }


FIGURE = Entry("remission", "Best response", CAPTION, build)
