"""Synthetic AML atlases: cells with depth, dropout, doublets and patients, in which the right answer is known.

Every normal class and every patient's blasts have, for each gene, a share of cells that express it and a level at which
they do. Cells draw expression, then molecules (Poisson at their own depth, with a log-normal spread of level between
cells). Doublets add up two cells of the same capture. The planted gates are the truth that a search should find again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy import sparse

from carwright.targets.intake.atlas import TUMOUR, Atlas
from carwright.targets.intake.genes import align
from carwright.targets.safety.classes import class_table

CLASSES = (
    "HSC",
    "MPP",
    "progenitor",
    "endothelium",
    "mural",
    "T cell",
    "B cell",
    "monocyte and macrophage",
    "granulocyte",
)
LEVEL = 6e-4
"""Share of a cell's molecules that a surface gene has where it is expressed (assumed: 3 molecules of 5,000)."""
PLANTED_LEVEL = 2e-3
"""The same for the planted genes, which are strongly expressed (assumed: 10 molecules of 5,000)."""
REST = "MALAT1"
"""Gene under which a file holds the molecules of all genes that are not drawn, so that depth is what it was."""
PLANTED = 7
"""The first genes carry the planted gates and the trap."""
SPREAD = 0.5
"""Standard deviation of the logarithm of level between cells (assumed)."""


@dataclass(frozen=True)
class Truth:
    """What was planted.

    Parameters
    ----------
    tumour
        (patients, genes) share of blasts that express each gene.
    normal
        (classes, genes) share of normal cells that do.
    gates
        Planted gates, as expressions.
    doublet_pairs
        Pairs of genes that no single cell shares, though one is on blasts and the other on abundant normal cells.
    """

    tumour: npt.NDArray[np.float64] = field(repr=False)
    normal: npt.NDArray[np.float64] = field(repr=False)
    gates: tuple[str, ...]
    doublet_pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Synthetic:
    """An atlas with its truth."""

    atlas: Atlas
    truth: Truth


