"""Reports of gates as rows of plain tables, with protein and staining beside RNA."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from carwright.targets.evaluate.densities import densities
from carwright.targets.evaluate.gate_report import GateReport
from carwright.targets.evaluate.layout import Layout
from carwright.targets.evaluate.protein import ProteinEvidence, protein_evidence
from carwright.targets.intake.atlas import Atlas
from carwright.targets.references.antigens import seen_on, traps_of
from carwright.targets.references.ihc import Stain, fires
from carwright.targets.safety.verdict import NOT_REPRESENTED, SAFE, UNRESOLVED, UNSAFE, Verdict
from carwright.targets.search.gate import Gate

Row = dict[str, Any]


def tabulate(
    atlas: Atlas, layout: Layout, reports: Sequence[tuple[float, GateReport]], known: Mapping[str, Stain]
) -> dict[str, list[Row]]:
    """Rows of the tables ``gates``, ``verdicts``, ``patients``, ``patterns`` and ``antigens``."""
    gates, verdicts, patients, patterns = [], [], [], []
    for rank, (score, report) in enumerate(reports, 1):
        name = report.gate.expression
        evidence = protein_evidence(atlas, layout, report.gate)
        by_class = {entry.cell_class: entry for entry in evidence}
        rows = [_verdict_row(report.gate, verdict, by_class, known) for verdict in report.verdicts]
        verdicts += rows
        gates.append(_gate_row(rank, score, report, rows, known))
        patients += [
            {"gate": name, **asdict(patient), "without_doublets": patient.without_doublets}
            for patient in report.patients
        ]
        for compartment, shares in report.patterns.items():
            for r, share in enumerate(shares):
                signs = " ".join(f"{gene}{'+' if r >> i & 1 else '-'}" for i, gene in enumerate(report.gate.genes))
                patterns.append(
                    {
                        "gate": name,
                        "compartment": compartment,
                        "pattern": signs,
                        "share": float(share),
                        "killed": bool(report.gate.table >> r & 1),
                    }
                )
    antigens = densities(atlas, layout, [report.gate for _, report in reports])
    return {"gates": gates, "verdicts": verdicts, "patients": patients, "patterns": patterns, "antigens": antigens}


def _verdict_row(
    gate: Gate, verdict: Verdict, evidence: Mapping[str, ProteinEvidence], known: Mapping[str, Stain]
) -> Row:
    row = {"gate": gate.expression, "class": verdict.name, **{k: v for k, v in asdict(verdict).items() if k != "name"}}
    row["fraction"] = None if verdict.cells == 0 else verdict.fraction
    found = evidence.get(verdict.name)
    row["rna_verdict"] = verdict.verdict
    row["protein_fraction"] = found.fraction if found else None
    row["protein_lower"] = found.lower if found else None
    row["protein_upper"] = found.upper if found else None
    row["protein_background"] = found.background if found else None
    row["protein_cells"] = found.cells if found else 0
    row["agreement"] = ""
    if found and verdict.cells:
        if found.least > verdict.limit:
            row["agreement"] = (
                "protein and RNA agree" if verdict.verdict == UNSAFE else "protein shows what RNA does not"
            )
            row["verdict"] = UNSAFE
            least = f"{100 * found.least:.2g} % of {found.cells} cells beyond noise"
            row["reason"] = f"protein on at least {least}; RNA: {verdict.reason}"
        elif found.most <= verdict.limit and verdict.verdict == SAFE:
            row["agreement"] = "protein and RNA agree"
        elif found.most <= verdict.limit and verdict.verdict == UNSAFE:
            row["agreement"] = "RNA without protein"
        else:
            row["agreement"] = "too few cells with protein to say"
    if row["verdict"] == SAFE and verdict.limit < 1.0 and (sources := seen_on(gate, verdict.name)):
        row["verdict"] = UNRESOLVED
        row["reason"] = f"RNA: {verdict.reason}; but protein was seen on this class ({'; '.join(sources)})"
        row["agreement"] = "RNA does not show protein that others have seen"
    _add_staining(row, gate, verdict, known)
    return row


def _add_staining(row: Row, gate: Gate, verdict: Verdict, known: Mapping[str, Stain]) -> None:
    """Set staining beside RNA; clear staining makes unresolved what RNA calls safe, and nothing makes it safe."""
    read = fires(gate, verdict.name, known)
    row["ihc"], row["ihc_agreement"] = "", ""
    if read is None:
        return
    some, clear, row["ihc"] = read
    some = some or clear  # faint or doubtful staining of a NOT gene may not protect
    if verdict.verdict == UNSAFE:
        row["ihc_agreement"] = "staining and RNA agree" if some else "RNA without staining"
    elif verdict.verdict == SAFE and verdict.limit < 1.0:
        row["ihc_agreement"] = "staining shows what RNA does not" if some else "staining and RNA agree"
        if clear and row["verdict"] == SAFE:
            row["verdict"] = UNRESOLVED
            row["reason"] = f"RNA: {verdict.reason}; but antibodies stain this class ({row['ihc']})"
    else:
        row["ihc_agreement"] = "staining shows the protein" if some else "no staining"


def _gate_row(rank: int, score: float, report: GateReport, rows: list[Row], known: Mapping[str, Stain]) -> Row:
    of = {
        verdict: [row["class"] for row in rows if row["verdict"] == verdict]
        for verdict in (UNSAFE, UNRESOLVED, NOT_REPRESENTED)
    }
    overall = UNSAFE if of[UNSAFE] else UNRESOLVED if of[UNRESOLVED] or of[NOT_REPRESENTED] else SAFE
    worst = next((row for row in rows if report.worst is not None and row["class"] == report.worst.name), None)
    if of[UNSAFE] and (worst is None or worst["verdict"] != UNSAFE):
        worst = next(row for row in rows if row["verdict"] == UNSAFE)
    return {
        "rank": rank,
        "gate": report.gate.expression,
        "genes": list(report.gate.genes),
        "table": report.gate.table,
        "score": None if math.isnan(score) else score,
        "coverage_floor": None if math.isnan(report.floor) else report.floor,
        "coverage_median": None if math.isnan(report.median) else report.median,
        "coverage_floor_without_doublets": None
        if math.isnan(report.floor_without_doublets)
        else report.floor_without_doublets,
        "explained_by_doublets": report.explained_by_doublets,
        "verdict": overall,
        "worst_class": worst["class"] if worst else None,
        "worst_verdict": worst["verdict"] if worst else None,
        "worst_fraction": worst["fraction"] if worst else None,
        "worst_upper": worst["true_upper"] if worst else None,
        "worst_cells": worst["cells"] if worst else 0,
        "worst_donors": worst["donors"] if worst else 0,
        "unsafe": of[UNSAFE],
        "unresolved": of[UNRESOLVED],
        "not_represented": of[NOT_REPRESENTED],
        "null_percentile": None,
        "traps": traps_of(report.gate.genes),
        "warnings": [*report.warnings, *(known[gene].note for gene in report.gate.genes if gene in known)],
    }
