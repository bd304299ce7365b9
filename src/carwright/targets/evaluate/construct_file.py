"""A gate as a construct that the simulator takes, with the share of cells that carry each of its antigens."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import yaml

from carwright.errors import CarwrightError, Problem
from carwright.targets.evaluate.analysis import Analysis
from carwright.targets.intake.atlas import TUMOUR
from carwright.targets.references.antigens import antigens
from carwright.targets.search.gate import BRIGHT, receptors

ASSUMED = {"kind": "assumed", "source": "a target search says nothing of it"}

POPULATIONS: Mapping[str, tuple[str, ...]] = {
    "aml_blasts": (TUMOUR,),
    "stem_cells": ("HSC", "MPP"),
    "progenitors": ("progenitor",),
    "neutrophils": ("granulocyte",),
    "monocytes": ("monocyte and macrophage",),
    "b_cells": ("B cell",),
    "t_cells": ("T cell",),
}
"""Populations of the simulator, and the compartments of an atlas that stand for them; the first represented counts."""

NARROWEST = 0.001
"""A share of 0 or 1 has no median density; shares are kept this far from both (assumed: of few
populations more than a thousand cells are measured)."""
FEWEST_PROTEIN = 20
"""Cells with protein from which it takes the place of RNA (assumed: the standard error of a share is then at most 0.11,
less than what depth hides)."""


def antigen_name(gene: str, known: Collection[str]) -> str:
    """Name by which the simulator knows a gene's antigen; the symbol where it does not know it."""
    entry = antigens().get(gene)
    names = {_plain(name) for name in (gene, *((*entry.aliases, *entry.proteins) if entry else ()))}
    return next((name for name in known if _plain(name) in names), gene)


def construct_of(found: Analysis, known: Collection[str], rank: int = 1) -> dict[str, Any]:
    """The construct of one gate of an analysis, with the domains of a common second-generation receptor."""
    row = found.tables["gates"][rank - 1]
    names = {gene: antigen_name(gene, known) for gene in _genes(row)}
    gate = receptors(row["gate"], names)
    return {
        # Brackets stay, so that two gates never share a name; no construct of the catalogue begins so.
        "name": "found-" + gate.lower().replace("(", "_").replace(")", "_").replace(" ", "-"),
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
        "antigens": {
            name: _antigen(found, gene, protects=protects(row, gene), overrides=name in known)
            for gene, name in names.items()
        },
    }


def protects(row: Mapping[str, Any], gene: str) -> bool:
    """Whether an antigen keeps some cell from being killed that is killed without it."""
    i, table = row["genes"].index(gene), row["table"]
    return any(
        table >> r & 1 and not table >> (r | 1 << i) & 1 for r in range(1 << len(row["genes"])) if not r >> i & 1
    )


def _antigen(found: Analysis, gene: str, *, protects: bool, overrides: bool) -> dict[str, Any]:
    """Row of an antigen; of the compartments that the data hold, and the leukaemic stem cells as the blasts."""
    rows = {row["compartment"]: row for row in found.tables["antigens"] if row["gene"] == gene}
    expression: dict[str, Any] = {}
    for population, compartments in POPULATIONS.items():
        row = next((rows[name] for name in compartments if name in rows), None)
        if row is not None:
            expression[population] = _share(row, protects=protects)
            if population == "aml_blasts":
                source = "as aml_blasts: the search does not tell leukaemic stem cells apart"
                expression["aml_stem_cells"] = {**expression[population], "kind": "assumed", "source": source}
    source = "choice: the trial selects patients who carry it"
    entry: dict[str, Any] = {
        "title": gene,
        "patients": {"value": 1.0, "kind": "assumed", "source": source},
        "expression": expression,
    }
    if overrides:  # flow cytometry of others beats the share of cells with RNA, unless the user says otherwise
        entry["overrides"] = False
    return entry


def _share(row: Mapping[str, Any], *, protects: bool) -> dict[str, Any]:
    """Share of cells that carry an antigen: by protein, else by RNA, which is taken on the side of caution.

    What depth hides makes normal cells seem spared, so it is given back, but not to an antigen that protects them.
    """
    if row["protein_cells"] >= FEWEST_PROTEIN:
        share, source = row["protein_share"], f"antibody counts on {row['protein_cells']:,} cells of a target search"
    elif protects or row["share_after_depth"] is None:
        share, source = row["share"], f"cells with RNA among {row['cells']:,} of a target search; depth hides some"
    else:
        share = row["share_after_depth"]
        source = f"cells with RNA among {row['cells']:,} of a target search, {100 * row['share']:.2g} %, over the "
        source += "chance to be seen"
    share = round(min(max(float(share), NARROWEST), 1.0 - NARROWEST), 4)
    return {"positive": share, "kind": "fitted", "source": source}


