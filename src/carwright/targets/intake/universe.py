"""Which genes are searched: a receptor needs a surface protein, and a search needs genes that are seen at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from carwright.errors import CarwrightError, Problem
from carwright.targets.intake.anndata_file import keep_genes
from carwright.targets.intake.atlas import Atlas
from carwright.targets.intake.genes import current_symbol
from carwright.targets.references.antigens import antigens
from carwright.targets.references.surfaceome import cached_surface_genes

AUTO, ALL, KNOWN, SURFACEOME, NAMED = "auto", "all", "antigens", "surfaceome", "named"
MOST_GENES = 4000
"""Genes of the largest search; beyond it the least often seen are left out, by name (assumed: the surfaceome is smaller,
and pairs of so many genes take seconds)."""


def choose(atlas: Atlas, universe: str = AUTO, *, always: Sequence[str] = ()) -> tuple[Atlas, tuple[str, ...]]:
    """Keep the genes to search.

    Parameters
    ----------
    atlas
        Cells.
    universe
        ``all``; ``antigens``, the package's own table; ``surfaceome``, genes with at least two votes of surface
        databases and the antigens; a file with one gene to a line; ``auto``, the surfaceome if it has been fetched,
        else all; ``named``, only those of
        `always`.
    always
        Genes to keep in any case.

    Returns
    -------
    Atlas
        With these genes.
    tuple of str
        What was left out and why, in sentences.
    """
    names = atlas.genes.names
    notices: list[str] = []
    wanted = genes_of_universe(universe, notices)
    kept_always = {current_symbol(gene) for gene in always}
    chosen = [i for i, name in enumerate(names) if wanted is None or name in wanted or name in kept_always]
    if universe == NAMED and not chosen:
        return atlas, ()  # whoever asks about these genes says which of them are missing
    if wanted is not None and universe != NAMED:
        absent = sorted(wanted - set(names))
        if universe not in (AUTO, SURFACEOME):
            notices.append(
                f"of the universe not in the data ({len(absent)}): {', '.join(absent[:8])}" if absent else ""
            )
        notices.append(f"{len(names) - len(chosen):,} genes outside the universe {universe!r} were left out")
    if not chosen:
        raise CarwrightError(
            Problem(
                "TARGETS032", "no gene of the universe is in the data", f"--universe {universe}", ", ".join(names[:6])
            )
        )
    totals = np.asarray(atlas.counts.getnnz(axis=0)).ravel()
    zero = [names[i] for i in chosen if totals[i] == 0]
    known = antigens()
    notices += [
        f"{name} reads zero in every cell and {known[name].warnings[0].removeprefix(name + ' ')}"
        for name in zero
        if name in known and "par1" in known[name].traps
    ]
    seen = [i for i in chosen if totals[i] > 0 or names[i] in kept_always]
    if zero:
        notices.append(f"genes not seen in any cell ({len(zero)}): {', '.join(zero[:8])}")
    if len(seen) > MOST_GENES:
        order = sorted(seen, key=lambda i: (names[i] not in kept_always, -totals[i], i))
        left = order[MOST_GENES:]
        seen = sorted(order[:MOST_GENES])
        notices.append(
            f"{len(left):,} genes seen least often were left out, such as {', '.join(names[i] for i in left[:5])}"
        )
    return keep_genes(atlas, seen), tuple(notice for notice in notices if notice)


def genes_of_universe(universe: str, notices: list[str]) -> set[str] | None:
    """Symbols of a universe, None for all; what to mind is added to the notices."""
    if universe == ALL:
        return None
    if universe == NAMED:
        return set()
    if universe == KNOWN:
        return set(antigens())
    if universe in (AUTO, SURFACEOME):
        surface = cached_surface_genes()
        if surface is not None:
            return {current_symbol(gene) for gene in surface} | set(antigens())
        if universe == SURFACEOME:
            raise CarwrightError(
                Problem(
                    "TARGETS033",
                    "the surfaceome has not been fetched",
                    "--universe surfaceome",
                    fix="run: carwright targets fetch surfaceome",
                )
            )
        notices.append(
            "every gene of the data is searched, be its protein on the surface or not: the surfaceome has not been "
            "fetched (carwright targets fetch surfaceome)"
        )
        return None
    path = Path(universe)
    if not path.is_file():
        raise CarwrightError(
            Problem(
                "TARGETS034",
                "there is no such universe",
                "--universe",
                universe,
                "auto, all, antigens, surfaceome, or a file with one gene to a line",
            )
        )
    return {current_symbol(line.strip()) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()}
