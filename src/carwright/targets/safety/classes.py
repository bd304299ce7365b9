"""Normal cell classes: which one a cell type belongs to, how much its loss costs, and which must be in a reference."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from carwright.yamlfile import read_yaml


@dataclass(frozen=True)
class Tier:
    """How much a class matters: limit of the positive fraction, weight in the score, and where both come from."""

    name: str
    meaning: str
    limit: float
    weight: float
    kind: str
    source: str


@dataclass(frozen=True)
class CellClass:
    """A class of normal cells.

    Parameters
    ----------
    name
        As reports call it.
    tier
        See `Tier`.
    required
        Whether a reference without it is said to lack it.
    names
        Words that put a cell type into the class.
    tissues
        Labels in bulk tables that stand for it.
    """

    name: str
    tier: Tier
    required: bool
    names: tuple[str, ...]
    tissues: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClassTable:
    """All classes, most critical first."""

    version: int
    tiers: Mapping[str, Tier]
    classes: tuple[CellClass, ...]

    def of(self, cell_type: str) -> CellClass:
        """Class of a cell type; one of its own, unclassified, where no name matches."""
        plain = _plain(cell_type)
        for entry in self.classes:
            if any(re.search(rf"(?:^| ){re.escape(_plain(name))}(?: |$)", plain) for name in entry.names):
                return entry
        return CellClass(cell_type, self.tiers["unclassified"], False, ())

    def of_tissue(self, tissue: str) -> CellClass:
        """Class that a bulk tissue stands for; one of its own, unclassified, where none does."""
        for entry in self.classes:
            if tissue in entry.tissues:
                return entry
        return CellClass(tissue.replace("_", " "), self.tiers["unclassified"], False, ())

    def missing(self, present: Iterable[str]) -> tuple[CellClass, ...]:
        """Required classes that are not among the names."""
        known = set(present)
        return tuple(entry for entry in self.classes if entry.required and entry.name not in known)

    def order(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names of classes, most critical first, those of their own last."""
        rank = {entry.name: place for place, entry in enumerate(self.classes)}
        return tuple(sorted(set(names), key=lambda name: (rank.get(name, len(rank)), name)))


@cache
def class_table() -> ClassTable:
    """The table of `classes.yaml`."""
    data = read_yaml(resources.files("carwright.targets.safety") / "classes.yaml", "classes.yaml").data
    tiers = {name: Tier(name, **entry) for name, entry in data["tiers"].items()}
    return ClassTable(data["version"], tiers, tuple(_cell_class(entry, tiers) for entry in data["classes"]))


def _cell_class(entry: Mapping[str, Any], tiers: Mapping[str, Tier]) -> CellClass:
    return CellClass(
        entry["name"], tiers[entry["tier"]], entry["required"], tuple(entry["names"]), tuple(entry.get("tissues", ()))
    )


def _plain(text: str) -> str:
    """Lower case, words parted by single blanks."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text.lower().replace("&", " and ")).split())
