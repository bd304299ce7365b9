"""From cells to a ranked, judged list of gates, as plain tables that go into files, objects and reports alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scipy import sparse

from carwright.errors import CarwrightError, Problem
from carwright.targets.evaluate.gate_report import GateReport, report_gate
from carwright.targets.evaluate.layout import Layout, lay_out
from carwright.targets.evaluate.null import null_scores, percentile
from carwright.targets.evaluate.protein import column_of
from carwright.targets.evaluate.settings import Settings, limits_of, rule_of
from carwright.targets.evaluate.sweep import sweep
from carwright.targets.evaluate.tables import Row, tabulate
from carwright.targets.intake.atlas import Atlas
from carwright.targets.intake.bright import with_bright
from carwright.targets.intake.genes import Genes, current_gene
from carwright.targets.kernel.panels import reorder
from carwright.targets.references.cache import cached
from carwright.targets.references.ihc import FETCH, REFERENCE, stains
from carwright.targets.search.gate import BRIGHT, Gate
from carwright.targets.search.if_better import search_if_better
from carwright.targets.search.run import Stage, search

BRIGHT_MOLECULES = 3
"""Molecules from which a gene is bright where nothing else is said (assumed)."""


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

    Raises
    ------
    CarwrightError
        If there are too few cells, or a threshold is given for a gene that is not searched.
    """
    settings = settings or Settings()
    genes = atlas.genes.names
    settings.thresholds.check(genes)
    if settings.bright is not None:
        settings.thresholds.check_bright(settings.bright, [*settings.thresholds.genes, *genes[:1]])
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
        **_parameters(atlas, layout, settings),
        "genes": len(genes),
        "explained_by_doublets": rejected,
        "certificates": {name: str(entry.certificate) for name, entry in found.items()},
        "certified": all(entry.certificate.complete for entry in found.values()),
    }
    return Analysis(tables, parameters)


def named_genes(gates: Iterable[Gate], settings: Settings | None = None) -> tuple[str, ...]:
    """Genes that an explanation needs: those of the gates, and those that have thresholds of their own."""
    of_gates = (gene.removesuffix(BRIGHT) for gate in gates for gene in gate.genes)
    return tuple(dict.fromkeys((*of_gates, *(settings or Settings()).thresholds.genes)))


def explain(atlas: Atlas, gates: Sequence[Gate], settings: Settings | None = None) -> Analysis:
    """Judge gates that the user names, also where there are no malignant cells.

    Parameters
    ----------
    atlas
        Cells, with the genes of `named_genes`.
    gates
        What is judged.
    settings
        Of these, what says how gates are judged; ``bright`` holds for gates of the kind ``A IF-BETTER B``.

    Raises
    ------
    CarwrightError
        Naming every gene that is not in the data.
    """
    settings = settings or Settings()
    gates = [replace(gate, genes=tuple(map(current_gene, gate.genes))) for gate in gates]
    bright = {gene.removesuffix(BRIGHT) for gate in gates for gene in gate.genes if gene.endswith(BRIGHT)}
    if bright:
        molecules = settings.bright or BRIGHT_MOLECULES
        settings.thresholds.check_bright(molecules, sorted(bright))
        settings, atlas = replace(settings, bright=molecules), with_bright(atlas, molecules, bright)
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
    settings.thresholds.check(atlas.genes.names)
    layout = lay_out(atlas, settings.thresholds, fewest_cells=settings.fewest_cells, need_tumour=False)
    limits = limits_of(layout, settings)
    reports = [
        report_gate(layout, gate, quantile=settings.quantile, doublet_rate=settings.doublet_rate, limits=limits)
        for gate in gates
    ]
    known = stains(gene for gate in gates for gene in gate.genes)
    tables = tabulate(atlas, layout, [(math.nan, report) for report in reports], known)
    tables["sweep"] = sweep(atlas, gates, settings)
    return Analysis(tables, _parameters(atlas, layout, settings))


def _parameters(atlas: Atlas, layout: Layout, settings: Settings) -> dict[str, Any]:
    """What every analysis says of its settings and its cells."""
    notices = list(layout.notices)
    if cached(REFERENCE) is None:
        notices.append(f"no staining of tissue was set beside RNA: the reference has not been fetched ({FETCH})")
    return {
        "settings": asdict(settings),
        "cells": atlas.cells,
        "patients": len(layout.patients),
        "donors": len(set(layout.donors)),
        "classes": [entry.name for entry in layout.classes],
        "not_represented": [entry.name for entry in layout.missing],
        "excluded_patients": dict(layout.excluded),
        "notices": notices,
    }


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
