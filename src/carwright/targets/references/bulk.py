"""A ranking from bulk RNA: expression in the tumour against vital and serious tissue.

A gene's score is its logarithm in the tumour less the mean of its logarithms over vital and serious tissues: how much
more the tumour has than such a tissue typically has. The tissue that has most of it stands beside. That single highest
value ranks known targets worse, in AML and in thirteen solid and lymphoid tumours alike: it is mostly blood cells and
macrophages in one tissue (docs/explanation/targets.md).

Bulk tissue cannot see rare cells: an antigen of blood stem cells ranks high. It is a second opinion, and shows whether
a table and a list of targets go together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from carwright.errors import CarwrightError, Problem, Problems
from carwright.targets.intake.genes import current_symbol
from carwright.targets.references.antigens import antigens
from carwright.targets.references.cache import cached
from carwright.targets.references.ranks import mann_whitney
from carwright.targets.references.tables import read_table, wide
from carwright.targets.safety.classes import class_table

VITAL_EXTRA = ("bone_marrow",)
"""Blood-forming tissue is left out: it holds the tumour's own lineage."""


@dataclass(frozen=True)
class BulkRanking:
    """Genes of a tumour against normal tissue.

    Parameters
    ----------
    scores
        By gene: log2 of the level in the tumour less the mean log2 over vital and serious tissues.
    margins
        By gene: log2 of the level in the tumour over that of the highest such tissue.
    levels
        By gene: level in the tumour.
    highest
        By gene: the tissue that has most of it, and its level.
    notices
        What to mind.
    """

    scores: Mapping[str, float] = field(repr=False)
    margins: Mapping[str, float] = field(repr=False)
    levels: Mapping[str, float] = field(repr=False)
    highest: Mapping[str, tuple[str, float]] = field(repr=False)
    notices: tuple[str, ...]


MOST_ROWS = 1.5
"""Rows per gene from which a table holds more than one tumour. Assumed: a few genes stand under two identifiers, and a
second tumour makes two rows of every gene."""
FEWEST_GENES, LEAST_SPREAD = 5000, 10.0
"""Among so many genes, the 99th percentile of TPM lies more than this many times above the median; in the tables seen
here some 100 times."""


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
    """Rank genes by their level in the tumour against vital and serious tissue.

    Parameters
    ----------
    tumour
        A row per gene: ``symbol`` and the column, TPM.
    column
        Level in the tumour. The upper quartile over patients also finds antigens of a part of the patients.
    normal
        From `tables.wide`: a row per gene, a column per tissue, nTPM.
    universe
        Genes to rank; all by default.
    least
        Level in the tumour below which a gene is left out.
    pseudo
        Added to all levels.
    """
    tissues = vital_tissues(normal)
    joined = _current(tumour.select("symbol", pl.col(column).cast(pl.Float64).alias("level"))).join(
        _current(normal.select("symbol", *tissues)), on="symbol", how="inner"
    )
    known = antigens()
    zero = joined.filter(pl.col("level") == 0)["symbol"].to_list()
    notices = tuple(
        text
        for gene in zero
        if gene in known and "par1" in known[gene].traps
        for text in (f"{gene} reads zero in the tumour and {known[gene].warnings[0].removeprefix(gene + ' ')}",)
    )
    middle, high = (float(joined["level"].quantile(share) or 0.0) for share in (0.5, 0.99))
    if len(joined) >= FEWEST_GENES and high < LEAST_SPREAD * middle:
        text = f"levels of the tumour lie close together (median {middle:.3g}, 99th percentile {high:.3g}), as on a "
        notices += (text + "compressed scale: they do not compare with TPM, so the scores mean little",)
    kept = joined.filter(pl.col("level") >= least)
    if universe is not None:
        kept = kept.filter(pl.col("symbol").is_in({current_symbol(gene) for gene in universe}))
    names, level = kept["symbol"].to_list(), kept["level"].to_numpy()
    values = kept.select(pl.col(tissues).cast(pl.Float64)).to_numpy()
    missing = np.isnan(values).all(axis=1)
    names, level, values = [n for n, m in zip(names, missing, strict=True) if not m], level[~missing], values[~missing]
    own, others = np.log2(level + pseudo), np.log2(values + pseudo)
    top = np.nanargmax(values, axis=1) if len(names) else np.zeros(0, int)
    most = values[np.arange(len(names)), top]

    def by_gene(numbers: npt.NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(names, map(float, numbers), strict=True))

    return BulkRanking(
        by_gene(own - np.nanmean(others, axis=1)),
        by_gene(own - np.log2(most + pseudo)),
        by_gene(level),
        {name: (tissues[t], float(value)) for name, t, value in zip(names, top, most, strict=True)},
        notices,
    )