def unmeasured(found: Analysis) -> list[str]:
    """Populations of the simulator of which the data hold no cell; it takes them to lack the antigens."""
    held = {row["compartment"] for row in found.tables["antigens"]}
    return [population for population, names in POPULATIONS.items() if not held & set(names)]


def remarks(found: Analysis, construct: Mapping[str, Any], rank: int = 1) -> list[str]:
    """What a reader of a construct's file has to know, a sentence a line."""
    row = found.tables["gates"][rank - 1]
    floor = "not known" if row["coverage_floor"] is None else f"{100 * row['coverage_floor']:.0f} %"
    lists = {name: ", ".join(row[name]) or "none" for name in ("unsafe", "unresolved", "not_represented")}
    lines = [
        f"{row['gate']}: verdict {row['verdict']}; coverage floor {floor}; worst class {row['worst_class']}.",
        f"Unsafe: {lists['unsafe']}. Unresolved: {lists['unresolved']}. Not represented: {lists['not_represented']}.",
    ]
    kept = [name for name, entry in construct["antigens"].items() if "overrides" in entry]
    if kept:
        lines.append(
            f"The simulator has its own densities of {', '.join(kept)}: these hold, unless 'overrides' is made true."
        )
    if absent := unmeasured(found):
        lines.append(f"No such cells in the data, taken to lack the antigens: {', '.join(absent)}.")
    return lines + _dependence(found, row)


def _dependence(found: Analysis, row: Mapping[str, Any]) -> list[str]:
    """Where the antigens of a gate are not independent on the cells of a compartment, as the simulator takes them."""
    genes = _genes(row)
    if len(genes) != len(row["genes"]) or len(genes) < 2:
        return []
    single = {(entry["gene"], entry["compartment"]): entry["share"] for entry in found.tables["antigens"]}
    lines = []
    for compartment in dict.fromkeys(name for names in POPULATIONS.values() for name in names):
        if (genes[0], compartment) not in single:
            continue
        shares = [single[gene, compartment] for gene in genes]
        alone = sum(
            prod(share if r >> i & 1 else 1.0 - share for i, share in enumerate(shares))
            for r in range(1 << len(genes))
            if row["table"] >> r & 1
        )
        patterns = [
            entry["share"]
            for entry in found.tables["patterns"]
            if entry["gate"] == row["gate"] and entry["compartment"] == compartment and entry["killed"]
        ]
        if abs(sum(patterns) - alone) > 0.05:
            lines.append(
                f"{compartment}: the gate kills {100 * sum(patterns):.2g} % of cells as seen, "
                f"{100 * alone:.2g} % were its antigens independent, as the simulator takes them."
            )
    return lines


def write_construct(path: Path, found: Analysis, known: Collection[str], rank: int = 1) -> str:
    """Write the construct of one gate.

    Parameters
    ----------
    path
        The file.
    found
        The analysis.
    known
        Antigens that the simulator has densities of.
    rank
        Of the gate.

    Returns
    -------
    str
        The gate as the simulator reads it.

    Raises
    ------
    CarwrightError
        If the file cannot be written.
    """
    construct = construct_of(found, known, rank)
    write_yaml_file(path, remarks(found, construct, rank), construct)
    return str(construct["gate"])


def write_yaml_file(path: Path, lines: Sequence[str], data: Mapping[str, Any]) -> None:
    """Write a file with remarks on top.

    Raises
    ------
    CarwrightError
        If it cannot be written.
    """
    head = "".join(f"# {line}\n" for line in lines)
    text = head + yaml.safe_dump(dict(data), sort_keys=False, width=120, allow_unicode=True)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        problem = Problem("TARGETS040", "the construct cannot be written", str(path), error.strerror or "")
        raise CarwrightError(problem) from None


def _genes(row: Mapping[str, Any]) -> list[str]:
    return [gene for gene in row["genes"] if not gene.endswith(BRIGHT)]


def _plain(name: str) -> str:
    return name.upper().replace("-", "").replace(" ", "")
