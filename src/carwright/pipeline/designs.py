"""Several designs on the same virtual patients: one row per trial, design and adjudication rule.

Nothing is solved anew. Trial t of every design meets the same patients in the same order with the same arrivals, so
that differences between designs are paired, trial by trial.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from carwright.pipeline.arm import Arm, arms_of
from carwright.pipeline.frames import frame_of
from carwright.pipeline.outcomes import ArmOutcomes
from carwright.study import designs as study_designs
from carwright.study import load_study
from carwright.study.conduct import build_from
from carwright.trial.registry import design_class
from carwright.trial.replay import replay

if TYPE_CHECKING:
    from carwright.store import Progress, Run
    from carwright.trial.design import Design
    from carwright.trial.potential import PotentialOutcomes
    from carwright.trial.replay import Replayed

TABLE = "design_trials"
"""Name of the table."""

COPIED = (
    *("trial", "population", "adjudication", "enrolled", "infused", "evaluable", "dlts", "recommended_node"),
    *("stop_reason", "toxicity_path", "duration_days"),
)
"""Columns that are those of the table ``trials``."""


def infused_at(node: str) -> str:
    """Column that counts the patients infused at a node."""
    return f"infused_at_{node}"


def own_name(arm: Arm) -> str:
    """Name of the study's own design among those that it is compared with."""
    name = arm.study.design.name
    other = arm.trial.compared.get(name)
    return name if other is None or other == arm.trial.design else f"{name} (study)"


def designs_of(arm: Arm) -> dict[str, Design]:
    """Designs by name, the study's own first unless the study lists it elsewhere."""
    own, compared = own_name(arm), arm.trial.compared
    return compared if own in compared else {own: arm.trial.design, **compared}


def design_table(arm: Arm, outcomes: ArmOutcomes, own: dict[str, Replayed], progress: Progress) -> pl.DataFrame:
    """Replay every design of an arm under every adjudication rule.

    Parameters
    ----------
    arm
        The arm.
    outcomes
        Its patients.
    own
        Trials of the arm's own design by rule, which are not replayed again.
    progress
        Hears how far the work is.
    """
    frames = []
    for rule, name, design in _wanted(arm):
        potential = outcomes.potential(rule, arm.disease.response)
        if name == own_name(arm):
            replayed = own[rule]
        else:
            study = arm.study
            replayed = replay(
                study.trials, design, potential, arm.trial.calendar, study.seed, arm=arm.name, adjudication=rule
            )
            progress.advance(study.trials)
        frames.append(_rows(name, replayed, potential, arm.space.labels))
    return pl.concat(frames)


def extra_replays(arm: Arm) -> int:
    """How many times the trials of an arm are replayed beyond those of its own design."""
    return sum(name != own_name(arm) for _, name, _ in _wanted(arm)) if arm.study.compare_designs else 0


def _wanted(arm: Arm) -> Iterator[tuple[str, str, Design]]:
    for rule in arm.rules:
        for name, design in designs_of(arm).items():
            yield rule, name, design


def _rows(name: str, replayed: Replayed, potential: PotentialOutcomes, labels: tuple[str, ...]) -> pl.DataFrame:
    trials, members = replayed
    count = trials["trial"].size
    infused = members["status"] != "not_infused"
    trial, patient = members["trial"][infused].astype(np.int64), members["patient"][infused]
    place = {label: column for column, label in enumerate(labels)}
    column = np.array([place[node] for node in members["node"][infused]], dtype=np.int64)
    died = potential.death[patient, column]
    at = np.bincount(trial * len(labels) + column, minlength=count * len(labels)).reshape(count, len(labels))
    counted = {
        "deaths": np.bincount(trial, died, minlength=count).astype(np.uint32),
        **{infused_at(label): at[:, place[label]].astype(np.uint32) for label in labels},
    }
    own = frame_of({**{key: trials[key] for key in COPIED}, **counted})
    return own.select(*COPIED[:3], pl.lit(name).alias("design"), *COPIED[3:], *counted)


def replayed_trial(run: Run, trial: int, arm_name: str, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Replay one trial of a finished run under a design, whether or not the run compared it.

    Parameters
    ----------
    run
        The run.
    trial
        Number of the trial.
    arm_name
        Arm of the run.
    name
        A design of the run, or any registered one, which then goes the way of the study's own.

    Returns
    -------
    tuple
        Rows as in the tables ``trials``, one for each adjudication rule, and ``trial_patients``.

    Raises
    ------
    CarwrightError
        If there is no such design, or it cannot be used for the study.
    """
    arm = next(arm for arm in arms_of(load_study(run.folder / "resolved.yaml")) if arm.name == arm_name)
    known = designs_of(arm)
    if name in known:
        design = known[name]
    else:
        design_class(name)  # refuses a name that is not registered
        chosen = study_designs.ComparedDesign.model_construct(name=name)
        design = build_from(chosen.beside(arm.study.design), arm.space, arm.study.target_toxicity)
    outcomes = ArmOutcomes.of(run.table("patients"), arm.name, arm.space.labels)
    replayed = [
        replay(
            1,
            design,
            outcomes.potential(rule, arm.disease.response),
            arm.trial.calendar,
            arm.study.seed,
            arm=arm.name,
            adjudication=rule,
            first=trial,
        )
        for rule in arm.rules
    ]
    return tuple(pl.concat([frame_of(each[table]) for each in replayed]) for table in (0, 1))  # type: ignore[return-value]
