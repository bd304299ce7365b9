"""BOIN on a partial order of nodes, such as pairs of two drugs' doses, or cells and lymphodepletion.

Lin and Yin 2017 (doi 10.1177/0962280215594494): the same bounds as BOIN; up and down are choices among the nodes next
above or below, by the posterior probability that the node's toxicity lies between the bounds. Agrees with the R
package BOIN 2.7.2 on its grids, but for ties, where the package draws: here the last node in the order of the dose
space is taken on the way up and the first on the way down, so that on a grid the first agent moves.
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
from carwright.trial.outcomes import History
from carwright.trial.partial_isotonic import PartialIsotonic
from carwright.trial.posterior_table import posterior_above, posterior_below
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
        up, some_up = _best(score[:, ::-1], self._above[current][:, ::-1])
        up = score.shape[1] - 1 - up
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
        may, distance = self._distance(batch)
        # The package rounds, so equal distances do occur; beyond rounding errors the first node is taken.
        nearest = distance <= distance.min(axis=1, keepdims=True) + 1e-9
        chosen: Ints = np.where(may.any(axis=1), nearest.argmax(axis=1), NOBODY)
        return chosen

    def estimates(self, history: History) -> dict[str, dict[str, float | None]]:
        """Isotonic estimates on the partial order, untried nodes included, and probabilities of more toxicity."""
        batch = Batch.of(self.space, (history,))
        fitted, above = self.isotonic_estimates(batch)[0], posterior_above(batch.patients, batch.dlts, self.target)[0]
        own = np.where(batch.patients[0] > 0, above, np.nan).tolist()
        return {
            "isotonic_toxicity": dict(zip(self.space.labels, fitted.tolist(), strict=True)),
            "toxicity_above_target": {
                label: None if np.isnan(value) else value for label, value in zip(self.space.labels, own, strict=True)
            },
        }

    def contour(self, history: History) -> dict[str, str]:
        """For each row of a grid the given node nearest to the target, by row; empty unless labels are row.column.

        Where a row's node is in the last column, the next lower row has none (R package BOIN 2.7.2, select.mtd.comb
        with mtd.contour).
        """
        batch = Batch.of(self.space, (history,))
        labels = self.space.labels
        if not all(label.replace(".", "", 1).isdigit() and "." in label.strip(".") for label in labels):
            return {}
        may, distance = (values[0] for values in self._distance(batch))
        rows: dict[str, list[int]] = {}
        for column, label in enumerate(labels):
            rows.setdefault(label.partition(".")[0], []).append(column)
        found: dict[str, str] = {}
        covered = False
        for row in sorted(rows, key=int, reverse=True):
            open_ = [column for column in rows[row] if may[column]]
            best = min(open_, key=lambda column: distance[column]) if open_ and not covered else None
            if best is not None:
                found[row] = labels[best]
            covered = best == rows[row][-1]
        return dict(reversed(found.items()))

    def _distance(self, batch: Batch) -> tuple[Flags, Floats]:
        """Nodes that may be recommended, and the distance of their rounded estimates from the target."""
        closed = self._codes(batch)[1]
        estimates = np.round(self.isotonic_estimates(batch), 2) + PER_RANK * self._rank
        may = ~closed & (batch.patients > 0) & (estimates < self.highest_estimate)
        return may, np.where(may, np.abs(estimates - self.target), np.inf)

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
