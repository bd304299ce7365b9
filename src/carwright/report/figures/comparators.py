"""The study arm against its comparators: paired differences."""

from __future__ import annotations

import polars as pl

from carwright.report.figure import Entry, Figure, Key, Panel
from carwright.report.paired import Difference, differences
from carwright.report.palette import COMPARATOR, INK, STUDY
from carwright.report.run import STUDY_ARM, Run, Unavailable
from carwright.report.traces import dots, share_axis, zero_line
from carwright.report.wording import is_share, wrapped

CAPTION = (
    "The same virtual patients, treated once as designed and once with the comparator's cells; differences are "
    "therefore paired, patient against patient. First panel: both rates. Second: comparator minus study in "
    "percentage points; an interval that stays off zero is a difference that the model makes, given its "
    "assumptions. Quantities in other units are in the table."
)


def build(run: Run) -> Figure:
    """Rates of both arms and their paired differences, one pair of panels a comparator."""
    if not run.comparators:
        message = "the study has no comparator arm"
        raise Unavailable(message)
    panels: list[Panel] = []
    rows: list[tuple[str, Difference]] = []
    for arm in run.comparators:
        found = differences(run, arm)
        rows += [(arm, difference) for difference in found]
        shares = [difference for difference in reversed(found) if is_share(difference.unit)]
        if not shares:
            message = f"comparator “{arm}” has no paired difference of rates"
            raise Unavailable(message)
        names = (run.arm_label(STUDY_ARM), run.arm_label(arm))
        panels += [_rates(shares, *names), _differences(shares)]
    return Figure(
        panels=panels,
        table=_table(rows),
        headings={"difference": "comparator − study"},
        legend=[
            Key("study", run.arm_label(STUDY_ARM), STUDY, "circle"),
            Key("comparator", " / ".join(map(run.arm_label, run.comparators)), COMPARATOR, "open"),
        ],
        panel_width=340,
    )


def _rates(rows: list[Difference], study: str, comparator: str) -> Panel:
    labels = [wrapped(row.label, 22) for row in rows]
    traces = []
    for group, label, colour, symbol, shift in (
        ("study", study, STUDY, "circle", 0.16),
        ("comparator", comparator, COMPARATOR, "circle-open", -0.16),
    ):
        values = [row.study if group == "study" else row.comparator for row in rows]
        traces.append(
            dots(
                [value["estimate"] for value in values],
                [value["lo"] for value in values],
                [value["hi"] for value in values],
                [place + shift for place in range(len(rows))],
                group=group,
                label=label,
                colour=colour,
                symbol=symbol,
                hover=[f"{row.label}, {label}<br>{row.texts[0 if group == 'study' else 1]}" for row in rows],
            )
        )
    return Panel(
        title="Rates",
        alt="; ".join(f"{row.label}: {row.texts[0]} {study}, {row.texts[1]} {comparator}" for row in rows),
        traces=traces,
        layout={
            "xaxis": share_axis(max(max(row.study["hi"], row.comparator["hi"]) for row in rows)),
            "yaxis": _rows_axis(labels),
        },
        height=70 + 44 * len(rows),
    )


def _differences(rows: list[Difference]) -> Panel:
    labels = [wrapped(row.label, 22) for row in rows]
    return Panel(
        title="Paired difference, percentage points",
        alt="; ".join(f"{row.label}: {row.texts[2]} percentage points" for row in rows),
        traces=[
            dots(
                [100 * row.estimate for row in rows],
                [100 * row.low for row in rows],
                [100 * row.high for row in rows],
                list(range(len(rows))),
                group="difference",
                label="difference",
                colour=INK,
                symbol="square",
                hover=[f"{row.label}<br>{row.texts[2]} points" for row in rows],
            )
        ],
        layout={"yaxis": _rows_axis(labels), "shapes": [zero_line()]},
        height=70 + 44 * len(rows),
    )


def _rows_axis(labels: list[str]) -> dict[str, object]:
    return {
        "tickvals": list(range(len(labels))),
        "ticktext": labels,
        "range": [-0.6, len(labels) - 0.4],
        "showgrid": False,
        "zeroline": False,
    }


def _table(rows: list[tuple[str, Difference]]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "comparator": [arm for arm, _ in rows],
            "quantity": [row.label for _, row in rows],
            "unit": [row.unit for _, row in rows],
            "study": [row.study["estimate"] for _, row in rows],
            "study_low": [row.study["lo"] for _, row in rows],
            "study_high": [row.study["hi"] for _, row in rows],
            "comparator_estimate": [row.comparator["estimate"] for _, row in rows],
            "comparator_low": [row.comparator["lo"] for _, row in rows],
            "comparator_high": [row.comparator["hi"] for _, row in rows],
            "difference": [row.estimate for _, row in rows],
            "difference_low": [row.low for _, row in rows],
            "difference_high": [row.high for _, row in rows],
        }
    )


FIGURE = Entry("comparators", "With and without, on the same patients", CAPTION, build)
