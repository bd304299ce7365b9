"""Preparation: genes under one name, positivity, and which genes are searched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carwright.targets.evaluate.layout import Thresholds, positive_entries
from carwright.targets.intake.anndata_file import Columns, read_cells
from carwright.targets.intake.atlas import Atlas
from carwright.targets.intake.universe import AUTO, choose


def cells(
    adata: Any,
    *,
    cell_type: str = "cell_type",
    donor: str | None = None,
    malignant: str | None = None,
    assay: str = "assay",
    layer: str | None = None,
    universe: str = AUTO,
) -> Atlas:
    """Read an AnnData or MuData object, in memory or backed, into the form that `tl` works on.

    Parameters
    ----------
    adata
        Counts in ``X``, ``layers["counts"]`` or ``raw``; protein in ``obsm["protein"]`` or a MuData modality.
    cell_type, donor, malignant, assay
        Columns of ``obs``; CELLxGENE's names by default.
    layer
        Layer that holds the counts.
    universe
        Genes to search: ``auto``, ``all``, ``antigens``, ``surfaceome`` or a file.

    Raises
    ------
    CarwrightError
        With every problem of the data.
    """
    atlas = read_cells(adata, columns=Columns(cell_type, donor, malignant, assay, layer))
    chosen, notices = choose(atlas, universe)
    return _noted(chosen, notices)


def positivity(adata: Any, *, molecules: int = 1, genes: Mapping[str, int] | None = None, **columns: Any) -> None:
    """Write the share of positive cells of each gene into ``var["share_positive"]``, never making the matrix dense.

    Parameters
    ----------
    adata
        As in `cells`; ``var`` gets the column.
    molecules
        From how many molecules a cell is positive.
    genes
        By gene, where it differs.
    **columns
        As in `cells`.
    """
    atlas = read_cells(adata, columns=Columns(**columns))
    positive = positive_entries(atlas, Thresholds(molecules, genes=genes or {}))
    share = positive.getnnz(axis=0) / atlas.cells
    column = {place: share[gene] for gene, of in enumerate(atlas.genes.columns) for place in of}
    adata.var["share_positive"] = [column[place] for place in range(adata.n_vars)]


def _noted(atlas: Atlas, notices: tuple[str, ...]) -> Atlas:
    from dataclasses import replace

    return replace(atlas, notices=(*atlas.notices, *notices))
