"""Several files as one atlas: genes that all of them measure, cells one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from carwright.errors import CarwrightError, Problem
from carwright.targets.intake.anndata_file import keep_genes
from carwright.targets.intake.atlas import Atlas


def join(parts: Sequence[Atlas]) -> Atlas:
    """Put atlases together; donors of different files stay apart even where they share a name.

    Raises
    ------
    CarwrightError
        If the files share no gene.
    """
    if len(parts) == 1:
        return parts[0]
    shared = set(parts[0].genes.names).intersection(*(part.genes.names for part in parts[1:]))
    if not shared:
        raise CarwrightError(Problem("TARGETS022", "the files share no gene", found=f"{len(parts)} files"))
    names = [name for name in parts[0].genes.names if name in shared]
    kept = []
    for part in parts:
        place = {name: i for i, name in enumerate(part.genes.names)}
        kept.append(keep_genes(part, [place[name] for name in names]))
    left = sorted({name for part in parts for name in part.genes.names} - shared)
    notices = [text for part in parts for text in part.notices]
    if left:
        notices.append(f"{len(left):,} genes are not in every file and were left out: {', '.join(left[:8])}")
    donors = [np.char.add(f"{i + 1}:", part.donor) for i, part in enumerate(kept)]
    proteins = tuple(dict.fromkeys(name for part in kept for name in part.proteins))
    protein = None
    if proteins:
        protein = np.full((sum(part.cells for part in kept), len(proteins)), np.nan, np.float32)
        row = 0
        for part in kept:
            if part.protein is not None:
                places = [proteins.index(name) for name in part.proteins]
                protein[row : row + part.cells, places] = part.protein
            row += part.cells
    return Atlas(
        kept[0].genes,
        sparse.vstack([part.counts for part in kept], format="csr"),
        np.concatenate([part.depth for part in kept]),
        np.concatenate([part.malignant for part in kept]),
        np.concatenate(donors),
        np.concatenate([part.cell_type for part in kept]),
        np.concatenate([part.cell_class for part in kept]),
        np.concatenate([part.assay for part in kept]),
        tuple(notices),
        protein,
        proteins,
    )
