"""Before ending without a recommendation, give the lowest node a last chance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions
from carwright.trial.rules.rule import Rule, Wrap, lowest_of


@dataclass(frozen=True, kw_only=True)
class Rescue(Rule):
    """A design that treats the lowest node before ending with nothing, if that has fewer than ``n`` patients.

    As ``try_rescue_dose`` of the R package escalation. A node that a rule has closed, as after a death, is not
    given.
    """

    title: ClassVar[str] = "rescue"

    n: int = option.whole(3, "Patients at the lowest node below which it is tried.", low=1, source="assumed")

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design, and rescue."""
        found = self.inner.decide_batch(batch)
        lowest = self.space.columns[lowest_of(self)]
        here = batch.patients[:, lowest]
        rescued = found.over & (found.recommended == NOBODY) & (here < self.n) & ~batch.closed[:, lowest]
        if not rescued.any():
            return found
        node = np.full(batch.trials, lowest)
        return found.moved(rescued, node, self.n - here, "try node {next} before giving up")


def rescue(n: int = 3) -> Wrap:
    """Rule for the right of ``|``: try the lowest node before ending with nothing."""
    return partial(Rescue, n=n)
