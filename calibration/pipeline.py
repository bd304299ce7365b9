"""Patients of a shipped study, solved with care and graded as in a run, under other numbers in the model's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import polars as pl

from carwright.pipeline.arm import Arm, arms_of
from carwright.pipeline.solve import solve_shard
from carwright.study import load_study

Rows = Mapping[str, Mapping[str, float]]
"""Name of a parameter -> what its row says instead: ``value``, ``patients``, ``population``."""


@cache
def _arms(study: str, patients: int, per_population: int) -> dict[str, Arm]:
    settings = {"population.patients": patients, "population.patients_per_population": per_population}
    return {arm.name: arm for arm in arms_of(load_study(study, settings))}


def graded(
    study: str,
    rows: Rows,
    *,
    patients: int,
    arms: Sequence[str] = ("study",),
    per_population: int = 2,
    first: int = 0,
) -> pl.DataFrame:
    """Outcomes of the infused patients of some arms of a study.

    Parameters
    ----------
    study
        Name of a shipped study.
    rows
        What replaces rows of the model's table.
    patients, first
        How many patients, and the number of the first one.
    arms
        Arms to solve; ``study`` is the study's own.
    per_population
        Patients that share a draw of the population's medians.
    """
    return solved(study, rows, patients=patients, arms=arms, per_population=per_population, first=first)["patients"]


def solved(
    study: str, rows: Rows, *, patients: int, arms: Sequence[str], per_population: int, first: int = 0
) -> dict[str, pl.DataFrame]:
    """All tables of a run beside `graded`: ``patients`` (the infused ones), ``courses`` and ``parameters``."""
    chosen = tuple(_with_rows(_arms(study, first + patients, per_population)[name], rows) for name in arms)
    tables = solve_shard(chosen, range(first, first + patients), threads=2)
    return tables | {"patients": tables["patients"].filter(pl.col("infused"))}


def _with_rows(arm: Arm, rows: Rows) -> Arm:
    """Give an arm other rows; what it has compiled is kept, since the equations are the same."""
    table = arm.model.table
    unknown = set(rows) - {row.name for row in table.parameters}
    if unknown:
        message = f"unknown parameters: {', '.join(sorted(unknown))}"
        raise KeyError(message)
    changed = tuple(row.model_copy(update=dict(rows.get(row.name, {}))) for row in table.parameters)
    other = Arm(arm.name, arm.label, arm.study)
    other.__dict__["kernel"] = arm.kernel
    other.__dict__["model"] = replace(arm.model, table=table.model_copy(update={"parameters": changed}))
    return other
