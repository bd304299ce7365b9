"""Accelerated titration (Simon, Freidlin, Rubinstein, Arbuck, Collins and Christian 1997, doi 10.1093/jnci/89.15.1138).

One patient per node until the first dose-limiting toxicity; from that node on, 3+3. Nodes passed by one patient are
not filled up, unless the path later stops above them. The published trigger by moderate toxicity needs grades, which
outcome strings do not show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Ints
from carwright.trial.designs.three_plus_three import COHORT, EXPANDED, STOPPING_DLTS
from carwright.trial.on_path import OnPath, open_places

_REASONS = (
    "no dose-limiting toxicity yet: one patient at node {next}",
    "escalate to node {next}: {y} of {n} with dose-limiting toxicity at node {last}",
    "{y} of {n} with dose-limiting toxicity at node {last}: treat more at node {next}",
    "node {next} comes before the recommendation: the node above was not tolerated",
    "the whole path was tolerated",
    "the node above was not tolerated",
    "no node was tolerated",
)


@dataclass(frozen=True, kw_only=True)
class AcceleratedTitration(OnPath):
    """Accelerated titration on a path."""

    name: ClassVar[str] = "accelerated-titration"
    ends_by_itself: ClassVar[bool] = True

    deescalate: bool = option.flag(
        False,
        "Whether the node below a stopped one is confirmed in six patients rather than three before it is recommended.",
        source="Korn 1994, doi 10.1002/sim.4780131802; without: Simon 1997",
    )

    def decide_on_path(self, batch: Batch) -> Decisions:
        """Titrate, then climb and expand as 3+3."""
        rows, nodes = np.arange(batch.trials), len(self.path)
        top = open_places(self._refuted(batch)) - 1
        current = np.minimum(np.maximum(batch.last, 0), top)
        n, y = batch.patients[rows, current], batch.dlts[rows, current]
        titrates = batch.dlts.sum(axis=1) == 0
        first = batch.total == 0
        under_stop = (current == top) & (current < nodes - 1)
        passes = self._passes(n, y)
        # With nothing toxic seen, one patient is enough to go up, though not to end at the top of what is open.
        climbs = np.where(titrates, (n >= 1), passes) & (current < top)
        last_node = passes & (current == nodes - 1)
        settled = under_stop & passes & ((n >= EXPANDED) if self.deescalate else True)
        over = (top < 0) | last_node | settled
        chosen = np.where(over & (top >= 0), current, NOBODY)
        node = np.where(over, NOBODY, np.where(climbs, np.minimum(current + 1, nodes - 1), current))
        here = batch.patients[rows, node]
        fill_up = np.where(here < COHORT, COHORT, EXPANDED) - here
        size = np.where(titrates & (climbs | first), 1, fill_up)
        reason = np.select(
            [top < 0, last_node, settled, titrates & (climbs | first), climbs, under_stop], [6, 4, 5, 0, 1, 3], 2
        )
        return Decisions(
            node,
            np.where(over, 0, size),
            np.zeros(batch.trials, dtype=np.bool_),
            chosen,
            self._admissible(batch, top),
            reason,
            _REASONS,
        )

    def select_on_path(self, batch: Batch) -> Ints:
        """Highest open node that passes."""
        may = self._admissible(batch, open_places(self._refuted(batch)) - 1)
        place = np.where(may, np.arange(len(self.path)), NOBODY)
        chosen: Ints = place.max(axis=1)
        return chosen

    def _refuted(self, batch: Batch) -> Flags:
        refuted: Flags = batch.closed | (batch.dlts >= STOPPING_DLTS)
        return refuted

    def _passes(self, n: Ints, y: Ints) -> Flags:
        """Whether 3+3 goes up from a node: none of three or more, or at most one of six."""
        passes: Flags = ((n >= COHORT) & (y == 0)) | ((n >= EXPANDED) & (y < STOPPING_DLTS))
        return passes

    def _admissible(self, batch: Batch, top: Ints) -> Flags:
        return self._passes(batch.patients, batch.dlts) & (np.arange(len(self.path)) <= top[:, None])
