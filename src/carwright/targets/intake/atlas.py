"""Cells with their counts, patients and classes: what the search and the verdicts work on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from carwright.targets.intake.genes import Genes

TUMOUR = "tumour"
"""Compartment of the malignant cells."""


@dataclass(frozen=True)
class Atlas:
    """Cells under one roof.

    Parameters
    ----------
    genes
        Names of the columns of `counts`.
    counts
        int32 (cells, genes), sparse rows: molecules.
    depth
        (cells,) molecules of all genes of the file, also of those that are left out here.
    malignant
        (cells,) whether the cell is of the tumour.
    donor
        (cells,) patient or donor.
    cell_type
        (cells,) as given.
    cell_class
        (cells,) safety class of a normal cell; `TUMOUR` for a malignant one.
    assay
        (cells,) as given; empty where the file does not say.
    notices
        What happened on the way in, one sentence each.
    protein
        (cells, proteins) values of surface proteins, if any; NaN where a cell has none.
    proteins
        Names of its columns.
    """

    genes: Genes
    counts: csr_matrix = field(repr=False)
    depth: npt.NDArray[np.float64] = field(repr=False)
    malignant: npt.NDArray[np.bool_] = field(repr=False)
    donor: npt.NDArray[np.str_] = field(repr=False)
    cell_type: npt.NDArray[np.str_] = field(repr=False)
    cell_class: npt.NDArray[np.str_] = field(repr=False)
    assay: npt.NDArray[np.str_] = field(repr=False)
    notices: tuple[str, ...] = ()
    protein: npt.NDArray[np.float32] | None = field(default=None, repr=False)
    proteins: tuple[str, ...] = ()

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.depth)

    def column(self, gene: int) -> npt.NDArray[np.int32]:
        """(cells,) molecules of one gene."""
        return np.asarray(self.counts[:, [gene]].todense()).ravel()
