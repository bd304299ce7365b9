"""Figures of a target search: the drawings of `carwright.targets.pl` with their captions and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from carwright.report.figure import Figure, Key, Panel
from carwright.targets.pl import (
    COLOURS,
    Drawing,
    coverage_drawing,
    dotplot_drawing,
    label,
    pareto_drawing,
    patients_drawing,
    stability_drawing,
    truth_drawing,
)

Row = dict[str, Any]
Drawn = tuple[str, str, str, Figure]
"""Name, title, caption, figure."""

SHAPES = {"safe": "circle", "unsafe": "cross", "unresolved": "diamond", "not represented": "open"}
ROW, LINE = 26, 15
"""CSS pixels of a row of a truth table, and of a line of a gate's name."""

PARETO = (
    "Coverage against the worst class",
    (
        "Each number is a gate's rank. Up is better, left is safer; the dotted line joins the gates that no "
        "other beats in both. The share of the worst class is an upper bound after what depth may hide."
    ),
)
DOTS = (
    "Every class of normal cells",
    (
        "Size grows with the share of cells seen killed; a dark ring marks the class that decides. Open "
        "circles are classes of which these data hold no cell: nothing is known of them."
    ),
)
PATIENTS = (
    "Every patient",
    ("One stroke per patient: the share of malignant cells that the gate kills. The ranking looks at the left end."),
)
STABILITY = (
    "Does the ranking hang on the threshold?",
    (
        "Rank among the gates shown as the count from which a cell is positive rises; a gate whose line "
        "wanders owes its place to the threshold. The number at the right end is the gate's rank in the search. The "
        "table gives the verdict over stem cells and vital "
        "tissue at five limits."
    ),
)


COVERAGE = (
    "Share of each patient's malignant cells that the gate kills, with its 90 % interval; open circles: without what "
    "doublets would fake."
)


def _keys(rows: Sequence[Row]) -> list[Key]:
    found = {row["verdict"] for row in rows}
    return [Key(name, name, colour, SHAPES[name]) for name, colour in COLOURS.items() if name in found]


def _table(rows: Sequence[Row], columns: Sequence[str]) -> pl.DataFrame:
    plain = [
        {name: "; ".join(map(str, row[name])) if isinstance(row[name], list) else row[name] for name in columns}
        for row in rows
    ]
    return pl.DataFrame(plain, infer_schema_length=None)


def _figure(drawing: Drawing, table: pl.DataFrame, alt: str, height: int, legend: Sequence[Key] = ()) -> Figure:
    traces, layout = drawing
    return Figure([Panel("", alt, traces, layout, height)], table, legend=legend)


def overview(tables: Mapping[str, list[Row]]) -> Iterator[Drawn]:
    """Figures over all gates."""
    gates, verdicts, names = tables["gates"], tables["verdicts"], [row["gate"] for row in tables["gates"]]
    lines = sum(label(name).count("<br>") + 1 for name in names)
    tall = 110 + 10 * len(names) + LINE * lines
    if any(row["coverage_floor"] is not None for row in gates):
        table = _table(gates, ("rank", "gate", "coverage_floor", "worst_class", "worst_upper", "verdict"))
        alt = "Coverage floor against the worst class"
        yield "pareto", *PARETO, _figure(pareto_drawing(gates), table, alt, 420, _keys(gates))
    table = _table(
        verdicts, ("gate", "class", "tier", "verdict", "fraction", "upper", "true_upper", "cells", "donors", "reason")
    )
    yield (
        "dotplot",
        *DOTS,
        _figure(dotplot_drawing(gates, verdicts), table, "Gates by class", tall + 90, _keys(verdicts)),
    )
    if tables["patients"]:
        table = _table(
            tables["patients"], ("gate", "patient", "coverage", "lower", "upper", "without_doublets", "killed", "cells")
        )
        yield "patients", *PATIENTS, _figure(patients_drawing(tables["patients"], names), table, "Patients", tall)
        table = _table(tables["sweep"], list(tables["sweep"][0]))
        yield "stability", *STABILITY, _figure(stability_drawing(tables["sweep"], names), table, "Ranks", 380)


def of_gate(tables: Mapping[str, list[Row]], rank: int, gate: str) -> Iterator[Drawn]:
    """Truth table and patients of one gate."""
    rows = [row for row in tables["patterns"] if row["gate"] == gate]
    compartments = len({row["compartment"] for row in rows})
    yield (
        f"truth-{rank}",
        "Truth table",
        "Share of cells (%) by which of the gate's genes are seen in them; ✕ marks the patterns that are killed.",
        _figure(
            truth_drawing(rows), _table(rows, ("compartment", "pattern", "share", "killed")), f"Truth table of {gate}",
            120 + ROW * compartments,
        ),
    )  # fmt: skip
    patients = [row for row in tables["patients"] if row["gate"] == gate]
    if patients:
        table = _table(patients, ("patient", "coverage", "lower", "upper", "without_doublets", "killed", "cells"))
        height = 110 + ROW * len(patients)
        drawn = _figure(coverage_drawing(patients), table, f"Coverage of each patient by {gate}", height)
        yield f"patients-{rank}", "Patients", COVERAGE, drawn
