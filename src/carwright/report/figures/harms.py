"""Other harms and the care given, by node."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel
from carwright.report.palette import node_colours, node_symbols
from carwright.report.run import Run
from carwright.report.statistics import share_interval
from carwright.report.traces import dots, share_axis
from carwright.report.wording import percent, wrapped

HARMS = (
    ("hlh_mas", "HLH/MAS"),
    ("sepsis", "sepsis"),
    ("crs_death", "death from CRS"),
    ("dlt", "DLT by the study's rule"),
)
CARE = (
    ("tocilizumab_doses", "tocilizumab"),
    ("corticosteroid_doses", "corticosteroid"),
    ("anakinra_doses", "anakinra"),
)
BLOOD_HARMS = (("death_infection", "death from infection"), ("aplasia_day60", "aplasia on day 60"))
"""Harms that are read in diseases of the blood only."""

CAPTION = (
    "Share of virtual patients at each node with the event, or given at least one dose; bars are 90 % Wilson "
    "intervals for the chance of simulation. HLH/MAS is judged by ferritin, apart from the CRS grade. Care reacts "
    "inside the simulation to the patient's signs by fixed rules; by default it does not slow the expansion of "
    "the cells (assumed)."
)


def _groups(run: Run) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    own = tuple(harm for harm in BLOOD_HARMS if harm[0] in run.disease.panel.flags)
    return ("Harms besides grades", (*HARMS, *own)), ("Care given", CARE)


def build(run: Run) -> Figure:
    """Dots with intervals, one panel for harms and one for care."""
    table = pl.DataFrame(
        list(_rows(run)), schema=["group", "event", "node", "patients", "share", "low", "high"], orient="row"
    )
    colours, symbols = node_colours(run.node_names), node_symbols(run.node_names)
    panels = []
    for title, events in _groups(run):
        names = [name for _, name in reversed(events)]
        spread = 0.64 / max(1, len(run.nodes))
        traces = []
        for place, node in enumerate(run.nodes):
            rows = table.filter((pl.col("group") == title) & (pl.col("node") == node.name)).to_dicts()
            shift = ((len(run.nodes) - 1) / 2 - place) * spread
            traces.append(
                dots(
                    [row["share"] for row in rows],
                    [row["low"] for row in rows],
                    [row["high"] for row in rows],
                    [names.index(row["event"]) + shift for row in rows],
                    group=node.name,
                    label=node.label,
                    colour=colours[node.name],
                    symbol=symbols[node.name],
                    hover=[
                        f"{node.label}, {row['event']}<br>{percent(row['share'])} "
                        f"({percent(row['low'])} to {percent(row['high'])})"
                        for row in rows
                    ],
                )
            )
        panels.append(
            Panel(
                title=title,
                alt=f"{title}: "
                + "; ".join(
                    f"{row['event']} at node {row['node']} {percent(row['share'])}"
                    for row in table.filter(pl.col("group") == title).to_dicts()
                ),
                traces=traces,
                layout={
                    "xaxis": share_axis(float(table.filter(pl.col("group") == title)["high"].to_numpy().max())),
                    "yaxis": {
                        "tickvals": list(range(len(names))),
                        "ticktext": [wrapped(name, 14) for name in names],
                        "range": [-0.55, len(names) - 0.45],
                        "showgrid": False,
                        "zeroline": False,
                    },
                },
                height=80 + 62 * len(names),
            )
        )
    return Figure(
        panels=panels,
        table=table,
        headings={"patients": "patients with the event"},
        legend=[Key(node.name, node.label, colours[node.name], symbols[node.name]) for node in run.nodes],
        panel_width=340,
    )


def _rows(run: Run) -> Iterator[tuple[str, str, str, int, float, float, float]]:
    groups = _groups(run)
    infused = run.infused([column for _, events in groups for column, _ in events])
    for title, events in groups:
        for column, name in events:
            for node in run.nodes:
                values = infused.filter(pl.col("node") == node.name)[column]
                if values.is_empty():
                    continue
                count = int((values.cast(pl.Float64) > 0).sum())
                yield title, name, node.name, count, count / len(values), *share_interval(count, len(values))


FIGURE = Entry("harms", "HLH/MAS, sepsis, deaths and care", CAPTION, build)
