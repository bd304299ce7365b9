"""Antibody staining of normal tissue (Human Protein Atlas) beside RNA, and how well the two agree for a gene.

The atlas publishes a row per gene, tissue and cell type with a level and the reliability of the antibody. A table that
holds one row per gene with counts over tissues and the agreement is understood as well; it names no cell type. Staining
says neither that a protein is on the membrane nor, where it is absent, that there is none: it can make a class
unresolved, never safe and never unsafe.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import rankdata

from carwright.targets.intake.genes import current_symbol
from carwright.targets.references.cache import cached
from carwright.targets.references.ranks import mann_whitney
from carwright.targets.references.tables import read_table, wide
from carwright.targets.safety.classes import CellClass, class_table
from carwright.targets.search.gate import BRIGHT, Gate

REFERENCE = "hpa-ihc"
FETCH = f"carwright targets fetch {REFERENCE}"
LEVELS = {"not detected": 0, "low": 1, "medium": 2, "high": 3, "ascending": 1, "descending": 1}
"""Levels of the atlas; anything else ("not representative") is no reading."""
WORDS = ("not detected", "low", "medium", "high")
CLEAR = 2
"""Level from which staining speaks against a class that RNA calls safe: medium. Low staining is often background
(assumed)."""
DOUBTFUL = "uncertain"
"""Reliability of antibodies whose staining changes no verdict."""


@dataclass(frozen=True)
class Stain:
    """What antibodies show of one gene.

    Parameters
    ----------
    gene
        Symbol.
    reliability
        As the atlas grades it: enhanced, supported, approved or uncertain.
    detected, tissues
        Tissues with staining, and tissues read.
    sites
        By class of normal cells, the level and where, highest first; empty where the table names no cell types.
    rho, auc
        Over tissues: rank correlation of RNA and staining, and the chance that a stained tissue has more RNA than
        another one. None where it is not known.
    """

    gene: str
    reliability: str
    detected: int
    tissues: int
    sites: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict, repr=False)
    rho: float | None = None
    auc: float | None = None

    @property
    def note(self) -> str:
        """One sentence."""
        text = f"{self.gene}: antibodies ({self.reliability}) stain {self.detected} of {self.tissues} normal tissues"
        known = [
            f"{name} {value:.2f}"
            for name, value in (("rank correlation", self.rho), ("AUC of detection", self.auc))
            if value is not None
        ]
        return text + (f"; RNA goes with the stain with {', '.join(known)}" if known else "")

    def level(self, cell_class: str) -> int | None:
        """Highest level in a class; None where it was not read."""
        found = self.sites.get(cell_class)
        return found[0][0] if found else None


def stains(genes: Iterable[str]) -> dict[str, Stain]:
    """Staining of some genes, by symbol; empty where the reference has not been fetched.

    Raises
    ------
    CarwrightError
        If the cached table has changed or cannot be read.
    """
    path = cached(REFERENCE)
    if path is None:
        return {}
    tissue = cached("hpa-tissue")
    rna = _wide(tissue, tissue.stat().st_mtime_ns) if tissue is not None else None
    table = _table(path, path.stat().st_mtime_ns)
    return stains_of(table, genes, rna)


def stains_of(table: pl.DataFrame, genes: Iterable[str], rna: pl.DataFrame | None = None) -> dict[str, Stain]:
    """Staining of some genes.

    Parameters
    ----------
    table
        As the atlas publishes it, or one row per gene.
    genes
        Symbols; a bright plane counts as its gene.
    rna
        From `tables.wide`, RNA by tissue, for the agreement.
    """
    wanted = {current_symbol(gene.removesuffix(BRIGHT)) for gene in genes}
    names = set(table.columns)
    if {"Gene name", "Tissue", "Cell type", "Level", "Reliability"} <= names:
        rows = table.with_columns(symbol=_symbols(table, "Gene", "Gene name")).filter(pl.col("symbol").is_in(wanted))
        return {
            str(key[0]): _from_sites(str(key[0]), part, rna)
            for key, part in rows.group_by(["symbol"], maintain_order=True)
        }
    if {"gene_symbol", "ihc_reliability", "n_matched_tissues", "n_not_detected_tissues"} <= names:
        rows = table.with_columns(symbol=_symbols(table, "canonical_gene_id", "gene_symbol"))
        return {
            row["symbol"]: Stain(
                row["symbol"],
                str(row["ihc_reliability"]).lower(),
                row["n_matched_tissues"] - row["n_not_detected_tissues"],
                row["n_matched_tissues"],
                rho=row.get("rna_ihc_spearman_rho"),
                auc=row.get("detection_auc"),
            )
            for row in rows.filter(pl.col("symbol").is_in(wanted)).to_dicts()
        }
    return {}


def class_of(tissue: str, cell_type: str) -> CellClass:
    """Class of a cell type of a tissue: by its own name, else by the tissue's."""
    table = class_table()
    own = table.of(cell_type)
    if own.tier.name != "unclassified":
        return own
    return table.of_tissue(_label(tissue))


