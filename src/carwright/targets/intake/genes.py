"""Genes under one name each: symbols or Ensembl ids, other names joined, what was not understood listed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from carwright.errors import CarwrightError, Problem
from carwright.targets.references.antigens import antigens
from carwright.targets.search.gate import BRIGHT

ENSEMBL = re.compile(r"(ENSG\d{11})(?:\.\d+)?(?:_PAR_Y)?\Z")
MOUSE_ENSEMBL = re.compile(r"ENSMUSG\d+")
MOUSE_SHARE = 0.5
"""Share of names written as mouse symbols (Cd33) from which the species is taken to be wrong."""


@dataclass(frozen=True)
class Genes:
    """Columns of a table under their names.

    Parameters
    ----------
    names
        Current symbol where known, else as given; unique.
    columns
        Columns of the table that belong to each name; several where one gene stands under several names.
    renamed
        Old name to current symbol.
    merged
        Names that several columns share; their counts are added.
    """

    names: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...] = field(repr=False)
    renamed: Mapping[str, str]
    merged: tuple[str, ...]

    def place(self, wanted: Iterable[str]) -> dict[str, int]:
        """Places of some genes, under any of their names; those not found are left out."""
        places = {name: place for place, name in enumerate(self.names)}
        current = {name: current_symbol(name) for name in wanted}
        return {name: places[symbol] for name, symbol in current.items() if symbol in places}


def _lookup() -> dict[str, str]:
    """Symbol, Ensembl id and every other name of the antigens, in capitals, to the current symbol."""
    table: dict[str, str] = {}
    for antigen in antigens().values():
        for name in (*antigen.aliases, antigen.ensembl, antigen.symbol):
            table[name.upper()] = antigen.symbol
    return table


_ALIASES = _lookup()


def current_symbol(name: str) -> str:
    """Current symbol of a gene known under another name or by its Ensembl id; the name itself where none is known."""
    match = ENSEMBL.match(name)
    return _ALIASES.get((match.group(1) if match else name).upper(), match.group(1) if match else name)


def current_gene(name: str) -> str:
    """Current symbol of a gene or of its bright plane."""
    base = name.removesuffix(BRIGHT)
    return current_symbol(base) + name[len(base) :]


def align(index: Sequence[str], symbols: Sequence[str] | None = None, ensembl: Sequence[str] | None = None) -> Genes:
    """Give each column of a table its gene.

    Parameters
    ----------
    index
        Names of the columns.
    symbols
        Symbols beside them (CELLxGENE's ``feature_name``), if any.
    ensembl
        Ensembl ids beside them, if any. An id decides over a symbol, which may be out of date.

    Raises
    ------
    CarwrightError
        For genes of another species, or a table without genes.
    """
    if not len(index):
        raise CarwrightError(Problem("TARGETS020", "the table has no genes", allowed="at least one column"))
    _refuse_mouse(index, symbols)
    names, renamed = [], {}
    for column, given in enumerate(index):
        symbol = str(symbols[column]) if symbols is not None else str(given)
        identifier = str(ensembl[column]) if ensembl is not None else str(given)
        by_id = current_symbol(identifier) if ENSEMBL.match(identifier) else ""
        name = by_id if by_id and not ENSEMBL.match(by_id) else current_symbol(symbol)
        names.append(name)
        if name != symbol and not ENSEMBL.match(symbol):
            renamed[symbol] = name
    places: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        places.setdefault(name, []).append(column)
    merged = tuple(name for name, columns in places.items() if len(columns) > 1)
    return Genes(tuple(places), tuple(map(tuple, places.values())), renamed, merged)


def _refuse_mouse(index: Sequence[str], symbols: Sequence[str] | None) -> None:
    names = [str(name) for name in (symbols if symbols is not None else index)]
    letters = [name for name in names if re.match(r"[A-Za-z]{2}", name) and not ENSEMBL.match(name)]
    mouse = [name for name in letters if re.match(r"[A-Z][a-z]+[a-z0-9]*\Z", name)]
    ids = [str(name) for name in index if MOUSE_ENSEMBL.match(str(name))]
    if ids or (len(letters) >= 10 and len(mouse) > MOUSE_SHARE * len(letters)):
        raise CarwrightError(
            Problem(
                "TARGETS021",
                "these look like mouse genes",
                "var_names",
                ", ".join((ids or mouse)[:5]),
                "human symbols (CD33) or Ensembl ids (ENSG...)",
                "map them to their human orthologues first; the antigen tables and limits are human",
            )
        )


def duplicates(names: Sequence[str]) -> tuple[str, ...]:
    """Names that stand more than once."""
    return tuple(name for name, count in Counter(map(str, names)).items() if count > 1)


def merge_matrix(genes: Genes, columns: int) -> tuple[npt.NDArray[np.int64], bool]:
    """(columns,) place of each column's gene, and whether any gene has several columns."""
    place = np.zeros(columns, np.int64)
    for gene, of in enumerate(genes.columns):
        place[list(of)] = gene
    return place, bool(genes.merged)
