"""A simulate run: how each patient's solve ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from carwright.cli.output import number
from carwright.cli.story import tables
from carwright.cli.story.solve import how_it_went, solve_text

if TYPE_CHECKING:
    from carwright.store import Run

SHOWN_FAILURES = 20
"""Failed patients that are listed; the table holds all."""


def simulated_overview(run: Run) -> dict[str, Any]:
    """Outcomes of the solver, and the first failed patients with the reason."""
    import polars as pl

    summary = run.summary
    failed = pl.scan_parquet(run.parts("patients")).filter(pl.col("outcome") != 0)
    rows = failed.select("patient", "outcome_name", "steps").head(SHOWN_FAILURES).collect()
    return {
        "simulation": summary["simulation"],
        "patients": summary["patients"],
        "outcomes": summary["outcomes"],
        "failed": [
            {**row, "explanation": tables.explain_outcome(row["outcome_name"])} for row in rows.iter_rows(named=True)
        ],
    }


def simulated_overview_text(told: dict[str, Any]) -> str:
    """Tell what the run holds."""
    outcomes = told["outcomes"]
    lines = [f"{told['simulation']}: {told['patients']:,} patients, {outcomes['failed']:,} failed"]
    lines += [f"FAILED: patient {row['patient']} after {row['steps']:,} steps: {row['explanation']}"
              for row in told["failed"]]  # fmt: skip
    if outcomes["failed"] > len(told["failed"]):
        lines.append(f"and {outcomes['failed'] - len(told['failed']):,} more")
    lines.append("Ask for one: --patient NUMBER")
    return "\n".join(lines)


def simulated_patient(run: Run, patient: int) -> dict[str, Any]:
    """Everything that the tables hold about one patient.

    Raises
    ------
    CarwrightError
        If there is no such patient.
    """
    import polars as pl

    from carwright.simulation.again import solve_again

    summary = run.summary

    def rows(table: str) -> pl.DataFrame:
        return pl.scan_parquet(run.parts(table)).filter(pl.col("patient") == patient).collect()

    own = rows("patients")
    if own.is_empty():
        own = tables.numbered(run.table("patients"), "patient", patient)
    row = own.row(0, named=True)
    names = list(summary["functionals"])
    told = {
        "simulation": summary["simulation"],
        **{key: value for key, value in row.items() if key not in names},
        "explanation": tables.explain_outcome(row["outcome_name"]),
        "median_steps": summary["steps"]["quantiles"]["0.5"],
        "functionals": {name: row[name] for name in names},
        "parameters": {},
        "courses": [],
    }
    if "parameters" in summary["tables"]:
        told["parameters"] = rows("parameters").drop("patient").row(0, named=True)
    told["solve"] = how_it_went(lambda: solve_again(run, patient))
    if "courses" in summary["tables"]:
        told["courses"] = rows("courses").drop("patient").to_dicts()
    return told


def simulated_patient_text(told: dict[str, Any]) -> str:
    """Tell how one patient's solve ended."""
    ending = "solved" if not told["outcome"] else f"FAILED ({told['outcome_name']}): {told['explanation']}"
    steps = f"{told['steps']:,} steps"
    if told["median_steps"] is not None:
        steps += f" (median of the solved patients {number(told['median_steps'])})"
    lines = [f"Patient {told['patient']} of {told['simulation']}: {ending}", steps]
    if told["lowest"]:
        lines.append(f"lowest value of a species: {number(told['lowest'])} absolute tolerances")
    lines += [f"{name} = {'none' if value is None else number(value)}" for name, value in told["functionals"].items()]
    if told["parameters"]:
        lines.append("parameters: " + ", ".join(f"{name} {value:.6g}" for name, value in told["parameters"].items()))
    else:
        lines.append(f"parameters were not kept (hash {told['parameters_hash']:016x}); simulate again with --keep all")
    lines += solve_text(told["solve"])
    if told["courses"] and not told["outcome"]:
        first, last = told["courses"][0], told["courses"][-1]
        for row in (first, last):
            shown = ", ".join(f"{name} {number(value)}" for name, value in row.items() if name != "day")
            lines.append(f"at {number(row['day'])}: {shown}")
    return "\n".join(lines)
