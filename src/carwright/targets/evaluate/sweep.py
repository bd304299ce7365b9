"""How much gates hang on the threshold of positivity and on the limits of safety."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from carwright.targets.evaluate.gate_report import report_gate
from carwright.targets.evaluate.layout import lay_out
from carwright.targets.evaluate.settings import Settings
from carwright.targets.evaluate.tables import Row
from carwright.targets.intake.anndata_file import keep_genes
from carwright.targets.intake.atlas import Atlas
from carwright.targets.safety.verdict import SAFE, UNRESOLVED, UNSAFE
from carwright.targets.search.gate import Gate
from carwright.targets.search.objective import Rule

SWEEP_MOLECULES = (1, 2, 3)
"""Molecules from which a cell is positive, in turn."""
SWEEP_LIMITS = (0.005, 0.01, 0.02, 0.05, 0.10)
"""Shares of a class that may be killed, in turn."""


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
