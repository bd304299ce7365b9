"""Rolling six (Skolnik, Barrett, Jayaraman, Patel and Adamson 2008, doi 10.1200/JCO.2007.12.7712).

Two to six patients are treated at a node without waiting for each other; whether the next one goes up, stays or goes
down depends on how many were treated, had a toxicity, and are still followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Ints
from carwright.trial.on_path import OnPath, open_places

FEWEST, MOST, STOPPING = 3, 6, 2
"""Complete patients to escalate, patients at a node, and toxicities that stop (published: Skolnik 2008, table 1)."""

_REASONS = (
    "treat the next patient at node {next}",
    "escalate to node {next}: node {last} was tolerated",
    "de-escalate to node {next}: two or more dose-limiting toxicities at node {last}",
    "wait: the patients at node {last} must be followed before anybody else is treated",
    "the whole path was tolerated",
    "the node above was not tolerated",
    "no node was tolerated",
)


@dataclass(frozen=True, kw_only=True)
class RollingSix(OnPath):
    """Rolling six on a path."""

    name: ClassVar[str] = "rolling-six"
    uses_follow_up: ClassVar[bool] = True
    ends_by_itself: ClassVar[bool] = True

    deescalate: bool = option.flag(
        True,
        "Whether the node below a stopped one is treated in six patients before it is recommended.",
        source="Skolnik 2008",
    )

    def decide_on_path(self, batch: Batch) -> Decisions:
        """Decide by treated, toxic and pending patients at the node in question."""
        rows, nodes = np.arange(batch.trials), len(self.path)
        top = open_places(self._refuted(batch)) - 1
        current = np.minimum(np.maximum(batch.last, 0), top)  # below a stopped node, its neighbour is in question
        n, y, pending = (values[rows, current] for values in (batch.patients, batch.dlts, batch.pending))
        passed = self._passed(n, y, pending)
        last_up = np.minimum(current + 1, nodes - 1)
        rises = passed & (current < top)
        finished = passed & (current == nodes - 1)
        under = current < nodes - 1
        below_stop = under & (current == top)  # the node above was refuted or closed
        settled = below_stop & (passed if not self.deescalate else passed & (n >= MOST))
        waits = (n >= MOST) & ~passed
        over = (top < 0) | finished | settled
        chosen = np.where(over & (top >= 0), current, NOBODY)
        node = np.where(over | waits, NOBODY, np.where(rises, last_up, current))
        fell = (batch.last > current) & ~over
        reason = np.select([top < 0, finished, settled, waits, rises, fell], [6, 4, 5, 3, 1, 2], 0)
        return Decisions(
            node,
            np.where(node == NOBODY, 0, 1),
            waits & ~over,
            chosen,
            self._tolerated(batch, top),
            reason,
            _REASONS,
        )

    def select_on_path(self, batch: Batch) -> Ints:
        """Highest node up to which every node was tolerated."""
        tolerated = self._tolerated(batch, open_places(self._refuted(batch)) - 1)
        chosen: Ints = np.logical_and.accumulate(tolerated, axis=1).sum(axis=1) - 1
        return chosen

    def _refuted(self, batch: Batch) -> Flags:
        refuted: Flags = batch.closed | (batch.dlts >= STOPPING)
        return refuted

    def _passed(self, n: Ints, y: Ints, pending: Ints) -> Flags:
        """Whether a node is left upwards: nobody toxic of three to five complete, or at most one of six."""
        few = (y == 0) & (n >= FEWEST) & (pending == 0)
        # With six treated, one still followed can at most become the one toxicity that is tolerated.
        full = (n >= MOST) & (y + pending <= 1)
        passed: Flags = few | full
        return passed

    def _tolerated(self, batch: Batch, top: Ints) -> Flags:
        tolerated: Flags = self._passed(batch.patients, batch.dlts, batch.pending)
        return tolerated & (np.arange(len(self.path)) <= top[:, None])
