"""Exact operating characteristics without listing paths: trials that look alike are kept together.

What a design does next depends on counts by node and on the last cohort, so paths that meet in the same counts
have the same future; their probabilities add. Patients are independent, with the same probabilities at a node.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from math import factorial, prod

import numpy as np

from carwright.errors import CarwrightError, Problem
from carwright.trial.batch import NOBODY, Batch, Floats, Ints
from carwright.trial.characteristics import OperatingCharacteristics
from carwright.trial.design import Design
from carwright.trial.paths import check_probabilities

MOST_STATES = 300_000
"""Different states at one stage of the trial beyond which the calculation is refused."""

MOST_CELLS = 2_000_000
"""The same, times the number of nodes: large spaces are refused earlier, because each state takes longer."""

SMALL = 20_000
"""Different states at one stage up to which a trial is small: exact results are then the default."""


def exact(
    design: Design,
    dlt_probability: Mapping[str, float],
    response_probability: Mapping[str, float] | None = None,
    *,
    most_states: int = MOST_STATES,
) -> OperatingCharacteristics:
    """Exact operating characteristics.

    Parameters
    ----------
    design
        The design.
    dlt_probability
        Probability of dose-limiting toxicity by node, for every node of the design's space.
    response_probability
        Probability of response by node, independent of toxicity; 0 where absent.
    most_states
        Different states at one stage beyond which the calculation is refused.

    Raises
    ------
    CarwrightError
        If probabilities are missing or no probabilities, or if there are too many states.
    """
    response = response_probability or {}
    check_probabilities(design, dlt_probability, {}, response)
    labels = design.space.labels
    toxic = np.array([dlt_probability[label] for label in labels])
    active = np.array([response.get(label, 0.0) for label in labels])
    used = active if design.uses_responses else np.zeros_like(active)
    chances = np.stack([(1 - toxic) * (1 - used), (1 - toxic) * used, toxic * (1 - used), toxic * used], axis=1)
    most = min(most_states, MOST_CELLS // len(labels))
    totals = _Totals(len(labels))
    batch, weight = Batch.empty(1, len(labels)), np.ones(1)
    while weight.size:
        decisions = design.decide_batch(batch)
        over = decisions.node == NOBODY
        totals.add(
            batch.rows(over), weight[over], decisions.recommended[over], decisions.reason[over], decisions.reasons
        )
        going = ~over
        batch, weight = _treat(batch.rows(going), weight[going], decisions.node[going], decisions.size[going], chances)
        if weight.size > most:
            raise CarwrightError(_too_many(most))
    expected = totals.patients * active
    return totals.characteristics(labels, totals.responses if design.uses_responses else expected)


def _treat(batch: Batch, weight: Floats, node: Ints, size: Ints, chances: Floats) -> tuple[Batch, Floats]:
    """Every state that the next cohort can lead to, each once, with its probability."""
    states: list[tuple[Ints, ...]] = []
    weights: list[Floats] = []
    for cohort in np.unique(size):
        rows = np.flatnonzero(size == cohort)
        counts, ways = _outcomes(int(cohort), bool(chances[:, [1, 3]].any()))
        likely = weight[rows, None] * ways * np.prod(chances[node[rows], None, :] ** counts, axis=2)
        row, outcome = np.nonzero(likely > 0.0)
        weights.append(likely[row, outcome])
        states.append((rows[row], *counts[outcome].T))
    if not states:
        return batch, weight
    parent, none, response, toxic, both = (np.concatenate(column) for column in zip(*states, strict=True))
    after, place = batch.rows(parent), (np.arange(parent.size), node[parent])
    for values, seen in (
        (after.patients, none + response + toxic + both),
        (after.dlts, toxic + both),
        (after.responses, response + both),
        (after.both, both),
    ):
        values[place] += seen
    after = replace(after, last=node[parent], last_patients=none + response + toxic + both, last_dlts=toxic + both)
    _, first, inverse = np.unique(after.key(), return_index=True, return_inverse=True)
    together = np.bincount(inverse.reshape(-1), weights=np.concatenate(weights), minlength=first.size)
    return after.rows(first), together.astype(np.float64)


@cache
def _outcomes(size: int, responses: bool) -> tuple[Ints, Floats]:
    """Counts of N, E, T and B of a cohort, and the number of orders in which each can come."""
    kinds = [range(size + 1), range(size + 1) if responses else range(1)]
    found = [(size - e - t - b, e, t, b) for e, b, t in product(kinds[1], kinds[1], kinds[0]) if e + t + b <= size]
    ways = [factorial(size) / prod(factorial(count) for count in counts) for counts in found]
    return np.array(found, dtype=np.int64), np.array(ways)


class _Totals:
    """Sums over the trials that have ended."""

    def __init__(self, nodes: int) -> None:
        self.recommended = np.zeros(nodes + 1)
        self.patients, self.dlts, self.responses = np.zeros((3, nodes))
        self.sizes: defaultdict[int, float] = defaultdict(float)
        self.reasons: defaultdict[str, float] = defaultdict(float)

    def add(self, batch: Batch, weight: Floats, recommended: Ints, reason: Ints, reasons: tuple[str, ...]) -> None:
        """Add trials that have ended."""
        np.add.at(self.recommended, recommended, weight)
        self.patients += weight @ batch.patients
        self.dlts += weight @ batch.dlts
        self.responses += weight @ batch.responses
        for size, share in enumerate(np.bincount(batch.patients.sum(axis=1), weights=weight)):
            if share:
                self.sizes[size] += float(share)
        for index, share in enumerate(np.bincount(reason, weights=weight)):
            if share:
                self.reasons[reasons[index]] += float(share)

    def characteristics(self, labels: tuple[str, ...], responses: Floats) -> OperatingCharacteristics:
        """Return the sums by label."""
        patients, dlts, seen = (
            dict(zip(labels, values.tolist(), strict=True)) for values in (self.patients, self.dlts, responses)
        )
        shares = self.recommended.tolist()
        return OperatingCharacteristics(
            {None: shares[-1], **dict(zip(labels, shares[:-1], strict=True))},
            patients,
            dlts,
            seen,
            dict(sorted(self.sizes.items())),
            dict(sorted(self.reasons.items())),
        )


def _too_many(most: int) -> Problem:
    return Problem(
        "TRIAL043",
        "this design has too many states to be exact",
        "exact operating characteristics",
        f"more than {most:,} at one stage",
        "trials of few patients",
        "simulate, or stop earlier with the rule stop_at",
    )
