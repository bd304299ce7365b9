"""Time to the return of neutrophils, with death as a competing event."""

from __future__ import annotations

import numpy as np
import polars as pl

from carwright.report.figure import Entry, Figure, Panel
from carwright.report.groups import grouped_patients, groups_of
from carwright.report.run import Run
from carwright.report.statistics import share_interval
from carwright.report.traces import line

LAST_DAY = 120.0
EVENTS = (
    ("anc_recovery_day", "Neutrophils back above 500 per µL"),
    ("infection_death_day", "Death from infection in neutropenia"),
    ("death_day", "Death of any simulated cause"),
)

CAPTION = (
    "Share of all infused patients to whom it has happened by each day. Patients are followed to the end, so the "
    "share is the cumulative incidence, in which death competes with recovery: who dies in aplasia never recovers. "
    "Recovery is the first of three days in a row; patients whose neutrophils never fell count as recovered from the "
    "start. Death from leukaemia is not simulated. The table has the 90 % Wilson interval of the chance of "
    "simulation."
)


def build(run: Run) -> Figure:
    """One panel an event."""
    groups, last = groups_of(run), min(LAST_DAY, float(run.resolved["horizon_days"]))
    days = np.arange(0.0, last + 1.0, 2.0)
    patients = grouped_patients(run, ["anc_recovery_day", "death_day", "death_infection"]).with_columns(
        infection_death_day=pl.when(pl.col("death_infection")).then(pl.col("death_day"))
    )
    rows = [
        {"event": event, "group": group.name, "day": day, "patients": own.height, "share": known / own.height}
        | dict(zip(("low", "high"), share_interval(known, own.height), strict=True))
        for event, _ in EVENTS
        for group in groups
        for own in [patients.filter(pl.col("group") == group.name)]
        for day in days.tolist()
        for known in [int((own[event].fill_null(np.inf) <= day).sum())]
    ]
    table = pl.DataFrame(rows)
    panels = []
    for event, title in EVENTS:
        traces, told = [], []
        for group in groups:
            part = table.filter((pl.col("event") == event) & (pl.col("group") == group.name))
            traces.append(
                line(
                    part["day"].to_list(),
                    part["share"].to_list(),
                    group=group.name,
                    colour=group.colour,
                    label=group.label,
                    dash=group.dash,
                )
            )
            told.append(f"{group.label} {part['share'][-1]:.0%}")
        panels.append(
            Panel(
                title=title,
                alt=f"{title} by day {last:.0f}: " + "; ".join(told),
                traces=traces,
                layout={
                    "xaxis": {"title": {"text": "day after infusion"}, "range": [0, last]},
                    "yaxis": {"tickformat": ".0%", "range": [-0.02, 1.02]},
                },
                height=290,
            )
        )
    return Figure(panels=panels, table=table, legend=[group.key for group in groups], panel_width=340)


FIGURE = Entry("aplasia", "Aplasia: recovery and death", CAPTION, build)
