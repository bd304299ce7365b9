"""Write the table of published figures against a run's predictive intervals.

Usage: ``python docs/_extensions/coverage_table.py RUN_FOLDER`` from the root of the repository. Every published figure
of the run is listed, those that the run misses first.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "explanation" / "_coverage.md"


def coverage_table(summary: Mapping[str, Any]) -> str:
    """Lay out a run's published figures as Markdown, the misses first.

    Parameters
    ----------
    summary
        Contents of ``summary.json``.
    """
    compared = [entry for entry in summary["quantities"].values() if entry.get("published")]
    compared.sort(key=lambda entry: entry["covered"])
    missed = sum(not entry["covered"] for entry in compared)
    rows = [
        [
            entry["label"],
            _published(entry["published"], entry["unit"]),
            _span(entry, entry["unit"], estimate=True),
            _span(entry["predictive"], entry["unit"]),
            "inside" if entry["covered"] else "**outside**",
            entry["published"]["source"],
        ]
        for entry in compared
    ]
    header = ["", "Published", "Simulated", "One trial (90 % predictive)", "Published figure lies", "Source"]
    told = (
        f"{len(compared) - missed} of {len(compared)} published figures lie inside, {missed} outside. Run of "
        f"`{summary['study']}` with {summary['patients']:,} virtual patients, {summary['trials']:,} trials, seed "
        f"{summary['seed']}, version {summary['provenance']['carwright']}; "
        f"{summary['outcomes']['failed']} patients could not be solved."
    )
    laid_out = [f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *rows)]
    return "\n".join([told, "", *laid_out, ""])


def _published(fact: Mapping[str, Any], unit: str) -> str:
    inferred = ", inferred" if fact["certainty"] == "inferred" else ""
    if fact.get("count") is not None:
        return f"{fact['count']} of {fact['of']} ({_value(fact['count'] / fact['of'], unit)}){inferred}"
    return f"{_value(fact['value'], unit)}{inferred}"


def _span(entry: Mapping[str, Any], unit: str, *, estimate: bool = False) -> str:
    span = f"{_value(entry['lo'], unit)} to {_value(entry['hi'], unit)}"
    return f"{_value(entry['estimate'], unit)} ({span})" if estimate else span


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "not reached"
    if unit.startswith(("fraction", "probability")):
        return f"{100 * value:.0f} %"
    return f"{value:.3g} {unit}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    run = Path(sys.argv[1])
    PAGE.write_text(coverage_table(json.loads((run / "summary.json").read_text(encoding="utf-8"))), encoding="utf-8")
