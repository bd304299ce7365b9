"""Several designs on the same virtual patients: one row per trial, design and adjudication rule.

Nothing is solved anew. Trial t of every design meets the same patients in the same order with the same arrivals, so
that differences between designs are paired, trial by trial.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from carwright.trial.replay import replay

if TYPE_CHECKING:
    from carwright.pipeline.arm import Arm
    from carwright.pipeline.outcomes import ArmOutcomes
    from carwright.store import Progress
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
    counted: dict[str, Any] = {
        "deaths": np.bincount(trial, died, minlength=count).astype(np.uint32),
        **{infused_at(label): at[:, place[label]].astype(np.uint32) for label in labels},
    }
    texts = {key: pl.Series(trials[key].tolist(), dtype=pl.String) for key in COPIED if trials[key].dtype == object}
    plain = {key: pl.Series(trials[key]) for key in COPIED if trials[key].dtype != object}
    own = {key: texts[key] if key in texts else plain[key] for key in COPIED}
    return pl.DataFrame({**own, **counted}).select(*COPIED[:3], pl.lit(name).alias("design"), *COPIED[3:], *counted)
