"""Analyses and references on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from carwright.cli.output import columns, number, percent, show

if TYPE_CHECKING:
    from carwright.targets.evaluate.analysis import Analysis


def show_ranked(found: Analysis) -> None:
    """Gates in their order, and what is not known."""
    rows = [
        [
            str(row["rank"]), row["gate"], number(row["score"]), _share(row["coverage_floor"]), row["verdict"],
            row["worst_class"] or "-", _share(row["worst_upper"]),
            f"{row['worst_cells']:,} / {row['worst_donors']}",
        ]
        for row in found.tables["gates"]
    ]  # fmt: skip
    if rows:
        header = ["", "gate", "score", "coverage floor", "verdict", "worst class", "at most", "cells / donors"]
        show(columns(rows, header))
    else:
        show("no gate is left: each is shown to hurt stem cells or vital tissue, or covers too little (try --no-veto)")
    for text in found.parameters["certificates"].values():
        show(text)
    if found.parameters["explained_by_doublets"]:
        show(f"left out, for doublets explain them: {', '.join(found.parameters['explained_by_doublets'][:8])}")
    _show_missing(found)


def show_explained(found: Analysis) -> None:
    """Verdict on every class, gate by gate."""
    for gate in found.tables["gates"]:
        show(f"{gate['gate']}: {gate['verdict']}")
        if gate["coverage_floor"] is not None:
            floor, honest = _share(gate["coverage_floor"]), _share(gate["coverage_floor_without_doublets"])
            show(f"coverage floor over {found.parameters['patients']} patients {floor}, without doublets {honest}")
        rows = [
            [
                row["class"],
                row["tier"],
                row["verdict"],
                "; ".join(filter(None, (row["reason"], row["agreement"], _stained(row)))),
            ]
            for row in found.tables["verdicts"]
            if row["gate"] == gate["gate"]
        ]
        show(columns(rows, ["class", "tier", "verdict", "why"]))
        for text in gate["warnings"]:
            show(f"note: {text}")


def _stained(row: Mapping[str, Any]) -> str:
    return f"antibodies: {row['ihc']}, {row['ihc_agreement']}" if row["ihc"] else ""


def _show_missing(found: Analysis) -> None:
    missing = found.parameters["not_represented"]
    if missing:
        show(f"not represented in these data, so nothing is known of: {', '.join(missing)}")
    show("Limits are research parameters and no clinical thresholds.")


def show_genes(told: list[dict[str, Any]]) -> None:
    """What the references say of some genes."""
    for entry in told:
        show(f"{entry['gene']} ({entry['ensembl'] or 'no Ensembl id known'})")
        if entry["flags"]:
            rows = [
                [flag["site"], flag["class"], flag["tier"], _level(flag["value"]), flag["table"]]
                for flag in entry["flags"]
            ]
            show(columns(rows, ["site", "class", "tier", "nTPM or stain", "reference"]))
        for text in (*entry["warnings"], *entry["notices"]):
            show(f"note: {text}")


def _level(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)
