"""Bright planes: a gene seen with many molecules, as a gene of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from scipy import sparse

from carwright.targets.intake.atlas import Atlas
from carwright.targets.intake.genes import Genes
from carwright.targets.search.gate import BRIGHT

FEWEST = 10
"""Cells that must be bright for a plane to be made (assumed: fewer are no evidence, and every plane widens the
search)."""


def with_bright(atlas: Atlas, molecules: int, genes: Iterable[str] | None = None) -> Atlas:
    """Add a bright plane to genes.

    Parameters
    ----------
    atlas
        Cells.
    molecules
        From how many molecules a cell is bright. The plane counts the molecules beyond, so that one of them is enough.
    genes
        Those that get one in any case; by default all of which enough cells are bright.
    """
    counts = atlas.counts
    data = np.maximum(counts.data - (molecules - 1), 0)
    planes = sparse.csr_matrix((data, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
    planes.eliminate_zeros()
    wanted = set(genes) if genes is not None else None
    seen = planes.getnnz(axis=0)
    places = [
        place
        for place, name in enumerate(atlas.genes.names)
        if (name in wanted if wanted is not None else seen[place] >= FEWEST)
    ]
    names = (*atlas.genes.names, *(atlas.genes.names[place] + BRIGHT for place in places))
    columns = (*atlas.genes.columns, *(atlas.genes.columns[place] for place in places))
    both = sparse.hstack([counts, planes[:, places]], format="csr")
    return replace(atlas, genes=Genes(names, columns, atlas.genes.renamed, atlas.genes.merged), counts=both)
