"""Genes whose proteins are on the surface, by the votes of seven databases."""

from __future__ import annotations

from carwright.targets.references.cache import cached
from carwright.targets.references.tables import read_table

VOTES = 2
"""Databases that must agree. Fewer would let secreted proteins in; more would lose known targets."""


def cached_surface_genes() -> tuple[str, ...] | None:
    """Symbols with enough votes, if the table has been fetched."""
    path = cached("surfaceome")
    if path is None:
        return None
    table = read_table(path)
    return tuple(table.filter(table["n_db_votes"] >= VOTES)["gene_symbol"].to_list())
