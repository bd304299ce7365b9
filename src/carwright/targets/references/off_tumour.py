"""Where else a gene is expressed, from tables of normal tissue and cell types; and which classes these lack."""

from __future__ import annotations

from typing import Any

import polars as pl

from carwright.targets.intake.genes import current_symbol
from carwright.targets.references.antigens import antigens
from carwright.targets.references.cache import cached
from carwright.targets.references.ihc import FETCH, REFERENCE, WORDS, stains
from carwright.targets.references.tables import read_table, wide
from carwright.targets.safety.classes import class_table

FLAG_NTPM = 10.0
"""Expression from which a site is flagged, nTPM. Assumed: the atlas calls 1 nTPM detected; at 10 every validated
off-tumour site of PSMA is flagged and its tissues near the limit of detection are not."""

TABLES = {"hpa-tissue": "tissue", "hpa-cell-type": "cell type"}


def off_tumour_sites(gene: str, table: pl.DataFrame, kind: str, *, least: float = FLAG_NTPM) -> list[dict[str, Any]]:
    """Sites of a table in which a gene reaches a level, highest first.

    Parameters
    ----------
    gene
        Symbol.
    table
        From `tables.wide`: a row per gene, a column per site.
    kind
        ``tissue`` or ``cell type``.
    least
        Level from which a site counts, nTPM.
    """
    known = antigens().get(gene)
    wanted = (pl.col("symbol") == gene) | ((pl.col("ensembl") == known.ensembl) if known else pl.lit(value=False))
    rows = table.filter(wanted)
    if rows.is_empty():
        return []
    classes = class_table()
    values = rows.row(0, named=True)
    sites = []
    for site, value in values.items():
        if site in ("ensembl", "symbol") or value is None or value < least:
            continue
        label = str(site).replace(" ", "_").lower() if kind == "tissue" else str(site)
        entry = classes.of_tissue(label) if kind == "tissue" else classes.of(label)
        sites.append(
            {"site": str(site).replace("_", " "), "class": entry.name, "tier": entry.tier.name, "value": float(value)}
        )
    return sorted(sites, key=lambda site: (-site["value"], site["site"]))


def represented(table: pl.DataFrame, kind: str) -> set[str]:
    """Classes that a table has a column for."""
    classes = class_table()
    sites = [column for column in table.columns if column not in ("ensembl", "symbol")]
    if kind == "tissue":
        return {classes.of_tissue(site.replace(" ", "_").lower()).name for site in sites}
    return {classes.of(site).name for site in sites}


def _tier(cell_class: str) -> str:
    table = class_table()
    return next((entry.tier.name for entry in table.classes if entry.name == cell_class), "unclassified")


def explain_gene(gene: str) -> dict[str, Any]:
    """What is known of a gene without any cells: other names, traps, sites in the references that were fetched."""
    symbol = current_symbol(gene)
    known = antigens().get(symbol)
    flags: list[dict[str, Any]] = []
    notices: list[str] = []
    seen: set[str] = set()
    for name, kind in TABLES.items():
        path = cached(name)
        if path is None:
            notices.append(f"the reference {name} has not been fetched (carwright targets fetch {name})")
            continue
        table = wide(read_table(path))
        flags += [{**site, "table": name} for site in off_tumour_sites(symbol, table, kind)]
        seen |= represented(table, kind)
    if seen:
        missing = [entry.name for entry in class_table().missing(seen)]
        notices.append(f"not represented in these references, so nothing is known of: {', '.join(missing)}")
    stain = stains([symbol]).get(symbol)
    if stain is not None:
        notices.append(stain.note)
        flags += [
            {"site": site, "class": name, "tier": _tier(name), "value": WORDS[level], "table": REFERENCE}
            for name, found in stain.sites.items()
            for level, site in found
            if level
        ]
    elif cached(REFERENCE) is None:
        notices.append(f"the reference {REFERENCE} has not been fetched ({FETCH})")
    if known is None:
        notices.append(f"{symbol} is not in the package's own table of antigens")
    return {
        "gene": symbol,
        "ensembl": known.ensembl if known else None,
        "aliases": list(known.aliases) if known else [],
        "warnings": list(known.warnings) if known else [],
        "flags": flags,
        "not_represented": [entry.name for entry in class_table().missing(seen)] if seen else [],
        "notices": notices,
    }