def fires(gate: Gate, cell_class: str, known: Mapping[str, Stain]) -> tuple[bool, bool, str] | None:
    """Whether a gate would kill a class by its staining.

    Returns
    -------
    tuple or None
        Whether any staining makes it fire, whether clear staining with antibodies that are not doubtful does, and the
        readings in words; None where one of the gate's genes was not read in the class.
    """
    base = [gene.removesuffix(BRIGHT) for gene in gate.genes]
    levels = [known[gene].level(cell_class) if gene in known else None for gene in base]
    if any(level is None for level in levels):
        return None
    read = [level or 0 for level in levels]
    sure = [
        level if level >= CLEAR and known[gene].reliability != DOUBTFUL else 0
        for gene, level in zip(base, read, strict=True)
    ]
    words = []
    for gene, level in dict(zip(base, read, strict=True)).items():
        site = known[gene].sites[cell_class][0][1]
        words.append(f"{gene} {WORDS[level]}" + (f" in {site}" if level else "") + f" ({known[gene].reliability})")
    any_, clear = (sum(1 << i for i, level in enumerate(row) if level) for row in (read, sure))
    return bool(gate.table >> any_ & 1), bool(gate.table >> clear & 1), "; ".join(words)


def _from_sites(gene: str, rows: pl.DataFrame, rna: pl.DataFrame | None) -> Stain:
    sites: dict[str, list[tuple[int, str]]] = {}
    by_tissue: dict[str, int] = {}
    for row in rows.to_dicts():
        level = LEVELS.get(str(row["Level"]).strip().lower())
        if level is None:
            continue
        tissue = re.sub(r" \d+$", "", str(row["Tissue"]))
        by_tissue[tissue] = max(level, by_tissue.get(tissue, 0))
        sites.setdefault(class_of(tissue, str(row["Cell type"])).name, []).append(
            (level, f"{row['Cell type']} of {tissue}")
        )
    rho, auc = _agreement(gene, by_tissue, rna)
    return Stain(
        gene,
        str(rows["Reliability"][0]).lower(),
        sum(level > 0 for level in by_tissue.values()),
        len(by_tissue),
        {name: tuple(sorted(found, key=lambda site: (-site[0], site[1]))) for name, found in sites.items()},
        rho,
        auc,
    )


def _agreement(gene: str, levels: Mapping[str, int], rna: pl.DataFrame | None) -> tuple[float | None, float | None]:
    """Rank correlation over tissues, and the AUC of detection, where either can be had."""
    if rna is None:
        return None, None
    row = rna.filter(pl.col("symbol") == gene)
    if row.is_empty():
        return None, None
    values = {_label(str(name)): value for name, value in row.row(0, named=True).items()}
    shared = [name for name in levels if isinstance(values.get(_label(name)), int | float)]
    if len(shared) < 3:
        return None, None
    x = rankdata([float(values[_label(name)]) for name in shared])
    stain = np.array([levels[name] for name in shared])
    y = rankdata(stain)
    rho = float(np.corrcoef(x, y)[0, 1]) if x.std() and y.std() else None
    auc = mann_whitney(x, stain > 0)
    return rho, None if math.isnan(auc) else auc


def _symbols(table: pl.DataFrame, identifier: str, name: str) -> pl.Series:
    """Current symbols; the identifier decides over the name, which may be out of date."""
    names = table[name].cast(pl.String)
    if identifier not in table.columns:
        return names.replace(_current(names))
    ids = table[identifier].cast(pl.String)
    by_id = {key: symbol for key, symbol in _current(ids).items() if symbol != key}
    found = ids.replace_strict(by_id, default=None, return_dtype=pl.String)
    return found.fill_null(names)


def _current(names: pl.Series) -> dict[str, str]:
    return {name: current_symbol(name) for name in names.drop_nulls().unique().to_list()}


def _label(tissue: str) -> str:
    return tissue.strip().lower().replace(" ", "_")


@lru_cache(maxsize=1)
def _table(path: Path, changed: int) -> pl.DataFrame:
    del changed
    return read_table(path)


@lru_cache(maxsize=1)
def _wide(path: Path, changed: int) -> pl.DataFrame:
    del changed
    return wide(read_table(path))
