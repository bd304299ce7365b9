"""Protein beside RNA: which cells of a class carry the proteins of a gate, from antibody counts on the same cells.

A protein is called present above the 95th percentile of the class that shows least of it, of T, B and NK cells. That is
a rough gate, and the numbers say how many cells stand behind it. One cell in twenty without the protein is above it:
what a gate would kill of such cells is taken off before a class is judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carwright.targets.evaluate.layout import Layout
from carwright.targets.intake.atlas import TUMOUR, Atlas
from carwright.targets.positivity.intervals import lower_bound, upper_bound
from carwright.targets.references.antigens import antigens
from carwright.targets.safety.verdict import LEVEL
from carwright.targets.search.gate import Gate

BACKGROUND = ("T cell", "B cell", "NK cell")
"""Classes that may set the background."""
PERCENTILE = 95.0
"""Percentile of the background above which a protein counts as present (assumed)."""
FEWEST_BACKGROUND = 20
"""Cells with protein from which a class may set the background (assumed: of fewer no 95th percentile can be had)."""


@dataclass(frozen=True)
class ProteinEvidence:
    """Share of a class's cells on which a gate fires by protein, and how much of it noise explains."""

    cell_class: str
    killed: int
    cells: int
    fraction: float
    lower: float
    upper: float
    background: float

    @property
    def least(self) -> float:
        """Lower bound of the share beyond the background."""
        return max(0.0, self.lower - self.background)

    @property
    def most(self) -> float:
        """Upper bound of the share beyond the background."""
        return max(0.0, self.upper - self.background)


def background_of(gate: Gate) -> float:
    """Share of cells without any of a gate's proteins that it kills by the noise of the antibodies."""
    share, inputs = 1.0 - PERCENTILE / 100.0, len(gate.genes)
    if gate.table & 1:
        return 0.0  # kills what carries nothing, noise or not
    chances = [share ** r.bit_count() * (1.0 - share) ** (inputs - r.bit_count()) for r in range(1 << inputs)]
    return sum(chance for r, chance in enumerate(chances) if gate.table >> r & 1)


def column_of(atlas: Atlas, gene: str) -> int | None:
    """Column of a gene's protein, under any of the names of its antibodies."""
    known = antigens().get(gene)
    names = {gene.upper(), *(name.upper() for name in (known.proteins if known else ()))}
    return next((i for i, name in enumerate(atlas.proteins) if name.upper() in names), None)


def threshold_of(atlas: Atlas, column: int) -> float | None:
    """Value above which a protein is present; None where no class can set the background."""
    assert atlas.protein is not None  # noqa: S101 - a column was found in it
    values = atlas.protein[:, column]
    found = []
    for name in BACKGROUND:
        inside = values[(atlas.cell_class == name) & np.isfinite(values)]
        if len(inside) >= FEWEST_BACKGROUND:
            found.append(float(np.percentile(inside, PERCENTILE)))
    return min(found, default=None)


def protein_positive(atlas: Atlas, gate: Gate) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None:
    """Which cells a gate kills by protein, and which have values for all its genes; None where a protein is missing."""
    if atlas.protein is None:
        return None
    columns = [column_of(atlas, gene) for gene in gate.genes]
    found = [column for column in columns if column is not None]
    if len(found) < len(columns):
        return None
    limits = [threshold_of(atlas, column) for column in found]
    known_limits = [limit for limit in limits if limit is not None]
    if len(known_limits) < len(limits):
        return None
    values = atlas.protein[:, found]
    return gate.kills(values > np.array(known_limits)), np.asarray(np.isfinite(values).all(axis=1))


def protein_evidence(atlas: Atlas, layout: Layout, gate: Gate) -> tuple[ProteinEvidence, ...]:
    """Protein evidence of a gate by class; empty where there is none."""
    found = protein_positive(atlas, gate)
    if found is None:
        return ()
    killed, measured = found
    half = 1.0 - (1.0 - LEVEL) / 2.0
    evidence, noise = [], background_of(gate)
    for name in [TUMOUR, *(entry.name for entry in layout.classes)]:
        inside = (atlas.cell_class == name) & measured
        k, n = int(killed[inside].sum()), int(inside.sum())
        if n:
            evidence.append(
                ProteinEvidence(
                    name, k, n, k / n, float(lower_bound(k, n, half)), float(upper_bound(k, n, half)), noise
                )
            )
    return tuple(evidence)
