"""On which share of the cells of each compartment every antigen of some gates is found, by RNA and by protein."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from carwright.targets.evaluate.gate_report import killed_by, pattern_counts
from carwright.targets.evaluate.layout import Layout
from carwright.targets.evaluate.protein import protein_evidence
from carwright.targets.intake.atlas import TUMOUR, Atlas
from carwright.targets.search.gate import BRIGHT, Gate

POINT = 0.5
"""Confidence at which a bound is a point estimate."""


def densities(atlas: Atlas, layout: Layout, gates: Sequence[Gate]) -> list[dict[str, Any]]:
    """A row for each antigen of the gates and each compartment.

    Returns
    -------
    list
        ``gene``, ``compartment``, ``cells``, ``share`` seen with RNA (patients count equally among malignant cells),
        ``share_after_depth``, the share divided by the chance that a cell with the gene is seen as such, at most 1
        (None for malignant cells), ``protein_share`` beyond the noise of the antibodies, and ``protein_cells``.
    """
    rows: list[dict[str, Any]] = []
    first = len(layout.patients)
    for gene in dict.fromkeys(name for gate in gates for name in gate.genes if not name.endswith(BRIGHT)):
        single = Gate((gene,), 0b10)
        seen, sizes = killed_by(single, pattern_counts(layout, single)), layout.table.sizes
        by_protein = {entry.cell_class: entry for entry in protein_evidence(atlas, layout, single)}
        shares: list[tuple[str, int, float, float | None]] = []
        if first:
            shares.append((TUMOUR, int(sizes[:first].sum()), float((seen[:first] / sizes[:first]).mean()), None))
        for row, entry in enumerate(layout.classes):
            groups = first + np.flatnonzero(layout.class_of == row)
            share = float(seen[groups].sum() / sizes[groups].sum())
            chance = layout.levels.detection(row, layout.place(gene), POINT)
            shares.append((entry.name, int(sizes[groups].sum()), share, min(1.0, share / chance) if chance else None))
        for name, cells, share, corrected in shares:
            found = by_protein.get(name)
            rows.append(
                {
                    "gene": gene,
                    "compartment": name,
                    "cells": cells,
                    "share": share,
                    "share_after_depth": corrected,
                    "protein_share": max(0.0, found.fraction - found.background) if found else None,
                    "protein_cells": found.cells if found else 0,
                }
            )
    return rows
