"""Close a node at once when a treatment-related death occurs there.

Assumed: the stopping rules of NCT03089203 were not readable. One treatment-related death closing a dose is
common in first-in-human protocols, and it is what makes a single patient at node 3 of that trial plausible.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from carwright.trial.batch import Batch, Decisions, Ints
from carwright.trial.outcomes import History
from carwright.trial.rules.rule import Rule


@dataclass(frozen=True)
class HaltOnDeath(Rule):
    """A design in which a death closes its node, even before the cohort is complete.

    Patients of the cohort who are not yet infused on the day of the death are not infused at that node. A
    death counts whether or not the patient was evaluable for dose-limiting toxicity.
    """

    title: ClassVar[str] = "halt_on_death"

    def closes(self, history: History) -> frozenset[str]:
        """Nodes with a treatment-related death, and those that the wrapped design closes."""
        return self.inner.closes(history) | {cohort.node for cohort in history if cohort.deaths}

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design, with the nodes of a death closed."""
        return self.inner.decide_batch(_closed(batch))

    def select_batch(self, batch: Batch) -> Ints:
        """Recommend as the wrapped design, with the nodes of a death closed."""
        return self.inner.select_batch(_closed(batch))


def _closed(batch: Batch) -> Batch:
    return replace(batch, closed=batch.closed | (batch.deaths > 0)) if batch.deaths.any() else batch
