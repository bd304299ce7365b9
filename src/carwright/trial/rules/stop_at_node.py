"""Stop the trial once the node that would be treated again has enough patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import Batch, Decisions
from carwright.trial.rules.rule import Rule, Wrap


@dataclass(frozen=True, kw_only=True)
class StopAtNode(Rule):
    """A design that ends when the next cohort would go to the last node and that has ``n`` patients."""

    title: ClassVar[str] = "stop_at_node"

    n: int = option.whole(12, "Patients at the node.", low=1, source="n.earlystop of the R package BOIN 2.7.2")

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design until a node has enough patients."""
        found = self.inner.decide_batch(batch)
        here = batch.patients[np.arange(batch.trials), batch.last]
        enough = (found.node == batch.last) & ~found.over & (batch.last >= 0) & (here >= self.n)
        if not enough.any():
            return found
        chosen = self.inner.select_batch(batch.rows(enough))
        return found.stopped(enough, chosen, f"{self.n} patients were treated at the node to be treated next")


def stop_at_node(n: int) -> Wrap:
    """Rule for the right of ``|``: stop when the node to be treated again has ``n`` patients."""
    return partial(StopAtNode, n=n)