def aml_atlas(
    *,
    genes: int = 60,
    patients: int = 12,
    donors: int = 6,
    cells_per_patient: int = 300,
    cells_per_class: int = 120,
    depth: float = 5000.0,
    doublets: float = 0.04,
    seed: int = 0,
    classes: Sequence[str] = CLASSES,
    hsc_shares: Mapping[str, float] | None = None,
) -> Synthetic:
    """Draw an atlas.

    Parameters
    ----------
    genes
        Surface genes, at least 12; the first eight carry the planted gates and the trap.
    patients, donors
        Patients with AML, and healthy donors.
    cells_per_patient, cells_per_class
        Blasts of each patient; normal cells of each class and healthy donor. Patients also hold normal T cells and
        monocytes, a fifth of their blasts each.
    depth
        Median molecules of a cell.
    doublets
        Share of droplets with two cells.
    seed
        Same seed, same cells.
    classes
        Normal classes that the reference holds.
    hsc_shares
        Share of HSC that express some genes, by name, in place of what is drawn.

    Notes
    -----
    Planted: ``G0 AND G1`` (both on nearly all blasts, each on other normal classes, together on none), ``G2 AND NOT
    G3`` (G3 on the normal cells that have G2). ``G5`` (blasts) and ``G6`` (T cells and monocytes) are together only in
    doublets.
    """
    rng = np.random.default_rng([seed, 20_06])
    names = [f"G{i}" for i in range(genes)]
    row = {name: place for place, name in enumerate(classes)}
    tumour = np.tile(rng.beta(0.4, 4.0, genes), (patients, 1))
    normal = rng.beta(0.5, 3.0, (len(classes), genes))
    tumour[:, 0], tumour[:, 1], tumour[:, 2], tumour[:, 4], tumour[:, 5] = 0.95, 0.95, 0.9, 0.66, 0.7
    tumour[:, [3, 6]] = 0.0
    normal[:, :7] = 0.0
    homes: tuple[str, ...]
    for gene, homes in ((0, ("HSC", "endothelium", "B cell")), (1, ("T cell", "monocyte and macrophage", "MPP"))):
        for home in homes:
            if home in row:
                normal[row[home], gene] = 0.5
    for home in ("progenitor", "mural"):
        if home in row:
            normal[row[home], 2] = normal[row[home], 3] = 0.6
    for gene, homes in (
        (4, ("endothelium",)),
        (5, ("endothelium", "granulocyte")),
        (6, ("T cell", "monocyte and macrophage")),
    ):
        for home in homes:
            if home in row:
                normal[row[home], gene] = 0.8 if gene == 6 else 0.3
    for name, share in (hsc_shares or {}).items():
        normal[row["HSC"], names.index(name)] = share
    spread = rng.normal(0.0, 0.4, (patients, genes))
    odds = np.log(np.clip(tumour, 1e-6, 1 - 1e-6) / (1 - np.clip(tumour, 1e-6, 1 - 1e-6))) + spread
    tumour = np.where(tumour > 0, 1 / (1 + np.exp(-odds)), 0.0)

    blocks: list[tuple[str, str, int, npt.NDArray[np.float64]]] = []
    for p in range(patients):
        blocks.append((f"P{p:02d}", TUMOUR, cells_per_patient, tumour[p]))
        blocks += [
            (f"P{p:02d}", home, cells_per_patient // 5, normal[row[home]])
            for home in ("T cell", "monocyte and macrophage")
            if home in row
        ]
    for d in range(donors):
        blocks += [(f"D{d:02d}", name, cells_per_class, normal[row[name]]) for name in classes]
    counts, donor, kind = [], [], []
    for of, name, size, shares in blocks:
        expressed = rng.random((size, genes)) < shares
        if name in ("progenitor", "mural"):  # G3 stands where G2 does
            expressed[:, 3] = expressed[:, 2]
        counts.append(_molecules(rng, expressed, depth))
        donor += [of] * size
        kind += [name] * size
    molecules = np.concatenate([part for part, _ in counts])
    total = np.concatenate([part for _, part in counts])
    molecules, total = _doublets(rng, molecules, total, np.array(donor), doublets)
    table = class_table()
    cell_class = np.array(kind)
    malignant = cell_class == TUMOUR
    types = np.where(malignant, "malignant", cell_class)
    assert all(table.of(name).name == name for name in classes)  # noqa: S101 - the class names are cell types too
    atlas = Atlas(
        align(names), sparse.csr_matrix(molecules), total, malignant, np.array(donor), types, cell_class,
        np.full(len(donor), "10x 3' v3"),
    )  # fmt: skip
    return Synthetic(atlas, Truth(tumour, normal, ("G0 AND G1", "G2 AND NOT G3"), (("G5", "G6"),)))


def _molecules(
    rng: np.random.Generator, expressed: npt.NDArray[np.bool_], depth: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Molecules of each gene, and of all genes, in each cell."""
    total = np.round(depth * np.exp(rng.normal(0.0, 0.4, len(expressed))))
    level = LEVEL * np.exp(rng.normal(0.0, SPREAD, expressed.shape))
    level[:, :PLANTED] *= PLANTED_LEVEL / LEVEL
    mean = np.where(expressed, total[:, None] * level, 0.0)
    return rng.poisson(mean).astype(np.int32), total


def _doublets(
    rng: np.random.Generator,
    molecules: npt.NDArray[np.int32],
    total: npt.NDArray[np.float64],
    donor: npt.NDArray[np.str_],
    rate: float,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Add a second cell of the same capture to some cells."""
    result, depth = molecules.copy(), total.copy()
    for of in np.unique(donor):
        inside = np.flatnonzero(donor == of)
        hit = inside[rng.random(len(inside)) < rate]
        other = rng.choice(inside, len(hit))
        result[hit] += molecules[other]
        depth[hit] += total[other]
    return result, depth


def to_anndata(synthetic: Synthetic):  # type: ignore[no-untyped-def]
    """The atlas as ``AnnData`` with CELLxGENE's column names."""
    import anndata
    import pandas as pd

    atlas = synthetic.atlas
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(atlas.cell_type),
            "donor_id": pd.Categorical(atlas.donor),
            "malignant": atlas.malignant,
            "assay": pd.Categorical(atlas.assay),
        },
        index=[f"cell{i}" for i in range(atlas.cells)],
    )
    rest = np.maximum(atlas.depth - np.asarray(atlas.counts.sum(axis=1)).ravel(), 0.0)
    counts = sparse.hstack([atlas.counts, sparse.csr_matrix(rest[:, None])], format="csr").astype(np.float32)
    data = anndata.AnnData(counts, obs=obs, var=pd.DataFrame(index=[*atlas.genes.names, REST]))
    data.uns["planted_gates"] = list(synthetic.truth.gates)
    return data
