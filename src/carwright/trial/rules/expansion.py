"""Do not end before the recommended node has enough patients: an expansion cohort, or a demand on numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions
from carwright.trial.rules.rule import Rule, Wrap


@dataclass(frozen=True, kw_only=True)
class Expansion(Rule):
    """A design that treats the node it would recommend until that has ``n`` patients.

    The wrapped design is asked again after each cohort, so toxicity in the expansion can still move the
    recommendation; then the new node is filled.
    """

    title: ClassVar[str] = "expansion"

    n: int = option.whole(6, "Patients at the recommended node.", low=1, source="assumed")
    cohort_size: int = option.whole(3, "Patients of a cohort of the expansion.", low=1, source="convention")

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design, and expand what it recommends."""
        found = self.inner.decide_batch(batch)
        here = batch.patients[np.arange(batch.trials), found.recommended]
        expands = found.over & (found.recommended != NOBODY) & (here < self.n)
        if not expands.any():
            return found
        size = np.minimum(self.n - here, self.cohort_size)
        return found.moved(expands, found.recommended, size, f"expand node {{next}} to {self.n} patients")


def expansion(n: int, cohort_size: int = 3) -> Wrap:
    """Rule for the right of ``|``: treat the recommended node until it has ``n`` patients."""
    return partial(Expansion, n=n, cohort_size=cohort_size)
