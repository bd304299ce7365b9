"""A whole run in a few lines: failures first, then what can be asked about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carwright.cli.output import percent
from carwright.cli.story import tables

if TYPE_CHECKING:
    from carwright.store import Run

SHOWN_FAILURES = 20
"""Failed courses that are listed by patient; the table holds all."""


def overview(run: Run, arm: str) -> dict[str, Any]:
    """Outcomes of the solver, failed courses with their reason, recommended nodes.

    Raises
    ------
    CarwrightError
        If there is no such arm.
    """
    import polars as pl

    rows = tables.of_arm(run, "patients", arm)
    failed = rows.filter(pl.col("outcome") != 0).select("patient", "node", "outcome_name")
    summary = run.summary
    quantities = summary if arm == "study" else summary["comparators"][arm]
    return {
        "study": summary["study"],
        "arm": arm,
        "arms": summary["arms"],
        "patients": summary["patients"],
        "trials": summary["trials"],
        "nodes": rows["node"].unique(maintain_order=True).to_list(),
        "failed": [
            {**row, "explanation": tables.explain_outcome(row["outcome_name"])} for row in failed.iter_rows(named=True)
        ],
        "recommended_node": quantities["quantities"]["recommended_node"]["by_node"],
    }


def overview_text(told: dict[str, Any]) -> str:
    """Tell what the run holds."""
    lines = [f"{told['study']}, arm {told['arm']}: {told['patients']:,} patients, {told['trials']:,} trials"]
    lines += [
        f"FAILED: patient {row['patient']} at node {row['node']}: {row['explanation']}"
        for row in told["failed"][:SHOWN_FAILURES]
    ]
    if not told["failed"]:
        lines.append("Every patient course was solved.")
    shares = [
        f"{node}: {percent(entry['estimate'])}"
        for node, entry in told["recommended_node"].items()
        if entry["estimate"] is not None
    ]
    lines.append(f"Recommended node: {', '.join(shares)}")
    lines.append(
        f"Ask for one: --patient 0..{told['patients'] - 1}, --trial 0..{told['trials'] - 1}, "
        f"--node {'|'.join(told['nodes'])}"
    )
    return "\n".join(lines)
