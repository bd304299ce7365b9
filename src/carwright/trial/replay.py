"""Replay of a design on potential outcomes: many trials, each on the patients of one population draw.

Trial t takes the patients of population draw t modulo the number of draws, in an order of its own. Order,
accrual and every other number of a trial depend on the seed and on t alone, so trial t is the same among 100
trials as among 2,000, and two arms or adjudication rules meet the same patients in the same order.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from carwright.population.streams import uniforms
from carwright.trial.calendar import Calendar
from carwright.trial.conduct import Conduct, Patients
from carwright.trial.course import Entry, TrialRecord
from carwright.trial.design import Design
from carwright.trial.outcomes import path_of
from carwright.trial.potential import PotentialOutcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

Columns = dict[str, "NDArray[Any]"]

_CHUNK = 256
"""Trials whose random numbers are drawn together; bounds memory, changes no result."""


class Replayed(NamedTuple):
    """Columns of the two tables: one row per trial, and one row per enrolled patient of a trial."""

    trials: Columns
    trial_patients: Columns


def replay(
    trials: int,
    design: Design,
    potential: PotentialOutcomes,
    calendar: Calendar,
    seed: int,
    *,
    arm: str,
    adjudication: str,
    first: int = 0,
) -> Replayed:
    """Simulate ``trials`` trials.

    Parameters
    ----------
    trials
        Number of trials.
    design
        The design; its dose space orders the columns of ``potential``.
    potential
        The patients, adjudicated by one rule.
    calendar
        Settings of the calendar.
    seed
        Root seed of the run.
    arm, adjudication
        Names of the construct's arm and of the rule, copied into the tables; they change nothing else.
    first
        Number of the first trial.

    Returns
    -------
    Replayed
        ``trials``: trial, population, arm, adjudication, design, enrolled, infused, evaluable, dlts,
        failed_solves, recommended_node (None if no node), stop_reason, path (outcome string of evaluable
        patients), toxicity_path (the same without responses), duration_days. ``trial_patients``: trial, arm,
        adjudication, sequence (order of enrolment), patient (row of ``potential``), node (assigned), status
        (``treated``, ``off_dose``, ``not_infused``), not_infused_reason, enrolled_day, infusion_day (days
        from the opening of the trial), evaluable, dlt, dlt_day (from infusion; also for patients who are not
        evaluable).

    Raises
    ------
    ValueError
        If there are no patients, or ``potential`` has another number of nodes than the design.
    """
    if potential.patients == 0 or potential.dlt.shape[1] != len(design.space.labels):
        message = f"potential outcomes of shape {potential.dlt.shape} for nodes {design.space.labels}"
        raise ValueError(message)
    labels, members = _blocks(potential.block)
    width = max(block.size for block in members)
    conduct = Conduct(design, Patients.of(potential), calendar)
    records: list[TrialRecord] = []
    with _collector_asleep():
        for start in range(first, first + trials, _CHUNK):
            count = min(_CHUNK, first + trials - start)
            # One width for all: trials of one stream must all be equally wide for their numbers to be distinct.
            keys = uniforms(seed, "trial-order", start, count, width)
            gaps = calendar.enrolment_gaps(seed, start, count, width).tolist()
            blocks = [members[(start + row) % len(members)] for row in range(count)]
            orders = [
                block[np.argsort(keys[row, : block.size], kind="stable")].tolist() for row, block in enumerate(blocks)
            ]
            records += conduct.run(orders, gaps)
    population = labels[np.arange(first, first + trials) % len(labels)]
    return Replayed(
        _trial_columns(records, first, population, design, arm, adjudication),
        _patient_columns(records, first, potential, design, arm, adjudication),
    )


@contextmanager
def _collector_asleep() -> Iterator[None]:
    """Without Python's collector of cycles: trials make many small tuples without any, which it would search."""
    was_awake = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_awake:
            gc.enable()


def _blocks(block: NDArray[np.integer]) -> tuple[NDArray[np.integer], list[NDArray[np.intp]]]:
    labels, index = np.unique(block, return_inverse=True)
    order = np.argsort(index, kind="stable")
    return labels, np.split(order, np.cumsum(np.bincount(index))[:-1])


def _texts(values: list[str | None]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _trial_columns(
    records: list[TrialRecord], first: int, population: NDArray[np.integer], design: Design, arm: str, adjudication: str
) -> Columns:
    count = len(records)
    numbers = np.array(
        [
            (len(record.entries), record.infused, record.evaluable, record.dlts, record.failed_solves)
            for record in records
        ],
        dtype=np.uint32,
    ).reshape(count, 5)
    return {
        "trial": np.arange(first, first + count, dtype=np.uint32),
        "population": population.astype(np.uint32),
        "arm": _texts([arm] * count),
        "adjudication": _texts([adjudication] * count),
        "design": _texts([design.name] * count),
        "enrolled": numbers[:, 0],
        "infused": numbers[:, 1],
        "evaluable": numbers[:, 2],
        "dlts": numbers[:, 3],
        "failed_solves": numbers[:, 4],
        "recommended_node": _texts([record.recommended for record in records]),
        "stop_reason": _texts([record.stop_reason for record in records]),
        "path": _texts([path_of(record.history) for record in records]),
        "toxicity_path": _texts([path_of(record.history, responses=False) for record in records]),
        "duration_days": np.array([record.duration_days for record in records], dtype=np.float64),
    }


def _patient_columns(
    records: list[TrialRecord], first: int, potential: PotentialOutcomes, design: Design, arm: str, adjudication: str
) -> Columns:
    entries = [(trial, *entry) for trial, record in enumerate(records, first) for entry in record.entries]
    fields = zip(*entries, strict=True) if entries else [()] * (1 + len(Entry._fields))
    trial, sequence, patient, node, status, enrolled, infusion, reason = fields
    rows, columns = np.array(patient, dtype=np.uint32), np.array(node, dtype=np.intp)
    states = np.array(status, dtype=np.str_)
    infused = states != "not_infused"
    dlt = infused & potential.dlt[rows, columns]
    return {
        "trial": np.array(trial, dtype=np.uint32),
        "arm": _texts([arm] * len(entries)),
        "adjudication": _texts([adjudication] * len(entries)),
        "sequence": np.array(sequence, dtype=np.uint16),
        "patient": rows,
        "node": np.array(design.space.labels, dtype=object)[columns],
        "status": states.astype(object),
        "not_infused_reason": _texts(list(reason)),
        "enrolled_day": np.array(enrolled, dtype=np.float64),
        "infusion_day": np.array(infusion, dtype=np.float64),
        "evaluable": states == "treated",
        "dlt": dlt,
        "dlt_day": np.where(dlt, potential.dlt_day[rows, columns], np.nan),
    }
