"""Patients of a shipped study, solved with care and graded as in a run, under other numbers in the model's table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache

import polars as pl

from carwright.clinic.care import Care, CareDoses, care_rules
from carwright.pipeline.arm import Arm, arms_of
from carwright.pipeline.solve import solve_shard
from carwright.study import load_study

Rows = Mapping[str, Mapping[str, float]]
"""Name of a parameter -> what its row says instead: ``value``, ``patients``, ``population``."""


@dataclass(frozen=True)
class Conduct:
    """What differs from the study where it stands for another publication.

    Parameters
    ----------
    construct
        Cells given instead; None keeps those of the study.
    steroids_from
        Lowest grade of neurotoxicity that dexamethasone answers; None keeps that of the rule.
    """

    construct: str | None = None
    steroids_from: int | None = None


AS_IN_THE_STUDY = Conduct()


@cache
def _arms(study: str, patients: int, per_population: int, conduct: Conduct) -> dict[str, Arm]:
    settings: dict[str, object] = {
        "population.patients": patients,
        "population.patients_per_population": per_population,
    }
    if conduct.construct is not None:
        settings["construct.name"] = conduct.construct
    arms = {arm.name: arm for arm in arms_of(load_study(study, settings))}
    if conduct.steroids_from is not None:
        care = Care(doses=CareDoses(dexamethasone_from_icans=conduct.steroids_from))
        for arm in arms.values():
            arm.__dict__["triggers"] = arm.triggers | {"care": care_rules(arm.study.care, care)}
    return arms


def graded(
    study: str,
    rows: Rows,
    *,
    patients: int,
    arms: Sequence[str] = ("study",),
    per_population: int = 2,
    first: int = 0,
    conduct: Conduct = AS_IN_THE_STUDY,
    medians: Mapping[str, float] | None = None,
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
    conduct
        What differs from the study.
    medians
        What replaces medians that the construct sets.
    """
    return solved(
        study,
        rows,
        patients=patients,
        arms=arms,
        per_population=per_population,
        first=first,
        conduct=conduct,
        medians=medians,
    )["patients"]


def solved(
    study: str,
    rows: Rows,
    *,
    patients: int,
    arms: Sequence[str],
    per_population: int,
    first: int = 0,
    conduct: Conduct = AS_IN_THE_STUDY,
    medians: Mapping[str, float] | None = None,
) -> dict[str, pl.DataFrame]:
    """All tables of a run beside `graded`: ``patients`` (the infused ones), ``courses`` and ``parameters``."""
    known = _arms(study, first + patients, per_population, conduct)
    chosen = tuple(_changed(known[name], rows, medians or {}) for name in arms)
    middle, end = first + patients // 2, first + patients
    with ThreadPoolExecutor(2) as threads:
        halves = list(threads.map(lambda items: solve_shard(chosen, items), (range(first, middle), range(middle, end))))
    tables = {name: pl.concat([half[name] for half in halves], how="diagonal") for name in halves[0]}
    return tables | {"patients": tables["patients"].filter(pl.col("infused"))}


def _changed(arm: Arm, rows: Rows, medians: Mapping[str, float]) -> Arm:
    """Give an arm other rows and medians; what it has compiled is kept, since the equations are the same."""
    table = arm.model.table
    unknown = {*rows, *medians} - {row.name for row in table.parameters}
    if unknown:
        message = f"unknown parameters: {', '.join(sorted(unknown))}"
        raise KeyError(message)
    parameters = tuple(row.model_copy(update=dict(rows.get(row.name, {}))) for row in table.parameters)
    other = Arm(arm.name, arm.label, arm.study)
    other.__dict__.update(
        triggers=arm.triggers,
        kernel=arm.kernel,
        model=replace(arm.model, table=table.model_copy(update={"parameters": parameters})),
        medians={**arm.medians, **medians},
    )
    return other
