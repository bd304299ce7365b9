"""A gate as a construct: the file that the simulator takes, with the gate and the share and density of each antigen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from carwright.errors import CarwrightError, Problem
from carwright.targets.evaluate.analysis import Analysis

ASSUMED = "assumed: a target search says nothing of it"


def construct_of(found: Analysis, rank: int = 1) -> dict[str, Any]:
    """The construct of one gate of an analysis, as data; domains are those of a common second-generation receptor."""
    gate = found.tables["gates"][rank - 1]
    genes = gate["genes"]
    name = gate["gate"].lower().replace("(", "").replace(")", "").replace(" ", "-")
    part = {"kind": "assumed", "source": ASSUMED}
    return {
        "name": name,
        "title": f"Receptors for {gate['gate']}, proposed by a target search",
        "antigen": gate["gate"],
        "generation": 2,
        "binder": {"name": f"binders for {', '.join(genes)}", **part},
        "hinge": {"name": "CD8a", **part},
        "transmembrane": {"name": "CD8a", **part},
        "costimulation": {"name": "4-1BB", **part},
        "signalling": {"name": "CD3zeta", **part},
        "vector": {"name": "lentiviral", **part},
        "armour": "none",
    }


def write_construct(path: Path, found: Analysis, rank: int = 1) -> None:
    """Write the construct of one gate as YAML.

    Raises
    ------
    CarwrightError
        If the file cannot be written.
    """
    gate = found.tables["gates"][rank - 1]
    head = (
        f"# {gate['gate']}: verdict {gate['verdict']}; coverage floor {gate['coverage_floor']}; worst class "
        f"{gate['worst_class']}.\n"
        f"# Unsafe: {', '.join(gate['unsafe']) or 'none'}. Unresolved: {', '.join(gate['unresolved']) or 'none'}. "
        f"Not represented: {', '.join(gate['not_represented']) or 'none'}.\n"
    )
    try:
        path.write_text(head + yaml.safe_dump(construct_of(found, rank), sort_keys=False, width=120), encoding="utf-8")
    except OSError as error:
        raise CarwrightError(
            Problem("TARGETS040", "the construct cannot be written", str(path), error.strerror or "")
        ) from None
