"""BOIN on a partial order of nodes, such as pairs of two drugs' doses, or cells and lymphodepletion.

Lin and Yin 2017 (doi 10.1177/0962280215594494): the same bounds as BOIN; up and down are choices among the nodes next
above or below, by the posterior probability that the node's toxicity lies between the bounds. Agrees with the R
package BOIN 2.7.2 on its grids, but for ties: there the first node in the order of the dose space is taken, where
the package draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Floats, Ints
from carwright.trial.designs.boin import Boin
from carwright.trial.isotonic import PRIOR
from carwright.trial.partial_isotonic import PartialIsotonic
from carwright.trial.posterior_table import posterior_below
from carwright.trial.table_design import DEESCALATE, ELIMINATE, ESCALATE

JEFFREYS = 0.5
"""Both shapes of the prior under which nodes are compared (published: R package BOIN 2.7.2, next.comb)."""

PER_PATIENT = 0.0005
"""Breaks ties towards nodes with more patients (published: R package BOIN 2.7.2, next.comb)."""

PER_RANK = 1e-5
"""Breaks ties between equal estimates by rank (published: R package BOIN 2.7.2, select.mtd.comb)."""

_REASONS = (
    "treat the first cohort at node {next}",
    "stay at node {next}: {y} of {n} with dose-limiting toxicity at node {last}",
    "escalate to node {next}: {y} of {n} with dose-limiting toxicity at node {last}",
    "de-escalate to node {next}: {y} of {n} with dose-limiting toxicity at node {last}",
    "node {next} is open where node {last} is not",
    "no node is open",
)


@dataclass(frozen=True, kw_only=True)
class BoinCombination(Boin):
    """BOIN on all nodes of a partial order."""

    name: ClassVar[str] = "boin-combination"
    needs_path: ClassVar[bool] = False

    path: tuple[str, ...] = option.custom(
        (), "Not used: the design moves on the whole dose space.", allowed="an empty list", read=lambda value: (),
        source="the dose space",
    )  # fmt: skip
    recommend: str = option.choice(
        "isotonic",
        "Node at the end: the one whose isotonic estimate on the partial order is nearest to the target.",
        ("isotonic",),
        source="R package BOIN 2.7.2",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "path", ())

    def check(self, problems: Problems) -> None:
        """Record that the interval does not hold the target, or that the first node does not exist."""
        object.__setattr__(self, "path", self.space.labels)  # where a trial may start
        super().check(problems)

    def decide_batch(self, batch: Batch) -> Decisions:
        """Move to the most promising node next above or below."""
        codes, closed = self._codes(batch)
        rows = np.arange(batch.trials)
        begins = batch.last == NOBODY
        lowest = [label for label in self.space.labels if not self.space.below(label)]
        first = self.space.columns[lowest[0] if self.start is None else self.start]
        current = np.where(begins, first, batch.last)
        score = np.where(closed, -np.inf, self._promise(batch))
        code = codes[rows, current]
        shut = closed[rows, current]
        unseen = batch.patients[rows, current] == 0
        up, some_up = _best(score, self._above[current])
        down, some_down = _best(score, self._below[current])
        rises = ~unseen & ~shut & (code == ESCALATE) & some_up
        falls = ~unseen & (shut | (code >= DEESCALATE)) & some_down
        # A closed node without an open one below: any other open node that is lowest or was given.
        elsewhere, some = _best(score, self._minimal | (batch.patients > 0))
        lost = shut & ~falls
        node = np.select([rises, falls, lost & some, lost], [up, down, elsewhere, NOBODY], current)
        over = node == NOBODY
        reason = np.select([over, lost, rises, falls, begins | unseen], [5, 4, 2, 3, 0], 1)
        return Decisions(
            node,
            np.where(over, 0, self.cohort_size),
            np.zeros(batch.trials, dtype=np.bool_),
            np.full(batch.trials, NOBODY, dtype=np.int64),
            ~closed & (batch.patients > 0),
            reason,
            _REASONS,
        )

    def select_batch(self, batch: Batch) -> Ints:
        """Node whose estimate on the partial order is nearest to the target."""
        closed = self._codes(batch)[1]
        estimates = np.round(self.isotonic_estimates(batch), 2) + PER_RANK * self._rank
        may = ~closed & (batch.patients > 0) & (estimates < self.highest_estimate)
        distance = np.where(may, np.abs(estimates - self.target), np.inf)
        # The package rounds, so equal distances do occur; beyond rounding errors the first node is taken.
        nearest = distance <= distance.min(axis=1, keepdims=True) + 1e-9
        chosen: Ints = np.where(may.any(axis=1), nearest.argmax(axis=1), NOBODY)
        return chosen

    def isotonic_estimates(self, batch: Batch) -> Floats:
        """Isotonic estimates of toxicity on the partial order, untried nodes included; shape (t, m)."""
        weights = (batch.patients + 2 * PRIOR).astype(np.float64)
        return self._isotonic.fit((batch.dlts + PRIOR) / weights, weights)

    def _codes(self, batch: Batch) -> tuple[Ints, Flags]:
        table, stops = self._tables(int(batch.patients.max(initial=0)))
        codes = table[batch.patients, batch.dlts]
        too_toxic = (codes == ELIMINATE) | (stops[batch.patients, batch.dlts] & self._minimal) | batch.closed
        closed: Flags = too_toxic | (too_toxic.astype(np.int64) @ self._higher > 0)
        return codes, closed

    def _promise(self, batch: Batch) -> Floats:
        n, y = batch.patients, batch.dlts
        between = posterior_below(n, y, self.lambda_d, JEFFREYS) - posterior_below(n, y, self.lambda_e, JEFFREYS)
        return between + PER_PATIENT * n

    @cached_property
    def _higher(self) -> Ints:
        labels = self.space.labels
        return np.array([[other in self.space.above(label) for other in labels] for label in labels], dtype=np.int64)

    @cached_property
    def _above(self) -> Flags:
        labels = self.space.labels
        return np.array([[other in self.space.next_above(label) for other in labels] for label in labels])

    @cached_property
    def _below(self) -> Flags:
        return self._above.T

    @cached_property
    def _minimal(self) -> Flags:
        return np.array([not self.space.below(label) for label in self.space.labels])

    @cached_property
    def _rank(self) -> Ints:
        """Length of the longest chain up to each node."""
        rank: dict[str, int] = {}
        for label in sorted(self.space.labels, key=lambda each: len(self.space.below(each))):
            rank[label] = 1 + max((rank[lower] for lower in self.space.below(label)), default=0)
        return np.array([rank[label] for label in self.space.labels])

    @cached_property
    def _isotonic(self) -> PartialIsotonic:
        return PartialIsotonic(self.space)


def _best(score: Floats, among: Flags) -> tuple[Ints, Flags]:
    """First column of the highest score among some, and whether there is any; shape (t,)."""
    found = np.where(among, score, -np.inf)
    return found.argmax(axis=1), np.isfinite(found.max(axis=1))
