"""From cells to a ranked, judged list of gates, as plain tables that go into files, objects and reports alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scipy import sparse

from carwright.errors import CarwrightError, Problem
from carwright.targets.evaluate.densities import densities
from carwright.targets.evaluate.gate_report import GateReport, report_gate
from carwright.targets.evaluate.layout import FEWEST_PATIENT_CELLS, Layout, lay_out
from carwright.targets.evaluate.null import null_scores, percentile
from carwright.targets.evaluate.protein import ProteinEvidence, column_of, protein_evidence
from carwright.targets.evaluate.thresholds import Thresholds
from carwright.targets.intake.anndata_file import keep_genes
from carwright.targets.intake.atlas import Atlas
from carwright.targets.intake.bright import with_bright
from carwright.targets.intake.genes import Genes, current_gene
from carwright.targets.kernel.panels import reorder
from carwright.targets.references.antigens import seen_on, traps_of
from carwright.targets.references.cache import cached
from carwright.targets.references.ihc import FETCH, REFERENCE, Stain, fires, stains
from carwright.targets.safety.verdict import NOT_REPRESENTED, SAFE, UNRESOLVED, UNSAFE, Verdict
from carwright.targets.search.gate import BRIGHT, Gate
from carwright.targets.search.if_better import search_if_better
from carwright.targets.search.objective import Rule
from carwright.targets.search.run import Stage, search

Row = dict[str, Any]

BRIGHT_MOLECULES = 3
"""Molecules from which a gene is bright where nothing else is said (assumed)."""
SWEEP_MOLECULES = (1, 2, 3)
SWEEP_LIMITS = (0.005, 0.01, 0.02, 0.05, 0.10)


@dataclass(frozen=True)
class Settings:
    """What an analysis was asked for; every field is reported.

    Parameters
    ----------
    orders
        Numbers of genes of the gates searched.
    shapes
        Expressions over A to D, ``("all",)``, or None for the usual ones.
    keep
        Gates kept of each order.
    top
        Gates judged in full and reported.
    quantile, penalty, minimum_coverage
        See `search.objective.Rule`.
    thresholds
        Positivity.
    limits
        By tier or class, the largest fraction that may be killed, in place of the table's.
    veto
        Whether gates that are shown to pass the limit of stem cells or vital tissue are left out of the ranking.
    doublet_rate
        Share of droplets with two cells.
    fewest_cells
        Malignant cells below which a patient is left out.
    bright
        Molecules from which a gene is bright; where given, ``A IF-BETTER B`` is searched as well.
    draws
        Random gates against which the best are held; 0 for none.
    seed
        Of the random gates.
    """

    orders: tuple[int, ...] = (1, 2)
    shapes: tuple[str, ...] | None = None
    keep: int = 100
    top: int = 20
    quantile: float = 0.10
    penalty: float = 1.0
    minimum_coverage: float = 0.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    limits: Mapping[str, float] = field(default_factory=dict)
    veto: bool = True
    doublet_rate: float = 0.04
    fewest_cells: int = FEWEST_PATIENT_CELLS
    bright: int | None = None
    draws: int = 200
    seed: int = 0


@dataclass(frozen=True)
class Analysis:
    """Tables of an analysis.

    Parameters
    ----------
    tables
        ``gates``, ``verdicts``, ``patients``, ``patterns``, ``antigens``, ``sweep``, ``screen``: rows as dictionaries.
    parameters
        Settings, certificates, notices, classes that are not represented.
    """

    tables: Mapping[str, list[Row]] = field(repr=False)
    parameters: Mapping[str, Any]


def limits_of(layout: Layout, settings: Settings) -> dict[str, float]:
    """Limit of each class, from the class's name, its tier's, or the table."""
    return {
        entry.name: settings.limits.get(entry.name, settings.limits.get(entry.tier.name, entry.tier.limit))
        for entry in layout.classes
    }


def rule_of(layout: Layout, settings: Settings) -> Rule:
    """How gates are scored under some settings."""
    limits = limits_of(layout, settings)
    vetoed = {
        entry.name: limits[entry.name]
        for entry in layout.classes
        if entry.tier.name in ("stem", "vital") or entry.name in settings.limits or entry.tier.name in settings.limits
    }
    return Rule(
        settings.quantile, settings.penalty, minimum_coverage=settings.minimum_coverage,
        limits=vetoed if settings.veto else {},
    )  # fmt: skip


def analyse(atlas: Atlas, settings: Settings | None = None, *, stage: Stage | None = None) -> Analysis:
    """Search the gates of an atlas and judge the best.

    Parameters
    ----------
    atlas
        Cells, with the genes to search.
    settings
        What is asked for.
    stage
        Called with a label and a number of steps; returns what to call as steps are done.
    """
    settings = settings or Settings()
    genes = atlas.genes.names
    if settings.bright is not None:
        atlas = with_bright(atlas, settings.bright)
    layout = lay_out(atlas, settings.thresholds, fewest_cells=settings.fewest_cells)
    objective = layout.objective(rule_of(layout, settings))
    plain = layout.table if settings.bright is None else reorder(layout.table, range(len(genes)))
    orders, shapes = settings.orders, settings.shapes
    by_order = search(plain, genes, objective, orders=orders, wanted=shapes, keep=settings.keep, stage=stage)
    found = {str(order): entry for order, entry in by_order.items()}
    if settings.bright is not None:
        advance = stage("genes that may be bright", len(layout.genes) - len(genes)) if stage is not None else None
        found["IF-BETTER"] = search_if_better(layout.table, layout.genes, objective, settings.keep, advance)
    scored = [(score, gate) for entry in found.values() for score, gate in zip(entry.scores, entry.gates, strict=True)]
    scored.sort(key=lambda entry: (-entry[0], len(entry[1].genes), entry[1]))
    advance = stage("gates judged", settings.top) if stage is not None else None
    limits = limits_of(layout, settings)
    chosen: list[tuple[float, GateReport]] = []
    rejected: list[str] = []
    for score, gate in scored:
        if len(chosen) == settings.top:
            break
        report = report_gate(
            layout, gate, quantile=settings.quantile, doublet_rate=settings.doublet_rate, limits=limits
        )
        if report.explained_by_doublets:
            rejected.append(gate.expression)
            continue
        chosen.append((score, report))
        if advance is not None:
            advance(1)
    known = stains(gene for _, report in chosen for gene in report.gate.genes)
    tables = tabulate(atlas, layout, chosen, known)
    if settings.draws:
        for (score, report), row in zip(chosen, tables["gates"], strict=True):
            if any(gene.endswith(BRIGHT) for gene in report.gate.genes):
                continue  # a bright plane and its gene belong together
            scores = null_scores(layout, objective, report.gate, draws=settings.draws, seed=settings.seed)
            row["null_percentile"] = percentile(score, scores)
    tables["sweep"] = sweep(atlas, [report.gate for _, report in chosen], settings)
    tables["screen"] = (
        [
            {"gene": gate.genes[0], "score": score}
            for score, gate in zip(found["1"].scores, found["1"].gates, strict=True)
        ]
        if "1" in found
        else []
    )
    parameters = {
        "settings": _settings(settings),
        "cells": atlas.cells,
        "genes": len(genes),
        "patients": len(layout.patients),
        "donors": len(set(layout.donors)),
        "classes": [entry.name for entry in layout.classes],
        "not_represented": [entry.name for entry in layout.missing],
        "excluded_patients": dict(layout.excluded),
        "explained_by_doublets": rejected,
        "certificates": {name: str(entry.certificate) for name, entry in found.items()},
        "certified": all(entry.certificate.complete for entry in found.values()),
        "notices": [*layout.notices, *_of_staining()],
    }
    return Analysis(tables, parameters)


def _of_staining() -> list[str]:
    """Say where antibodies were not set beside RNA."""
    if cached(REFERENCE) is not None:
        return []
    return [f"no staining of tissue was set beside RNA: the reference has not been fetched ({FETCH})"]


def explain(atlas: Atlas, gates: Sequence[Gate], settings: Settings | None = None) -> Analysis:
    """Judge gates that the user names, also where there are no malignant cells.

    Raises
    ------
    CarwrightError
        Naming every gene that is not in the data.
    """
    settings = settings or Settings()
    gates = [replace(gate, genes=tuple(map(current_gene, gate.genes))) for gate in gates]
    bright = {gene.removesuffix(BRIGHT) for gate in gates for gene in gate.genes if gene.endswith(BRIGHT)}
    if bright:
        atlas = with_bright(atlas, settings.bright or BRIGHT_MOLECULES, bright)
    atlas = _with_protein_alone(atlas, gates)
    absent = sorted({gene for gate in gates for gene in gate.genes if gene not in atlas.genes.names})
    if absent:
        raise CarwrightError(
            Problem(
                "TARGETS035",
                "genes of the gate are not in the data",
                "gate",
                ", ".join(absent),
                f"genes of the data, such as {', '.join(atlas.genes.names[:5])}",
            )
        )
    layout = lay_out(atlas, settings.thresholds, fewest_cells=settings.fewest_cells, need_tumour=False)
    limits = limits_of(layout, settings)
    reports = [
        report_gate(layout, gate, quantile=settings.quantile, doublet_rate=settings.doublet_rate, limits=limits)
        for gate in gates
    ]
    known = stains(gene for gate in gates for gene in gate.genes)
    tables = tabulate(atlas, layout, [(math.nan, report) for report in reports], known)
    tables["sweep"] = sweep(atlas, gates, settings)
    parameters = {
        "settings": _settings(settings),
        "cells": atlas.cells,
        "patients": len(layout.patients),
        "donors": len(set(layout.donors)),
        "classes": [entry.name for entry in layout.classes],
        "not_represented": [entry.name for entry in layout.missing],
        "excluded_patients": dict(layout.excluded),
        "notices": [*layout.notices, *_of_staining()],
    }
    return Analysis(tables, parameters)


def _with_protein_alone(atlas: Atlas, gates: Sequence[Gate]) -> Atlas:
    """Add genes of which the data hold the protein and no RNA, as genes that are never seen: depth hides them all."""
    wanted = dict.fromkeys(gene for gate in gates for gene in gate.genes if gene not in atlas.genes.names)
    found = [gene for gene in wanted if column_of(atlas, gene) is not None]
    if not found:
        return atlas
    empty = sparse.csr_matrix((atlas.cells, len(found)), dtype=atlas.counts.dtype)
    genes = Genes(
        (*atlas.genes.names, *found), (*atlas.genes.columns, *(() for _ in found)), atlas.genes.renamed,
        atlas.genes.merged,
    )  # fmt: skip
    text = f"no RNA of {', '.join(found)} is in the data: coverage is not known, and only protein speaks on classes"
    counts = sparse.hstack([atlas.counts, empty], format="csr")
    return replace(atlas, genes=genes, counts=counts, notices=(*atlas.notices, text))


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


def sweep(atlas: Atlas, gates: Sequence[Gate], settings: Settings) -> list[Row]:
    """Coverage, worst class, score and rank of some gates over thresholds of positivity and limits of safety."""
    rows: list[Row] = []
    named = {gene for gate in gates for gene in gate.genes}
    atlas = keep_genes(atlas, [place for place, gene in enumerate(atlas.genes.names) if gene in named])
    for molecules in SWEEP_MOLECULES:
        layout = lay_out(
            atlas,
            replace(settings.thresholds, molecules=molecules),
            fewest_cells=settings.fewest_cells,
            need_tumour=False,
        )
        objective = layout.objective(Rule(settings.quantile, settings.penalty))
        entries = []
        for gate in gates:
            report = report_gate(layout, gate, quantile=settings.quantile, doublet_rate=settings.doublet_rate)
            counts = [patient.killed for patient in report.patients]
            counts += [verdict.killed for verdict in report.verdicts if verdict.cells]
            score = objective.score(counts) if report.patients else math.nan  # type: ignore[arg-type]
            entries.append((gate, report, score))
        order = sorted(range(len(entries)), key=lambda i: -entries[i][2])
        for place, (gate, report, score) in enumerate(entries):
            row: Row = {
                "gate": gate.expression,
                "molecules": molecules,
                "coverage_floor": None if math.isnan(report.floor) else report.floor,
                "score": None if math.isnan(score) else score,
                "rank": order.index(place) + 1,
            }
            for limit in SWEEP_LIMITS:
                judged = [v for v in report.verdicts if v.cells and v.tier in ("stem", "vital")]
                unsafe, shown = [v.name for v in judged if v.lower > limit], all(v.true_upper <= limit for v in judged)
                row[f"at_{100 * limit:g}_percent"] = UNSAFE if unsafe else SAFE if judged and shown else UNRESOLVED
            rows.append(row)
    return rows


def _settings(settings: Settings) -> dict[str, Any]:
    data = asdict(settings)
    data["limits"] = dict(settings.limits)
    data["thresholds"]["genes"] = dict(settings.thresholds.genes)
    return data


StageCallback = Callable[[str, int], Callable[[int], None] | None]