def read_bulk(path: Path, column: str, rows: Mapping[str, str]) -> pl.DataFrame:
    """Read a table of a tumour with a row per gene.

    Parameters
    ----------
    path
        Parquet, or tab- or comma-separated; its genes are named in ``symbol``, ``gene``, ``Gene name`` or ``Symbol``.
    column
        Level in the tumour.
    rows
        Which rows count, by column.

    Raises
    ------
    CarwrightError
        If the table cannot be read, or lacks a column or such rows.
    """
    if not path.is_file():
        raise CarwrightError(Problem("TARGETS002", "there is no such file", str(path), fix="check the path"))
    table, problems = read_table(path), Problems()
    names = next(
        (name for name in ("symbol", "gene", "gene_symbol", "Gene name", "Symbol") if name in table.columns), ""
    )
    if not names:
        problems.add("TARGETS006", "there is no column of genes", where=str(path), found=", ".join(table.columns[:12]))
    for wanted in (column, *rows):
        if wanted not in table.columns:
            problems.add(
                "TARGETS006", f"there is no column {wanted!r}", where=str(path), found=", ".join(table.columns[:12])
            )
    problems.raise_if_any()
    for name, value in rows.items():
        table = table.filter(pl.col(name).cast(pl.String) == value)
    if table.is_empty():
        wanted = ", ".join(f"{name}={value}" for name, value in rows.items())
        raise CarwrightError(Problem("TARGETS049", "the table has no such row", str(path), wanted))
    genes = table[names].n_unique()
    if len(table) > MOST_ROWS * genes:
        fix, found = "choose rows with --rows COLUMN=VALUE", f"{len(table):,} rows of {genes:,} genes"
        raise CarwrightError(Problem("TARGETS049", "the table has several rows for a gene", str(path), found, fix=fix))
    return table.rename({names: "symbol"}) if names != "symbol" else table


def normal_tissue() -> pl.DataFrame:
    """RNA of normal tissue, from the cache.

    Raises
    ------
    CarwrightError
        If it has not been fetched.
    """
    path = cached("hpa-tissue")
    if path is None:
        fix = "run: carwright targets fetch hpa-tissue"
        raise CarwrightError(Problem("TARGETS048", "a bulk ranking needs RNA of normal tissue", "hpa-tissue", fix=fix))
    return wide(read_table(path))


def _current(table: pl.DataFrame) -> pl.DataFrame:
    """One row per gene under its current symbol; the highest value where a gene has several rows."""
    names = table["symbol"].to_list()
    renamed = table.with_columns(pl.Series("symbol", [current_symbol(str(name)) for name in names]))
    return renamed.group_by("symbol", maintain_order=True).agg(pl.all().max())


def auc(scores: Mapping[str, float], positives: Collection[str]) -> float:
    """Chance that a positive gene scores more than another one, ties counting half (Mann and Whitney).

    NaN where no gene, or every gene, is positive.
    """
    known = {current_symbol(gene) for gene in positives}
    return mann_whitney(list(scores.values()), [gene in known for gene in scores])
