"""One patient: doses, grades day by day, care, verdicts and response at each node."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from carwright.cli.output import number
from carwright.cli.story import tables
from carwright.cli.story.response import responses
from carwright.cli.story.solve import how_it_went, solve_text

if TYPE_CHECKING:
    import polars as pl

    from carwright.store import Run

_CARE = ("tocilizumab", "corticosteroid", "anakinra")
_NO_RULES = ("dlt_day", "dlt_reason")


def of_patient(run: Run, patient: int, arm: str, node: str | None) -> dict[str, Any]:
    """Everything that the tables hold about a patient of one arm.

    Returns
    -------
    dict
        ``patient``, ``arm`` and ``nodes``: for each node the row of the patient table, the ``explanation`` of
        a failed solve, and the ``grades`` by day where the course of the patient was kept.

    Raises
    ------
    CarwrightError
        If there is no such patient, arm or node.
    """
    import polars as pl

    rows = tables.numbered(tables.of_arm(run, "patients", arm), "patient", patient)
    rows = rows if node is None else tables.of_node(rows, node)
    courses = run.table("courses").filter(pl.col("patient") == patient, pl.col("arm") == arm)
    told = [
        {
            **row,
            "explanation": tables.explain_outcome(row["outcome_name"]),
            "solve": _solve(run, row),
            "grades": _grades(courses.filter(pl.col("node") == row["node"])),
        }
        for row in rows.iter_rows(named=True)
    ]
    return {"patient": patient, "arm": arm, "nodes": told}


def _solve(run: Run, row: dict[str, Any]) -> dict[str, Any] | None:
    """How a failed solve went; None for one that did not fail."""
    if not row["outcome"]:
        return None
    from carwright.pipeline.again import solve_again

    return how_it_went(lambda: solve_again(run, row["arm"], row["node"], row["patient"]))


def patient_text(told: dict[str, Any]) -> str:
    """Tell the story of a patient."""
    first = told["nodes"][0]
    head = f"Patient {told['patient']} (population {first['population']}, arm {told['arm']})"
    if not first["infused"]:
        head += f": never infused, {str(first['not_infused_reason']).replace('_', ' ')}. Had the cells been given:"
    return "\n".join([head, *(line for row in told["nodes"] for line in _node(row))])


def _grades(course: pl.DataFrame) -> list[dict[str, Any]]:
    """CRS grade from day to day, one entry per stretch of the same grade; empty if no course was kept."""
    days = course.drop_nulls("crs_grade").sort("day").select("day", "crs_grade").iter_rows()
    stretches = [(grade, list(group)) for grade, group in groupby(days, key=lambda row: row[1])]
    return [
        {"crs_grade": grade, "first_day": stretch[0][0], "last_day": stretch[-1][0]} for grade, stretch in stretches
    ]


def _node(row: dict[str, Any]) -> list[str]:
    band = f"{row['assigned_cells_low']:.3g} to {row['assigned_cells_high']:.3g}"
    lines = [f"Node {row['node']}: {row['delivered_cells']:.3g} cells given, {band} assigned"]
    if not row["on_assigned_dose"]:
        lines[0] += " (below the assigned dose: not evaluable)"
    if row["outcome"]:
        told = solve_text(row["solve"]) if row["solve"] else []
        return [*lines, f"  FAILED ({row['outcome_name']}): {row['explanation']}", *(f"  {line}" for line in told)]
    lines += [_crs(row), _other(row), _care(row), *responses(row), _cells(row), _verdicts(row)]
    return [f"  {line}" if index else line for index, line in enumerate(lines)]


def _crs(row: dict[str, Any]) -> str:
    if not row["crs_grade"]:
        return "no CRS"
    text = f"CRS grade {row['crs_grade']} at worst, from day {number(row['crs_onset_day'])}"
    text += f" for {number(row['crs_days'])} days"
    stretches = [
        f"{entry['crs_grade']} on days {number(entry['first_day'])} to {number(entry['last_day'])}"
        for entry in row["grades"]
        if entry["crs_grade"]
    ]
    return text + (f": grade {', '.join(stretches)}" if stretches else " (no daily course kept)")


def _other(row: dict[str, Any]) -> str:
    events = []
    if row["icans_grade"]:
        events.append(f"ICANS grade {row['icans_grade']} from day {number(row['icans_onset_day'])}")
    if row["hlh_mas"]:
        events.append("HLH/MAS")
    if row["sepsis"]:
        events.append(f"sepsis on day {number(row['sepsis_day'])}")
    if row["death_day"] is not None:
        events.append(f"death on day {number(row['death_day'])}")
    return ", ".join(events) or "no ICANS, HLH/MAS, sepsis or death"


def _care(row: dict[str, Any]) -> str:
    given = [f"{name} x{row[f'{name}_doses']}" for name in _CARE if row[f"{name}_doses"]]
    return "care: " + (", ".join(given) or "none needed")


def _cells(row: dict[str, Any]) -> str:
    if row["cmax_copies_per_ug"] is None:
        return "CAR-T cells were never measurable"
    peak = f"{row['cmax_copies_per_ug']:.3g} copies/ug on day {number(row['tmax_days'])}"
    return f"CAR-T peak {peak}, measurable for {number(row['persistence_days'] or 0)} days"


def _verdicts(row: dict[str, Any]) -> str:
    text = "no DLT by the study's rule"
    if row["dlt"]:
        text = f"DLT on day {number(row['dlt_day'])}: {row['dlt_reason']}"
    others = [
        f"{column.removeprefix('dlt_').replace('_', '-')}: {'DLT' if value else 'no DLT'}"
        for column, value in row.items()
        if column.startswith("dlt_") and not column.startswith(_NO_RULES)
    ]
    return text + (f" ({'; '.join(others)})" if others else "")
