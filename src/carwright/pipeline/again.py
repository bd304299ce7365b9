"""One patient of a finished study at one node, as he was given to the solver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carwright.engine.trace import Solve
from carwright.pipeline.arm import START_DAY, arms_of
from carwright.pipeline.solve import TOLERANCE, delivered, dosing_of, draw_patients
from carwright.simulation.source import absolute_tolerances, built_in_system
from carwright.study import load_study

if TYPE_CHECKING:
    from carwright.store import Run


def solve_again(run: Run, arm_name: str, node: str, patient: int) -> Solve:
    """What the solver was given for a patient of an arm at a node."""
    study = load_study(run.folder / "resolved.yaml")
    arm = next(arm for arm in arms_of(study) if arm.name == arm_name)
    column = [entry.id for entry in arm.space.nodes].index(node)
    patients = draw_patients(arm, range(patient, patient + 1))
    system = built_in_system(arm.model)
    return Solve(
        system,
        np.array([float(patients.values[name][0]) for name in system.parameters]),
        dosing_of(arm, delivered(arm, patients).delivered_cells[:, column], column),
        START_DAY,
        study.horizon_days,
        TOLERANCE,
        np.array(absolute_tolerances(arm.model.table, system, TOLERANCE)),
        tuple(trigger for group in arm.triggers.values() for trigger in group),
    )
