"""How strongly each gene is expressed in each class where it is seen, and what follows for the other cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from carwright.targets.evaluate.thresholds import Thresholds
from carwright.targets.intake.atlas import Atlas
from carwright.targets.positivity.detection import ENOUGH, RELATIVE_LEVEL, Level, detection
from carwright.targets.positivity.intervals import upper_bound

QUANTILES = 33
"""Points at which the depth of a class is kept."""


@dataclass(frozen=True)
class Levels:
    """Counts of positive cells by class and gene; the last row is all cells.

    Parameters
    ----------
    positive, several
        (classes + 1, genes) cells with at least their threshold, and with at least one molecule more.
    depth
        (classes + 1, genes) mean depth of the positive cells.
    quantiles
        (classes, points) depth of each class's cells.
    thresholds
        (classes, genes) count from which a cell is positive; the highest where assays differ within a class.
    """

    positive: npt.NDArray[np.int64] = field(repr=False)
    several: npt.NDArray[np.int64] = field(repr=False)
    depth: npt.NDArray[np.float64] = field(repr=False)
    quantiles: npt.NDArray[np.float64] = field(repr=False)
    thresholds: npt.NDArray[np.int64] = field(repr=False)

    def level(self, row: int, gene: int) -> Level:
        """Level of a gene in a class; row -1 is all cells."""
        return Level(int(self.positive[row, gene]), int(self.several[row, gene]), float(self.depth[row, gene]))

    def detection(self, row: int, gene: int, confidence: float) -> float:
        """Lower bound of the chance that a cell of a class which expresses the gene is positive.

        A class with enough positive cells speaks for itself. Otherwise the level of all positive cells is taken,
        halved, but no more than the class's own few positive cells allow.
        """
        own, threshold = self.level(row, gene), int(self.thresholds[row, gene])
        if own.positive >= ENOUGH:
            return detection(own, self.quantiles[row], confidence, threshold)
        borrowed = detection(self.level(-1, gene), self.quantiles[row], confidence, threshold, RELATIVE_LEVEL)
        if own.positive == 0:
            return borrowed
        return min(borrowed, float(upper_bound(own.several, own.positive, confidence)))


def levels_of(atlas: Atlas, classes: Sequence[str], thresholds: Thresholds) -> Levels:
    """Summarise an atlas by class, each cell at the threshold of its assay and of the gene."""
    genes = atlas.counts.shape[1]
    positive = np.zeros((len(classes) + 1, genes), np.int64)
    several = np.zeros_like(positive)
    depth = np.zeros((len(classes) + 1, genes))
    quantiles = np.zeros((len(classes), QUANTILES))
    highest = np.zeros((len(classes), genes), np.int64)
    of_cell, of_gene = thresholds.of_cells(atlas.assay), thresholds.of_genes(atlas.genes.names)
    points = (np.arange(QUANTILES) + 0.5) / QUANTILES
    for row, name in enumerate([*classes, None]):
        inside = np.arange(atlas.cells) if name is None else np.flatnonzero(atlas.cell_class == name)
        part = atlas.counts[inside]
        limit = np.repeat(of_cell[inside], np.diff(part.indptr))
        limit = np.where(of_gene[part.indices] > 0, of_gene[part.indices], limit)
        seen = part.data >= limit
        columns = part.indices[seen]
        positive[row] = np.bincount(columns, minlength=genes)
        several[row] = np.bincount(part.indices[part.data > limit], minlength=genes)
        of_entry = np.repeat(atlas.depth[inside], np.diff(part.indptr))[seen]
        depth[row] = np.bincount(columns, weights=of_entry, minlength=genes) / np.maximum(positive[row], 1)
        if name is not None:
            quantiles[row] = np.quantile(atlas.depth[inside], points)
            highest[row] = np.where(of_gene > 0, of_gene, of_cell[inside].max())
    return Levels(positive, several, depth, quantiles, highest)
