"""The package's own table of antigens: identifiers, other names and what expression alone does not show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from carwright.targets.search.gate import Gate
from carwright.yamlfile import read_yaml

TRAPS = {
    "par1": "lies in the pseudo-autosomal region 1: some pipelines drop its reads, so that zero means nothing",
    "soluble": "has a soluble form: RNA in a tissue does not say that its cells carry the protein",
    "isoform": "is aimed at as one isoform or sugar form: RNA of the gene overstates it",
    "conformation": "is aimed at in one conformation, which expression cannot show",
}


@dataclass(frozen=True)
class Antigen:
    """One antigen.

    Parameters
    ----------
    symbol, ensembl, aliases
        Current symbol, Ensembl gene, other names.
    proteins
        Names of its antibodies in protein data.
    traps
        What expression does not show (`TRAPS`), with the source.
    protein_on
        Normal classes on which the protein was seen, with the source.
    """

    symbol: str
    ensembl: str
    aliases: tuple[str, ...]
    proteins: tuple[str, ...]
    traps: Mapping[str, str]
    protein_on: Mapping[str, str]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what expression alone does not show of it."""
        told = [f"{self.symbol} {TRAPS[trap]} ({source})" for trap, source in self.traps.items()]
        return (
            *told,
            *(f"{self.symbol} protein was seen on {name} ({source})" for name, source in self.protein_on.items()),
        )


@cache
def antigens() -> Mapping[str, Antigen]:
    """All antigens by symbol."""
    data = read_yaml(resources.files("carwright.targets.references") / "antigens.yaml", "antigens.yaml").data
    sources: Mapping[str, str] = data["sources"]

    def cited(entry: Mapping[str, str] | None) -> dict[str, str]:
        return {name: sources[key] for name, key in (entry or {}).items()}

    return {
        entry["symbol"]: Antigen(
            entry["symbol"],
            entry["ensembl"],
            tuple(entry["aliases"]),
            tuple(entry["proteins"]),
            cited(entry.get("traps")),
            cited(entry.get("protein_on")),
        )
        for entry in data["antigens"]
    }


def traps_of(genes: tuple[str, ...]) -> list[str]:
    """Traps of some genes, such as ``soluble: IL1RAP``, for filters on a table of gates."""
    known = antigens()
    return [f"{trap}: {gene}" for gene in dict.fromkeys(genes) if gene in known for trap in known[gene].traps]


def warnings_of(genes: tuple[str, ...]) -> tuple[str, ...]:
    """What expression alone does not show of some genes."""
    known = antigens()
    return tuple(text for gene in genes if gene in known for text in known[gene].warnings)


def seen_on(gate: Gate, cell_class: str) -> tuple[str, ...]:
    """Sources by which cells of a class carry enough of a gate's proteins to be killed; empty where there are none."""
    known = antigens()
    sources = [known[gene].protein_on.get(cell_class) if gene in known else None for gene in gate.genes]
    pattern = sum(1 << place for place, source in enumerate(sources) if source)
    return tuple(source for source in sources if source) if gate.table >> pattern & 1 else ()
