"""Preparation: genes under one name, positivity, and which genes are searched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from carwright.targets.evaluate.layout import positive_entries
from carwright.targets.evaluate.thresholds import Thresholds
from carwright.targets.intake.anndata_file import Columns, genes_of, read_cells, rna_key
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
    universe: str | Collection[str] = AUTO,
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
        Genes to search: ``auto``, ``all``, ``antigens``, ``surfaceome``, a file, or the genes themselves.

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
    thresholds = Thresholds(molecules, genes=genes or {})
    thresholds.check(atlas.genes.names)
    positive = positive_entries(atlas, thresholds)
    share = positive.getnnz(axis=0) / atlas.cells
    write_var(adata, "share_positive", dict(zip(atlas.genes.names, share, strict=True)))


def write_var(adata: Any, column: str, values: Mapping[str, float]) -> None:
    """Write a number for each gene into ``var`` (of the RNA), missing where there is none.

    Parameters
    ----------
    adata
        ``AnnData`` or ``MuData``.
    column
        Name of the column.
    values
        By current symbol.
    """
    import numpy as np

    data = adata.mod[rna_key(adata)] if hasattr(adata, "mod") else adata
    genes = genes_of(data.var)
    numbers = np.full(data.n_vars, np.nan)
    for name, places in zip(genes.names, genes.columns, strict=True):
        numbers[list(places)] = values.get(name, np.nan)
    data.var[column] = numbers


def _noted(atlas: Atlas, notices: tuple[str, ...]) -> Atlas:
    from dataclasses import replace

    return replace(atlas, notices=(*atlas.notices, *notices))
