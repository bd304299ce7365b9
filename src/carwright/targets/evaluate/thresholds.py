"""From how many molecules, or reads, a cell counts as positive: by assay, and by gene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from carwright.targets.search.gate import BRIGHT

FULL_LENGTH = ("smart", "full length", "fluidigm", "c1")
"""Words in the name of an assay that counts reads and not molecules."""
READS = 10
"""Reads from which a gene of such an assay counts as present (assumed)."""


@dataclass(frozen=True)
class Thresholds:
    """From how many molecules a cell is positive.

    Parameters
    ----------
    molecules
        For assays that count molecules.
    reads
        For full-length assays.
    genes
        By gene, for any assay.
    """

    molecules: int = 1
    reads: int = READS
    genes: Mapping[str, int] = field(default_factory=dict)

    def of_cells(self, assay: npt.NDArray[np.str_]) -> npt.NDArray[np.int32]:
        """(cells,) threshold of each cell's assay."""
        names, place = np.unique(assay, return_inverse=True)
        limits = [self.reads if any(word in name.lower() for word in FULL_LENGTH) else self.molecules for name in names]
        return np.array(limits, np.int32)[place]

    def of_genes(self, names: Sequence[str]) -> npt.NDArray[np.int32]:
        """(genes,) threshold of each gene that has one of its own, 0 for the others.

        A bright plane counts the molecules beyond its own threshold, of which one is enough in every assay.
        """
        return np.array([1 if name.endswith(BRIGHT) else self.genes.get(name, 0) for name in names], np.int32)
