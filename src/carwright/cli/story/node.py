"""One dose node: what happened to all its patients, whether or not a trial gave them that dose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carwright.cli.output import estimate
from carwright.cli.story import tables

if TYPE_CHECKING:
    from carwright.store import Run


def of_node(run: Run, node: str, arm: str) -> dict[str, Any]:
    """Counts at a node, and the summary's quantities there.

    Raises
    ------
    CarwrightError
        If there is no such node or arm.
    """
    import polars as pl

    rows = tables.of_node(tables.of_arm(run, "patients", arm), node)
    summary = run.summary
    quantities = summary if arm == "study" else summary["comparators"][arm]
    solved = rows.filter(pl.col("outcome") == 0, pl.col("infused"))
    grades = solved.group_by("crs_grade").len().sort("crs_grade").iter_rows()
    reasons = solved.filter(pl.col("dlt")).group_by("dlt_reason").len().sort("len", "dlt_reason").iter_rows()
    return {
        "node": node,
        "arm": arm,
        "patients": rows.height,
        "infused": rows["infused"].sum(),
        "below_assigned_dose": rows.filter(pl.col("infused"), ~pl.col("on_assigned_dose")).height,
        "failed": rows.filter(pl.col("outcome") != 0)["patient"].to_list(),
        "crs_grades": {str(grade): count for grade, count in grades},
        "dlt_reasons": {str(reason): count for reason, count in reasons},
        "quantities": {
            name: {"unit": entry["unit"], "label": entry["label"], **entry["by_node"][node]}
            for name, entry in quantities["quantities"].items()
            if entry.get("by_node", {}).get(node)
        },
    }


def node_text(told: dict[str, Any]) -> str:
    """Tell what happened at a node."""
    head = f"Node {told['node']} (arm {told['arm']}): {told['infused']:,} of {told['patients']:,} patients infused"
    short, failed = told["below_assigned_dose"], len(told["failed"])
    lines = [f"{head}, {short:,} of them below the assigned dose; {failed:,} failed to solve"]
    grades = [f"grade {grade}: {count:,}" for grade, count in told["crs_grades"].items()]
    lines.append(f"CRS: {', '.join(grades)}")
    lines += [f"DLT, {reason}: {count:,}" for reason, count in told["dlt_reasons"].items()]
    lines += [
        f"{entry['label']}: {estimate(entry, entry['unit'])} {_unit(entry['unit'])}".rstrip()
        for entry in told["quantities"].values()
    ]
    return "\n".join(lines)


def _unit(unit: str) -> str:
    """What follows a number: percentages need no unit, only whom they are taken of."""
    if unit.startswith(("fraction", "probability")):
        return unit.removeprefix("fraction").removeprefix("probability").strip()
    return unit
