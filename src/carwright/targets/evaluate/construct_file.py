"""A gate as a construct, which the simulator takes, and beside it the share of cells that carry each antigen."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from carwright.errors import CarwrightError, Problem
from carwright.targets.evaluate.analysis import Analysis
from carwright.targets.references.antigens import antigens
from carwright.targets.search.gate import BRIGHT, receptors

ASSUMED = {"kind": "assumed", "source": "a target search says nothing of it"}

POPULATIONS = {
    "tumour": "aml_blasts",
    "HSC": "stem_cells",
    "progenitor": "progenitors",
    "granulocyte": "neutrophils",
    "monocyte and macrophage": "monocytes",
    "B cell": "b_cells",
    "T cell": "t_cells",
}
"""Compartments of an atlas, and what the simulator calls them."""

NARROWEST = 0.001
"""A share of 0 or 1 has no median density; shares are kept this far from both."""


def antigen_name(gene: str, known: Collection[str]) -> str:
    """Name by which the simulator knows a gene's antigen; the symbol where it does not know it."""
    entry = antigens().get(gene)
    names = {_plain(name) for name in (gene, *((*entry.aliases, *entry.proteins) if entry else ()))}
    return next((name for name in known if _plain(name) in names), gene)


def construct_of(found: Analysis, known: Collection[str], rank: int = 1) -> dict[str, Any]:
    """The construct of one gate of an analysis, with the domains of a common second-generation receptor."""
    row = found.tables["gates"][rank - 1]
    names = {gene: antigen_name(gene, known) for gene in row["genes"] if not gene.endswith(BRIGHT)}
    gate = receptors(row["gate"], names)
    return {
        "name": gate.lower().replace("(", "").replace(")", "").replace(" ", "-"),
        "title": f"Receptors for {gate}, proposed by a target search",
        "gate": gate,
        "generation": 2,
        "binder": {"name": f"binders for {', '.join(names.values())}", **ASSUMED},
        "hinge": {"name": "CD8a", **ASSUMED},
        "transmembrane": {"name": "CD8a", **ASSUMED},
        "costimulation": {"name": "4-1BB", **ASSUMED},
        "signalling": {"name": "CD3zeta", **ASSUMED},
        "vector": {"name": "lentiviral", **ASSUMED},
        "armour": "none",
    }


def antigens_of(found: Analysis, known: Collection[str], rank: int = 1) -> dict[str, Any]:
    """Share of the cells of each population on which each antigen of a gate was seen, as rows of an antigen table."""
    row = found.tables["gates"][rank - 1]
    patterns = [entry for entry in found.tables["patterns"] if entry["gate"] == row["gate"]]
    table = {}
    for gene in (name for name in row["genes"] if not name.endswith(BRIGHT)):
        shares: dict[str, float] = {}
        for entry in patterns:
            if f"{gene}+" in entry["pattern"].split():
                shares[entry["compartment"]] = shares.get(entry["compartment"], 0.0) + entry["share"]
        source = f"share of cells with RNA, target search over {found.parameters['cells']} cells; depth hides some"
        table[antigen_name(gene, known)] = {
            "title": gene,
            "patients": {"value": 1.0, "kind": "assumed", "source": "choice: the trial selects patients who carry it"},
            "expression": {
                POPULATIONS[name]: {
                    "positive": round(min(max(share, NARROWEST), 1.0 - NARROWEST), 4),
                    "kind": "fitted",
                    "source": source,
                }
                for name, share in shares.items()
                if name in POPULATIONS
            },
        }
    return table


def write_construct(path: Path, found: Analysis, known: Collection[str], rank: int = 1) -> tuple[Path, str]:
    """Write the construct of one gate, and its antigens' shares beside it.

    Returns
    -------
    pathlib.Path
        The file with the shares.
    str
        The gate as the simulator reads it.

    Raises
    ------
    CarwrightError
        If a file cannot be written.
    """
    row = found.tables["gates"][rank - 1]
    construct = construct_of(found, known, rank)
    head = (
        f"# {row['gate']}: verdict {row['verdict']}; coverage floor {row['coverage_floor']}; worst class "
        f"{row['worst_class']}.\n"
        f"# Unsafe: {', '.join(row['unsafe']) or 'none'}. Unresolved: {', '.join(row['unresolved']) or 'none'}. "
        f"Not represented: {', '.join(row['not_represented']) or 'none'}.\n"
    )
    beside = path.with_name(f"{path.stem}.antigens.yaml")
    try:
        path.write_text(head + _yaml(construct), encoding="utf-8")
        beside.write_text(head + _yaml({"antigens": antigens_of(found, known, rank)}), encoding="utf-8")
    except OSError as error:
        problem = Problem("TARGETS040", "the construct cannot be written", str(path), error.strerror or "")
        raise CarwrightError(problem) from None
    return beside, str(construct["gate"])


def _yaml(data: dict[str, Any]) -> str:
    return yaml.safe_dump(data, sort_keys=False, width=120, allow_unicode=True)


def _plain(name: str) -> str:
    return name.upper().replace("-", "").replace(" ", "")
