"""One simulated trial: cohort by cohort, patient by patient, and why it ended as it did."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from carwright.cli.output import number
from carwright.cli.story import tables

if TYPE_CHECKING:
    from carwright.store import Run


def of_trial(run: Run, trial: int, arm: str, design: str | None = None) -> dict[str, Any]:
    """Everything that the tables hold about a simulated trial of one arm; under another design it is replayed.

    Returns
    -------
    dict
        ``trial``, ``arm`` and ``adjudications``: for each rule the row of the trial table and its
        ``members``, the rows of its patients in the order of enrolment.

    Raises
    ------
    CarwrightError
        If there is no such trial, arm or design.
    """
    import polars as pl

    rows = tables.numbered(tables.of_arm(run, "trials", arm), "trial", trial)
    if design is None:
        members = run.table("trial_patients").filter(pl.col("trial") == trial, pl.col("arm") == arm)
    else:
        from carwright.pipeline.designs import replayed_trial

        rows, members = replayed_trial(run, trial, arm, design)
    told = [
        {
            **row,
            "members": members.filter(pl.col("adjudication") == row["adjudication"])
            .sort("sequence")
            .drop("trial", "arm", "adjudication")
            .to_dicts(),
        }
        for row in rows.iter_rows(named=True)
    ]
    return {"trial": trial, "arm": arm, "design": design or rows["design"][0], "adjudications": told}


def trial_text(told: dict[str, Any]) -> str:
    """Tell the story of a trial: the study's own rule in full, the others in a line."""
    own, *others = told["adjudications"]
    who = f"population {own['population']}, arm {told['arm']}, design {told['design']}, rule {own['adjudication']}"
    counts = f"{own['enrolled']} enrolled, {own['infused']} infused, {own['evaluable']} evaluable"
    course = f"{own['dlts']} DLT, {number(own['duration_days'])} days; path {own['path']}"
    lines = [f"Trial {told['trial']} ({who})", f"{counts}, {course}"]
    lines += [_cohort(node, list(group)) for node, group in groupby(own["members"], key=lambda row: row["node"])]
    lines.append(f"Recommended: {own['recommended_node'] or 'no node'}, because {own['stop_reason']}")
    lines += [
        f"By the rule {row['adjudication']}: path {row['path']}, recommended {row['recommended_node'] or 'no node'}"
        for row in others
    ]
    return "\n".join(lines)


def _cohort(node: str, members: list[dict[str, Any]]) -> str:
    return "\n".join([f"Node {node}:", *(f"  {_member(row)}" for row in members)])


def _member(row: dict[str, Any]) -> str:
    text = f"patient {row['patient']}, enrolled on day {number(row['enrolled_day'])}"
    if row["infusion_day"] is None:
        return f"{text}: not infused ({row['not_infused_reason'].replace('_', ' ')}), replaced"
    text += f", infused on day {number(row['infusion_day'])}: "
    if row["dlt"]:
        return text + f"DLT on day {number(row['dlt_day'])}"
    return text + ("no DLT" if row["evaluable"] else "not evaluable, " + row["status"].replace("_", " "))
