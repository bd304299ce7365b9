"""Close a node at once when a treatment-related death occurs there.

Assumed: the stopping rules of NCT03089203 were not readable. One treatment-related death closing a dose is
common in first-in-human protocols, and it is what makes a single patient at node 3 of that trial plausible.
"""

from __future__ import annotations

from dataclasses import dataclass

from carwright.trial.design import Decision, Design
from carwright.trial.outcomes import History
from carwright.trial.space import DoseSpace


@dataclass(frozen=True)
class HaltOnDeath(Design):
    """A design in which a death closes its node, even before the cohort is complete.

    Patients of the cohort who are not yet infused on the day of the death are not infused at that node. A
    death counts whether or not the patient was evaluable for dose-limiting toxicity.
    """

    inner: Design

    @property
    def name(self) -> str:
        """Name of the wrapped design."""
        return self.inner.name

    @property
    def space(self) -> DoseSpace:
        """The nodes of the wrapped design."""
        return self.inner.space

    def closes(self, history: History) -> frozenset[str]:
        """Nodes with a treatment-related death, and those that the wrapped design closes."""
        return self.inner.closes(history) | {cohort.node for cohort in history if cohort.deaths}

    def decide(self, history: History, closed: frozenset[str] = frozenset()) -> Decision:
        """Decide as the wrapped design, with the nodes of a death closed; see `Design.decide`."""
        return self.inner.decide(history, closed | self.closes(history))
