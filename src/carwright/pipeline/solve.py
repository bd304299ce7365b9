"""Potential outcomes: every patient of a shard, solved and graded once per arm and dose node."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from carwright.clinic.care import dose_counts
from carwright.clinic.crs import SUPPORT_GRADES
from carwright.clinic.grade import COUNTS, FLAGS, grade_patients, uniforms_needed
from carwright.clinic.lymphodepletion import dosing_columns
from carwright.engine import EXPLAIN, NEGATIVE_LIMIT, Dosing, Outcome
from carwright.pipeline.arm import START_DAY, Arm
from carwright.population import Patients, draw, rows_with, uniforms, with_recognition
from carwright.simulation.source import absolute_tolerances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carwright.engine import Solution
    from carwright.trial.product import Delivery

TOLERANCE = 1e-6
"""Error allowed per step, relative to each state."""

COURSE_PATIENTS = 240
"""Patients whose courses are kept, spread evenly over the populations."""


def solve_shard(
    arms: tuple[Arm, ...], items: range, heed: Callable[[int], None] | None = None
) -> dict[str, pl.DataFrame]:
    """Draw, solve and grade the patients ``items`` in every arm and at every node.

    Parameters
    ----------
    arms
        The study's arms.
    items
        Numbers of the patients.
    heed
        Called now and then with the number of patients just solved; what it raises ends the work.

    Returns
    -------
    dict
        The tables ``patients``, ``courses`` and ``parameters`` of these patients.
    """
    outcomes, courses = [], []
    for arm in arms:
        patients = draw_patients(arm, items)
        for column, node in enumerate(arm.space.nodes):
            rows, course = _solve_node(arm, patients, column, heed)
            outcomes.append(rows.select(pl.lit(arm.name).alias("arm"), pl.lit(node.id).alias("node"), pl.all()))
            courses.append(course.select(pl.lit(arm.name).alias("arm"), pl.lit(node.id).alias("node"), pl.all()))
    return {
        "patients": pl.concat(outcomes, how="diagonal"),  # a drug that only one arm orders is missing in the others
        "courses": pl.concat(courses),
        "parameters": _parameters(arms[0], draw_patients(arms[0], items)),
    }


def draw_patients(arm: Arm, items: range) -> Patients:
    """The patients ``items`` of an arm."""
    study = arm.study
    patients = draw(
        arm.model.table,
        len(items),
        seed=study.seed,
        patients_per_population=study.population.patients_per_population,
        first=items.start,
        medians=arm.medians,
    )
    return with_recognition(
        patients,
        arm.model.table,
        arm.construct,
        seed=study.seed,
        edited=arm.edited_antigens,
        selected=study.population.antigen_positive,
    )


def _solve_node(
    arm: Arm, patients: Patients, column: int, heed: Callable[[int], None] | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Outcomes of all patients at one node, and the courses of the sampled ones."""
    study, first = arm.study, int(patients.index[0])
    enrolment = arm.trial.attrition.draw(study.seed, first, patients.population)
    delivery = delivered(arm, patients)
    solution = _solve(arm, patients, delivery.delivered_cells[:, column], column, heed)

    courses = {name: solution.courses[:, :, i] for i, name in enumerate(arm.observables)}
    random = {
        name: uniforms(study.seed, f"clinic:{name}", first, len(patients), width)
        for name, width in uniforms_needed(study.horizon_days, arm.settings).items()
    }
    days = arm.of_triggers("signs", solution.trigger_days)
    first_signs = {grade: days[:, column] for column, grade in enumerate(SUPPORT_GRADES)}
    graded = grade_patients(arm.times, courses, random, arm.settings, first_signs)
    crs_course = graded.pop("crs_grade_course")
    graded.pop("icans_grade_course")
    doses = dose_counts(study.care, arm.of_triggers("care", solution.trigger_counts))
    cleared = _cleared(arm, solution)
    rows = {
        "patient": patients.index.astype(np.uint32),
        "population": patients.population.astype(np.uint32),
        "bsa_m2": np.asarray(patients.values["body_surface"]),
        "weight_kg": np.asarray(patients.values["body_weight"]),
        "infused": enrolment.infused,
        "not_infused_reason": enrolment.not_infused_reason,
        "vein_to_vein_days": enrolment.vein_to_vein_days,
        "dropout_days": enrolment.dropout_days,
        "assigned_cells_low": delivery.assigned_cells_low[:, column],
        "assigned_cells_high": delivery.assigned_cells_high[:, column],
        "delivered_cells": delivery.delivered_cells[:, column],
        "on_assigned_dose": delivery.on_assigned_dose[:, column],
        "outcome": solution.outcome.astype(np.uint8),
        **doses,
        **cleared,
        **graded,
    }
    flags = {*FLAGS, *arm.settings.panel.flags, *cleared, *_verdicts(graded)}
    sampled = patients.index % max(1, study.population.patients // COURSE_PATIENTS) == 0
    course = _course_frame(arm, patients.index, courses, crs_course, sampled)
    return _outcome_frame(rows, flags, {*COUNTS, *doses}), course


def delivered(arm: Arm, patients: Patients) -> Delivery:
    """Cells that patients get, at every node."""
    sizes = {
        "m2": np.asarray(patients.values["body_surface"]),
        "kg": np.asarray(patients.values["body_weight"]),
        "patient": np.ones(len(patients)),
    }
    return arm.trial.product.deliver(arm.study.seed, int(patients.index[0]), sizes, arm.space)


def dosing_of(arm: Arm, cells: NDArray[np.float64], column: int) -> Dosing:
    """Lymphodepletion, cells and planned interventions of patients at a node, to whom ``cells`` (n,) are delivered."""
    depletion = dosing_columns(arm.space.nodes[column].lymphodepletion, len(cells))
    later = arm.effects.later_cells
    given = [(day, "infused_cells", share * cells) for day, share in ((0.0, 1.0 - sum(s for _, s in later)), *later)]
    given += [
        (dose.day, dose.state, np.full(len(cells), dose.amount)) for dose in arm.effects.doses if dose.when is None
    ]
    return Dosing(
        times=np.append(depletion.times, [day for day, _, _ in given]),
        targets=(*depletion.targets, *(state for _, state, _ in given)),
        amounts=np.column_stack([depletion.amounts, *(amounts for _, _, amounts in given)]),
    )


def _solve(
    arm: Arm, patients: Patients, cells: NDArray[np.float64], column: int, heed: Callable[[int], None] | None
) -> Solution:
    system = arm.kernel.system
    return arm.kernel.solve(
        np.column_stack([patients.values[name] for name in system.parameters]),
        dosing_of(arm, cells, column),
        start=START_DAY,
        end=arm.study.horizon_days,
        times=arm.times,
        relative_tolerance=TOLERANCE,
        absolute_tolerance=absolute_tolerances(arm.model.table, system, TOLERANCE),
        negative_limit=NEGATIVE_LIMIT,
        progress=heed,
    )


def _cleared(arm: Arm, solution: Solution) -> dict[str, NDArray[np.float64]]:
    """Whether each clone of the tumour died out; NaN for a failed solve."""
    counts = arm.of_triggers("extinctions", solution.trigger_counts)
    return {f"{clone}_cleared": counts[:, column] for column, clone in enumerate(arm.model.table.extinctions)}


def _outcome_frame(rows: Mapping[str, Any], flags: Collection[str], counts: Collection[str]) -> pl.DataFrame:
    """Turn columns into a frame: NaN becomes null, ``flags`` become Boolean, ``counts`` become whole numbers."""
    frame = pl.DataFrame({name: _series(name, values) for name, values in rows.items()})
    names = {int(code): Outcome(code).name.lower() for code in Outcome}
    return frame.with_columns(
        *(pl.col(name).cast(pl.UInt16) for name in frame.columns if name in counts),
        *(pl.col(name).cast(pl.Boolean) for name in frame.columns if name in flags),
        pl.col("outcome").replace_strict(names, return_dtype=pl.String).alias("outcome_name"),
    )


def _verdicts(columns: Iterable[str]) -> list[str]:
    return [
        name
        for name in columns
        if name == "dlt" or (name.startswith("dlt_") and not name.startswith(("dlt_day", "dlt_reason")))
    ]


def _series(name: str, values: NDArray[Any]) -> pl.Series:
    if values.dtype == object:
        return pl.Series(name, values.tolist(), dtype=pl.String)
    series = pl.Series(name, values)
    return series.fill_nan(None) if values.dtype.kind == "f" else series


def _course_frame(
    arm: Arm,
    index: NDArray[np.int64],
    courses: Mapping[str, NDArray[np.float64]],
    crs_course: NDArray[np.float64],
    sampled: NDArray[np.bool_],
) -> pl.DataFrame:
    """Courses of the sampled patients on the days that the report draws."""
    days = _drawn_days(arm.times)
    shown, count = arm.times[days], int(sampled.sum())
    return pl.DataFrame(
        {
            "patient": np.repeat(index[sampled], shown.size).astype(np.uint32),
            "day": np.tile(shown, count).astype(np.float32),
            "crs_grade": pl.Series(crs_course[sampled][:, days].ravel()).fill_nan(None).cast(pl.UInt8),
            **{
                name: pl.Series(values[sampled][:, days].ravel().astype(np.float32)).fill_nan(None)
                for name, values in courses.items()
            },
        }
    )


def _drawn_days(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whole days to day 42, weeks to day 120, four weeks from then on."""
    whole = times == np.round(times)
    keep = (times <= 42) | ((times <= 120) & (times % 7 == 0)) | (times % 28 == 0) | (times == times[-1])
    return np.asarray((whole & keep) | (times == times[-1]))


def _parameters(arm: Arm, patients: Patients) -> pl.DataFrame:
    varying = [name for name, row in rows_with(arm.model.table, arm.medians).items() if row.varies]
    return pl.DataFrame(
        {
            "patient": patients.index.astype(np.uint32),
            "population": patients.population.astype(np.uint32),
            **{name: patients.values[name] for name in varying},
        }
    )


def outcome_explanation(name: str) -> str:
    """What an outcome code of the solver means and what to do about it."""
    return EXPLAIN[Outcome[name.upper()]]
