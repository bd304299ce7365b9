"""From how many molecules, or reads, a cell counts as positive: by assay, and by gene."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np
import numpy.typing as npt

from carwright.errors import Problems
from carwright.targets.intake.genes import current_symbol
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

    def __post_init__(self) -> None:
        """Genes go by their current symbols."""
        object.__setattr__(self, "genes", {current_symbol(gene): value for gene, value in self.genes.items()})

    def check(self, names: Sequence[str]) -> None:
        """Refuse thresholds of genes that are not there.

        Raises
        ------
        CarwrightError
            Naming every such gene, with the nearest names.
        """
        problems, there = Problems(), set(names)
        for gene, value in self.genes.items():
            if gene not in there:
                near = get_close_matches(gene, names, n=3) or names[:5]
                problems.add(
                    "TARGETS053", "a threshold is given for a gene that is not looked at", where=f"{gene}={value}",
                    found=gene, allowed=f"genes of the search, such as {', '.join(near)}",
                    fix="check its name, and whether the data and the universe hold it",
                )  # fmt: skip
        problems.raise_if_any()

    def check_bright(self, bright: int, names: Iterable[str]) -> None:
        """Refuse a brightness below a gene's own threshold: its cells would be bright and not positive.

        Raises
        ------
        CarwrightError
            Naming every such gene of ``names``.
        """
        problems = Problems()
        for gene in names:
            own = self.genes.get(gene, self.molecules)
            if bright < own:
                problems.add(
                    "TARGETS053", "a gene would be bright with fewer molecules than make it positive", where=gene,
                    found=f"bright from {bright}, positive from {own}", allowed=f"bright from {own} or more",
                    fix="raise the brightness (--if-better), or lower the threshold (--molecules)",
                )  # fmt: skip
        problems.raise_if_any()

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
