"""How likely a cell that expresses a gene is to be seen expressing it, at the depth it was sequenced to.

Among positive cells, the share with two or more molecules tells how close the gene is to the limit of detection. Where
counts are geometric (a negative binomial with dispersion 1), that share *is* the probability of at least one molecule;
with less dispersion, down to Poisson, the probability is larger, so the share is a lower bound. It needs no fit, and
its uncertainty is binomial. A gene whose positive cells all show a single molecule has a bound of zero: nothing is then
known of the cells in which it was not seen.

The mean that the share implies scales with depth. Where the level in the class itself is unknown, the level of all
positive cells of the assay is used, halved: off-tumour expression may be weaker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carwright.targets.positivity.intervals import lower_bound

Floats = npt.NDArray[np.float64]

RELATIVE_LEVEL = 0.5
"""Level in a normal class relative to positive cells elsewhere, where the class is silent (assumed)."""
ENOUGH = 10
"""Positive cells from which a class speaks for itself."""


@dataclass(frozen=True)
class Level:
    """Level of a gene among the cells in which it was seen.

    Parameters
    ----------
    positive, several
        Cells with at least one, and with at least two molecules.
    depth
        Mean molecules of all genes in the positive cells.
    """

    positive: int
    several: int
    depth: float


def level_of(counts: npt.NDArray[np.integer], depth: Floats, threshold: int = 1) -> Level:
    """Summarise the counts of a gene in some cells.

    Parameters
    ----------
    counts
        Molecules of the gene in each cell.
    depth
        Molecules of all genes in each cell.
    threshold
        Molecules from which a cell is positive; a geometric tail has no memory, so the share above it serves as well.
    """
    positive = counts >= threshold
    return Level(
        int(positive.sum()),
        int((counts >= threshold + 1).sum()),
        float(depth[positive].mean()) if positive.any() else 0.0,
    )


def detection(level: Level, depth: Floats, confidence: float, threshold: int = 1, relative: float = 1.0) -> float:
    """Lower bound of the mean probability that a cell that expresses the gene is positive.

    Parameters
    ----------
    level
        Level among cells in which the gene was seen.
    depth
        Depth of the cells of which it is asked.
    confidence
        One-sided level of the bound.
    threshold
        Molecules from which a cell is positive.
    relative
        Level of the cells of which it is asked, relative to those of `level`.

    Notes
    -----
    Geometric counts of mean m: P(x >= t) = (m / (1 + m))^t.
    """
    if level.positive == 0 or len(depth) == 0:
        return 0.0
    share = float(lower_bound(level.several, level.positive, confidence))
    if share >= 1.0:
        return 1.0
    mean = relative * share / (1.0 - share) * depth / level.depth
    return float(((mean / (1.0 + mean)) ** threshold).mean())


def gate_detection(table: int, detections: Floats) -> float:
    """Smallest probability that a cell that a gate kills is seen to be killed, genes being missed independently.

    Parameters
    ----------
    table
        Truth table (`search.gate`).
    detections
        Probability for each gene.

    Returns
    -------
    float
        Minimum over the true patterns that the gate kills; at most the pattern's own chance, whatever their mixture.
    """
    inputs = len(detections)
    worst = 1.0
    for truth in range(1 << inputs):
        if not table >> truth & 1:
            continue
        seen = 0.0
        for part in range(1 << inputs):
            if part & ~truth or not table >> part & 1:
                continue
            chance = 1.0
            for i in range(inputs):
                if truth >> i & 1:
                    chance *= detections[i] if part >> i & 1 else 1.0 - detections[i]
            seen += chance
        worst = min(worst, seen)
    return float(worst)
