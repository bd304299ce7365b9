"""Simulated operating characteristics: all trials step together, cohort by cohort.

Every window is complete before the next cohort; `carwright.trial.timeline` simulates pending windows and backfill.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carwright.errors import CarwrightError, Problem
from carwright.trial.batch import NOBODY, Batch, Flags, Ints
from carwright.trial.characteristics import OperatingCharacteristics
from carwright.trial.design import Design
from carwright.trial.patients import Panel, Patients

MOST_COHORTS = 1_000
"""Cohorts after which a trial is taken to be endless."""


@dataclass(frozen=True)
class Simulated:
    """How each simulated trial ended; ``t`` trials at ``m`` nodes.

    Parameters
    ----------
    labels
        Labels of the nodes.
    recommended
        Column of the recommended node, -1 for none; shape (t,).
    patients, dlts, responses
        Counts by node; shape (t, m).
    undelivered
        Patients whose product fell short of the dose, by the node meant for them; shape (t, m). None for nobody.
    reason, reasons
        Why each trial stopped: index into the sentences; shape (t,).
    duration
        Windows of observation from the first patient to the end; None without a calendar.
    """

    labels: tuple[str, ...]
    recommended: Ints
    patients: Ints
    dlts: Ints
    responses: Ints
    reason: Ints
    reasons: tuple[str, ...]
    duration: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None
    undelivered: Ints | None = None

    def characteristics(self) -> OperatingCharacteristics:
        """Means over the trials, with their Monte Carlo standard errors."""
        trials = self.recommended.size
        keys: tuple[str | None, ...] = (*self.labels, None)
        shares = np.bincount(self.recommended % len(keys), minlength=len(keys)) / trials
        spread = np.sqrt(shares * (1.0 - shares) / trials)
        errors: dict[str, dict[str | None, float]] = {"recommended": dict(zip(keys, spread.tolist(), strict=True))}
        means: list[dict[str, float]] = []
        for name, counts in (("patients", self.patients), ("dlts", self.dlts), ("responses", self.responses)):
            errors[name] = dict(zip(self.labels, (counts.std(axis=0) / trials**0.5).tolist(), strict=True))
            means.append(dict(zip(self.labels, counts.mean(axis=0).tolist(), strict=True)))
        size, often = np.unique(self.patients.sum(axis=1), return_counts=True)
        why = np.bincount(self.reason, minlength=len(self.reasons)) / trials
        reasons = {text: share for text, share in zip(self.reasons, why.tolist(), strict=True) if share}
        return OperatingCharacteristics(
            {None: float(shares[-1]), **dict(zip(self.labels, shares[:-1].tolist(), strict=True))},
            means[0],
            means[1],
            means[2],
            dict(zip(size.tolist(), (often / trials).tolist(), strict=True)),
            dict(sorted(reasons.items())),
            trials,
            errors,
            None if self.duration is None else float(self.duration.mean()),
            None
            if self.undelivered is None
            else dict(zip(self.labels, self.undelivered.mean(axis=0).tolist(), strict=True)),
        )


def simulate(design: Design, patients: Patients, trials: int, seed: int) -> Simulated:
    """Simulate trials with complete follow-up.

    Parameters
    ----------
    design
        The design.
    patients
        Who takes part; as many nodes as the design's space has.
    trials
        Number of trials.
    seed
        Root seed; trial t is the same among 100 trials as among 10,000.

    Raises
    ------
    CarwrightError
        If the patients have other nodes, or a trial does not end.
    """
    labels = design.space.labels
    check_nodes(design, patients)
    panel, end = patients.panel(seed, trials), Ends(labels, trials)
    batch, trial = Batch.empty(trials, len(labels)), np.arange(trials)
    for _ in range(MOST_COHORTS):
        decisions = design.decide_batch(batch)
        over = decisions.node == NOBODY
        if over.any():
            end.note(
                trial[over], batch.rows(over), decisions.recommended[over], decisions.reason[over], decisions.reasons
            )
            going = ~over
            batch, trial = batch.rows(going), trial[going]
            node, size = decisions.node[going], decisions.size[going]
        else:
            node, size = decisions.node, decisions.size
        if not trial.size:
            return end.simulated()
        batch = treat(batch, panel, trial, node, size)
    raise CarwrightError(endless(design))


def treat(batch: Batch, panel: Panel, trial: Ints, node: Ints, size: Ints) -> Batch:
    """Add a cohort to every trial: ``size`` patients at ``node``."""
    seat = batch.total
    seen = np.zeros((3, trial.size), dtype=np.int64)
    for place in range(int(size.max())):
        everybody = bool((size > place).all())
        rows: slice | Flags = slice(None) if everybody else size > place
        dlt, response = panel.outcomes(trial[rows], seat[rows] + place, node[rows])
        seen[0, rows] += dlt
        seen[1, rows] += response
        seen[2, rows] += dlt & response
    at = (np.arange(trial.size), node)
    undelivered = batch.undelivered
    for place in range(int(size.max())):
        here = np.flatnonzero(size > place)
        short = panel.undelivered(trial[here], seat[here] + place, node[here])
        if short is None:
            break
        undelivered = np.zeros_like(batch.patients) if undelivered is None else undelivered.copy()
        undelivered[here, node[here]] += short
    counts = [values.copy() for values in (batch.patients, batch.dlts, batch.responses, batch.both)]
    for values, more in zip(counts, (size, *seen), strict=True):
        values[at] += more
    return Batch(
        counts[0],
        counts[1],
        counts[2],
        counts[3],
        node,
        size,
        seen[0],
        batch.closed,
        batch.deaths,
        undelivered=undelivered,
    )


class Ends:
    """How trials ended, filled in as they do."""

    def __init__(self, labels: tuple[str, ...], trials: int) -> None:
        self.labels = labels
        self.counts = np.zeros((3, trials, len(labels)), dtype=np.int64)
        self.recommended, self.reason = np.zeros((2, trials), dtype=np.int64)
        self.reasons: dict[str, int] = {}
        self.undelivered: Ints | None = None

    def note(self, trial: Ints, batch: Batch, recommended: Ints, reason: Ints, reasons: tuple[str, ...]) -> None:
        """Enter the ends of some trials."""
        for place, values in enumerate((batch.patients, batch.dlts, batch.responses)):
            self.counts[place, trial] = values
        if batch.undelivered is not None:
            if self.undelivered is None:
                self.undelivered = np.zeros_like(self.counts[0])
            self.undelivered[trial] = batch.undelivered
        self.recommended[trial] = recommended
        index = np.array([self.reasons.setdefault(text, len(self.reasons)) for text in reasons])
        self.reason[trial] = index[reason]

    def simulated(self) -> Simulated:
        """Return what was entered."""
        patients, dlts, responses = self.counts
        return Simulated(
            *(self.labels, self.recommended, patients, dlts, responses, self.reason, tuple(self.reasons)),
            undelivered=self.undelivered,
        )


def check_nodes(design: Design, patients: Patients) -> None:
    """Refuse patients whose nodes are not the design's.

    Raises
    ------
    CarwrightError
        If the numbers of nodes differ.
    """
    if patients.nodes != len(design.space.labels):
        problem = Problem(
            "TRIAL046",
            "patients and design have different numbers of nodes",
            "patients",
            str(patients.nodes),
            str(len(design.space.labels)),
            "give one probability for each node",
        )
        raise CarwrightError(problem)


def endless(design: Design) -> Problem:
    """Describe a trial that does not end."""
    return Problem(
        "TRIAL047",
        f"a trial of the design {design.name} does not end",
        "rules",
        f"{MOST_COHORTS} cohorts",
        "designs that end",
        "add the rule stop_at",
    )
