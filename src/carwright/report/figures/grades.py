"""CRS and ICANS grades by node."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel, Trace
from carwright.report.palette import GRADES, INK
from carwright.report.run import Run
from carwright.report.statistics import share_interval
from carwright.report.wording import percent

SCALES = (("crs_grade", "Cytokine release syndrome (CRS)", 5), ("icans_grade", "Neurotoxicity (ICANS)", 4))
"""Column, title, highest grade."""

CAPTION = (
    "Share of virtual patients by worst grade (ASTCT 2019), every patient treated at every node. The table gives "
    "each share of this grade or higher with its interval, which holds the chance of simulation only (90 %, "
    "Wilson); the uncertainty of the population is in the table of all quantities. How signs follow from "
    "cytokines is assumed."
)


def build(run: Run) -> Figure:
    """Stacked shares, one bar a node."""
    table = pl.DataFrame(
        list(_rows(run)),
        schema=["scale", "node", "grade", "patients", "share", "share_this_or_higher", "low", "high"],
        orient="row",
    )
    panels = []
    for column, title, _ in SCALES:
        rows = table.filter(pl.col("scale") == column)
        panels.append(
            Panel(
                title=title,
                alt="; ".join(
                    f"{node.label}: grade 3 or higher in {percent(_at_least(rows, node.name, 3))}" for node in run.nodes
                ),
                traces=[_bars(rows, grade, run) for grade in rows["grade"].unique().sort().to_list()],
                layout={
                    "barmode": "stack",
                    "uniformtext": {"mode": "hide", "minsize": 10},
                    "bargap": 0.35,
                    "xaxis": {"tickformat": ".0%", "range": [0, 1]},
                    "yaxis": {
                        "type": "category",
                        "categoryarray": [node.label for node in reversed(run.nodes)],
                        "showgrid": False,
                    },
                },
                height=80 + 46 * len(run.nodes),
            )
        )
    return Figure(
        panels=panels,
        table=table,
        headings={"share_this_or_higher": "this grade or higher", "low": "low", "high": "high"},
        legend=[Key(f"grade{grade}", f"grade {grade}", colour, "bar") for grade, colour in enumerate(GRADES)],
        panel_width=340,
    )


def _rows(run: Run) -> Iterator[tuple[str, str, int, int, float, float, float, float]]:
    infused = run.infused([column for column, *_ in SCALES])
    for column, _, highest in SCALES:
        for node in run.nodes:
            values = infused.filter(pl.col("node") == node.name)[column]
            if values.is_empty():
                continue
            for grade in range(highest + 1):
                reached = int((values >= grade).sum())
                exactly = int((values == grade).sum())
                low, high = share_interval(reached, len(values))
                yield column, node.name, grade, exactly, exactly / len(values), reached / len(values), low, high


def _at_least(rows: pl.DataFrame, node: str, grade: int) -> float | None:
    found = rows.filter((pl.col("node") == node) & (pl.col("grade") == grade))["share_this_or_higher"]
    return float(found[0]) if len(found) else None


def _bars(rows: pl.DataFrame, grade: int, run: Run) -> Trace:
    part = rows.filter(pl.col("grade") == grade)
    labels = {node.name: node.label for node in run.nodes}
    return {
        "type": "bar",
        "orientation": "h",
        "legendgroup": f"grade{grade}",
        "y": [labels[name] for name in part["node"]],
        "x": part["share"].to_list(),
        "marker": {"color": GRADES[grade], "line": {"color": "#ffffff", "width": 1}},
        "text": [percent(share) if share >= 0.05 else "" for share in part["share"]],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "textfont": {"color": INK if grade < 3 else "#ffffff", "size": 11},
        "customdata": [
            f"{percent(higher)} ({percent(low)} to {percent(high)})"
            for higher, low, high in part.select("share_this_or_higher", "low", "high").iter_rows()
        ],
        "hovertemplate": f"%{{y}}<br>grade {grade}: %{{x:.1%}}<br>this or higher: %{{customdata}}<extra></extra>",
    }


FIGURE = Entry("grades", "CRS and ICANS by node", CAPTION, build)
