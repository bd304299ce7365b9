"""A ranking from bulk RNA: expression in the tumour against the vital tissue that has most of it.

Bulk tissue cannot see rare cells: an antigen of blood stem cells ranks high. It is a second opinion, and
shows whether a table and a list of targets go together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.stats import rankdata

from carwright.targets.references.antigens import antigens
from carwright.targets.safety.classes import class_table

VITAL_EXTRA = ("bone_marrow",)
"""Blood-forming tissue is left out: it holds the tumour's own lineage."""


@dataclass(frozen=True)
class BulkRanking:
    """Score of each gene, log2 of tumour over the highest vital tissue, and what to mind."""

    scores: Mapping[str, float] = field(repr=False)
    notices: tuple[str, ...]


def vital_tissues(normal: pl.DataFrame) -> list[str]:
    """Columns of a table of normal tissues that stand for a vital class."""
    table = class_table()
    return [
        column
        for column in normal.columns
        if column not in ("symbol", "ensembl")
        and column not in VITAL_EXTRA
        and table.of_tissue(column.replace(" ", "_").lower()).tier.name in ("vital", "serious")
    ]


def rank_bulk(
    tumour: pl.DataFrame,
    column: str,
    normal: pl.DataFrame,
    *,
    universe: Collection[str] | None = None,
    least: float = 1.0,
    pseudo: float = 1.0,
) -> BulkRanking:
    """Rank genes by log2 of their level in the tumour over that of the highest vital or serious tissue.

    Parameters
    ----------
    tumour
        A row per gene: ``symbol`` and the column, TPM.
    column
        Level in the tumour.
    normal
        From `tables.wide`: a row per gene, a column per tissue, nTPM.
    universe
        Genes to rank; all by default.
    least
        Level in the tumour below which a gene is left out.
    pseudo
        Added to both levels.
    """
    tissues = vital_tissues(normal)
    highest = normal.group_by("symbol").agg(pl.max_horizontal(*[pl.col(t).max() for t in tissues]).alias("highest"))
    joined = tumour.select("symbol", pl.col(column).alias("level")).join(highest, on="symbol", how="inner")
    known = antigens()
    zero = joined.filter(pl.col("level") == 0)["symbol"].to_list()
    notices = tuple(
        text
        for gene in zero
        if gene in known and "par1" in known[gene].traps
        for text in (f"{gene} reads zero in the tumour and {known[gene].warnings[0].removeprefix(gene + ' ')}",)
    )
    kept = joined.filter(pl.col("level") >= least)
    if universe is not None:
        kept = kept.filter(pl.col("symbol").is_in(list(universe)))
    level, most = kept["level"].to_numpy(), kept["highest"].to_numpy()
    score = np.log2((level + pseudo) / (most + pseudo))
    return BulkRanking(dict(zip(kept["symbol"].to_list(), map(float, score), strict=True)), notices)


def auc(scores: Mapping[str, float], positives: Collection[str]) -> float:
    """Chance that a positive gene scores more than another one, ties counting half (Mann and Whitney)."""
    names = list(scores)
    inside = np.isin(names, list(positives))
    ranks = rankdata([scores[name] for name in names])
    n, m = inside.sum(), (~inside).sum()
    return float((ranks[inside].sum() - n * (n + 1) / 2) / (n * m))
