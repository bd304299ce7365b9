"""How long the trial takes and how many patients it treats."""

from __future__ import annotations

import numpy as np
import polars as pl

from carwright.report.figure import Entry, Figure, Panel
from carwright.report.palette import STUDY
from carwright.report.run import STUDY_ARM, Run, Unavailable
from carwright.report.traces import level_line

BINS = 24

READINGS = (
    ("duration_days", "Duration, months", 365.25 / 12),
    ("enrolled", "Patients enrolled", 1.0),
    ("infused", "Patients infused", 1.0),
    ("dlts", "Dose-limiting toxicities", 1.0),
)
"""Column, title, divisor."""

CAPTION = (
    "Share of simulated trials under the study's own rule; dashed: median. Duration runs from the first enrolment "
    "to the end of the last evaluation window and depends on the assumed accrual."
)


def build(run: Run) -> Figure:
    """Histograms, binned before they are drawn."""
    columns = [column for column, *_ in READINGS]
    trials = run.table("trials", ["arm", "adjudication", *columns]).filter(
        (pl.col("arm") == STUDY_ARM) & (pl.col("adjudication") == run.adjudication)
    )
    if trials.is_empty():
        message = "the run holds no simulated trial of the study arm"
        raise Unavailable(message)
    panels, tables = [], []
    for column, title, divisor in READINGS:
        values = trials[column].cast(pl.Float64).drop_nulls().to_numpy() / divisor
        shares, edges = _histogram(values)
        centres = ((edges[1:] + edges[:-1]) / 2).tolist()
        low, median, high = np.quantile(values, (0.05, 0.5, 0.95))
        tables.append(
            pl.DataFrame(
                {
                    "reading": [title] * len(centres),
                    "from": edges[:-1].tolist(),
                    "to": edges[1:].tolist(),
                    "share": shares.tolist(),
                }
            )
        )
        panels.append(
            Panel(
                title=f"{title}: median {median:.3g}",
                alt=f"{title}: median {median:.3g}, 90 % of trials from {low:.3g} to {high:.3g}",
                traces=[
                    {
                        "type": "bar",
                        "x": centres,
                        "y": shares.tolist(),
                        "width": float(edges[1] - edges[0]) * 0.92,
                        "marker": {"color": STUDY},
                        "hovertemplate": "%{x:.3g}: %{y:.1%}<extra></extra>",
                    }
                ],
                layout={"yaxis": {"tickformat": ".0%"}, "shapes": [level_line(float(median), axis="x")]},
                height=220,
            )
        )
    return Figure(panels=panels, table=pl.concat(tables), panel_width=225)


def _histogram(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares and edges; whole numbers get bins of whole width centred on them."""
    low, high = float(values.min()), float(values.max())
    if np.all(values == np.round(values)):
        step = max(1, int(np.ceil((high - low + 1) / BINS)))
        edges = np.arange(low - 0.5, high + step + 0.5, step)
    else:
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    counts, edges = np.histogram(values, edges)
    return counts / len(values), edges


FIGURE = Entry("duration", "Length and size of the trial", CAPTION, build)
