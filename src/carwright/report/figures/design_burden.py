"""What each design asks of patients and of the calendar."""

from __future__ import annotations

from carwright.report.designs import WHAT_INTERVALS_MEAN, Comparison, comparison, design_label, hover_text, marks
from carwright.report.figure import Entry, Figure, Panel
from carwright.report.figures.design_selection import rows_axis, table
from carwright.report.palette import design_marks
from carwright.report.run import Run

READINGS = {
    "infused": "Patients infused",
    "infused_above": "Patients at nodes above the target",
    "dlts": "Dose-limiting toxicities",
    "deaths": "Treatment-related deaths",
    "duration_days": "Duration, months",
}

CAPTION = (
    "Means over the simulated trials under the study's own definition of toxicity. Designs that never end by "
    "themselves stop at six patients per node of their path unless the study says otherwise, so they treat more "
    "patients than 3+3: numbers of patients are a choice, shares are not. Duration depends on the assumed accrual. "
    f"{WHAT_INTERVALS_MEAN}"
)


def build(run: Run) -> Figure:
    """One small panel a quantity, one row a design."""
    found = comparison(run)
    return Figure(
        panels=[_panel(found, key, title) for key, title in READINGS.items()],
        table=table(found, list(READINGS)),
        headings={"monte_carlo_low": "Monte Carlo low", "monte_carlo_high": "Monte Carlo high"},
        legend=found.keys,
        panel_width=250,
    )


def _panel(found: Comparison, key: str, title: str) -> Panel:
    colours, names = design_marks(found.names), found.names
    traces = []
    highest = 0.0
    for place, name in enumerate(names):
        reading = found.reading(name, key)
        highest = max(highest, reading["hi"] or 0.0, reading["monte_carlo"]["hi"] or 0.0)
        traces += marks(
            [reading],
            [len(names) - 1 - place],
            group=name,
            mark=colours[name],
            hover=[hover_text(found.label(name), reading, found.unit(key))],
        )
    return Panel(
        title=title,
        alt=f"{title}: " + "; ".join(f"{found.label(name)} {found.text(name, key)}" for name in names),
        traces=traces,
        layout={
            "xaxis": {"range": [-0.03 * highest, 1.06 * highest or 1.0]},
            "yaxis": rows_axis([design_label(name) for name in names]),
        },
        height=70 + 34 * len(names),
    )


FIGURE = Entry("design_burden", "Patients, toxicities and time", CAPTION, build)
