"""From trials back to patients: who was treated where, and what each trial saw of a graded outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from carwright.trial.space import DoseSpace

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from carwright.trial.replay import Columns


class TrialRates(NamedTuple):
    """Events among the infused patients of each trial; shapes (trials,).

    ``rate`` is NaN in trials that infused nobody.
    """

    events: NDArray[np.int64]
    infused: NDArray[np.int64]
    rate: NDArray[np.float64]


def rates_by_trial(trial_patients: Columns, space: DoseSpace, event: ArrayLike, trials: int) -> TrialRates:
    """Count an event among the infused patients of each trial, at the nodes where they were treated.

    Parameters
    ----------
    trial_patients
        Table of `carwright.trial.replay.replay` for one arm and adjudication.
    space
        The dose space; orders the columns of ``event``.
    event
        Whether each patient has the event at each node, such as ``crs_grade >= 2``; shape (patients, nodes).
    trials
        Number of trials.
    """
    trial, patient, node = _infused(trial_patients, space)
    happened = np.asarray(event, dtype=bool)[patient, node]
    events = np.bincount(trial[happened], minlength=trials)
    total = np.bincount(trial, minlength=trials)
    rate = np.full(trials, np.nan)
    np.divide(events, total, out=rate, where=total > 0)
    return TrialRates(events, total, rate)


def treatment_weights(trial_patients: Columns, space: DoseSpace, patients: int) -> NDArray[np.float64]:
    """How often each patient was infused at each node, shape (patients, nodes).

    Weights of marginal quantities over patients as treated: the mixture of nodes that the trials made.

    Parameters
    ----------
    trial_patients, space
        As in `rates_by_trial`.
    patients
        Number of patients in the table of potential outcomes.
    """
    _, patient, node = _infused(trial_patients, space)
    nodes = len(space.labels)
    counts = np.bincount(patient * nodes + node, minlength=patients * nodes)
    return counts.reshape(patients, nodes).astype(np.float64)


def _infused(trial_patients: Columns, space: DoseSpace) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Trial, patient and column of the node of every infused patient."""
    infused = trial_patients["status"] != "not_infused"
    node = [space.columns[label] for label in trial_patients["node"][infused]]
    trial = trial_patients["trial"][infused].astype(np.intp)
    return trial, trial_patients["patient"][infused].astype(np.intp), np.array(node, dtype=np.intp)
