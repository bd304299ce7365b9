"""Which genes are searched: a receptor needs a surface protein, and a search needs genes that are seen at all."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from carwright.errors import CarwrightError, Problem
from carwright.targets.intake.anndata_file import keep_genes
from carwright.targets.intake.atlas import Atlas
from carwright.targets.intake.genes import current_symbol
from carwright.targets.references.antigens import antigens
from carwright.targets.references.surfaceome import cached_surface_genes

AUTO, ALL, KNOWN, SURFACEOME = "auto", "all", "antigens", "surfaceome"
MOST_GENES = 4000
"""Genes of the largest search; beyond it the least often seen are left out, by name (assumed: it bounds the time
and the memory of a search)."""


def choose(atlas: Atlas, universe: str | Collection[str] = AUTO) -> tuple[Atlas, tuple[str, ...]]:
    """Keep the genes to search.

    Parameters
    ----------
    atlas
        Cells.
    universe
        ``all``; ``antigens``, the package's own table; ``surfaceome``, genes with at least two votes of surface
        databases and the antigens; a file with one gene to a line; ``auto``, the surfaceome if it has been fetched,
        else all. Or the genes themselves, which are kept though no cell shows them.

    Returns
    -------
    Atlas
        With these genes; with all where genes are named and none is there, for who names them says which are missing.
    tuple of str
        What was left out and why, in sentences.

    Raises
    ------
    CarwrightError
        If there is no such universe, or none of its genes is in the data.
    """
    names = atlas.genes.names
    notices: list[str] = []
    if not isinstance(universe, str):
        named = {current_symbol(gene) for gene in universe}
        places = [i for i, name in enumerate(names) if name in named]
        _seen(atlas, places, notices)
        return (keep_genes(atlas, places), tuple(notices)) if places else (atlas, ())
    wanted = genes_of_universe(universe, notices)
    chosen = [i for i, name in enumerate(names) if wanted is None or name in wanted]
    if wanted is not None:
        absent = sorted(wanted - set(names))
        if absent and universe not in (AUTO, SURFACEOME):
            notices.append(f"of the universe not in the data ({len(absent)}): {', '.join(absent[:8])}")
        notices.append(f"{len(names) - len(chosen):,} genes outside the universe {universe!r} were left out")
    if not chosen:
        raise CarwrightError(
            Problem(
                "TARGETS032", "no gene of the universe is in the data", f"--universe {universe}", ", ".join(names[:6])
            )
        )
    seen = _seen(atlas, chosen, notices)
    if len(seen) > MOST_GENES:
        totals = atlas.counts.getnnz(axis=0)
        order = sorted(seen, key=lambda i: (-totals[i], i))
        left = ", ".join(names[i] for i in order[MOST_GENES:][:5])
        notices.append(f"{len(seen) - MOST_GENES:,} genes seen least often were left out, such as {left}")
        seen = sorted(order[:MOST_GENES])
    return keep_genes(atlas, seen), tuple(notices)


def _seen(atlas: Atlas, places: Sequence[int], notices: list[str]) -> list[int]:
    """Places of the genes that some cell shows; the notices tell of the others."""
    names, totals, known = atlas.genes.names, atlas.counts.getnnz(axis=0), antigens()
    unseen = [names[i] for i in places if totals[i] == 0]
    notices += [
        f"{name} reads zero in every cell and {known[name].warnings[0].removeprefix(name + ' ')}"
        for name in unseen
        if name in known and "par1" in known[name].traps
    ]
    if unseen:
        notices.append(f"genes not seen in any cell ({len(unseen)}): {', '.join(unseen[:8])}")
    return [i for i in places if totals[i] > 0]


def genes_of_universe(universe: str, notices: list[str]) -> set[str] | None:
    """Symbols of a universe, None for all; what to mind is added to the notices."""
    if universe == ALL:
        return None
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
