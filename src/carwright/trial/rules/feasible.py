"""Maximum tolerated and feasible dose: never give or recommend a node that products seldom reach.

For adoptive cell therapies a dose that cannot be made is no dose (Devlin, Iasonos and O'Quigley 2021, doi
10.1111/rssc.12485; Wages and Fadul 2020, doi 10.1177/1740774519890145).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from carwright.trial import option
from carwright.trial.batch import Batch, Decisions, Flags, Ints
from carwright.trial.outcomes import History
from carwright.trial.posterior_table import posterior_below
from carwright.trial.rules.rule import Rule, Wrap


@dataclass(frozen=True, kw_only=True)
class Feasible(Rule):
    """A design in which a node is closed while its dose is probably delivered too seldom.

    Every evaluable patient of a node received its dose; the others meant for it count as undelivered. The probability
    of delivery has a uniform prior, node by node; a closed node closes those above it, because more cells are harder to
    make.
    """

    title: ClassVar[str] = "feasible"

    least: float = option.number(
        0.70, "Least probability that a patient receives the dose meant for them.", above=0.0, below=1.0,
        source="assumed",
    )  # fmt: skip
    confidence: float = option.number(
        0.90, "Probability of less delivery at which a node is closed.", above=0.0, below=1.0, source="assumed"
    )
    min_n: int = option.whole(3, "Patients meant for a node before the rule can close it.", low=1, source="assumed")

    @property
    def uses_delivery(self) -> bool:  # type: ignore[override]  # as in `Rule`
        """Whether products that fell short of their dose change what the design does."""
        return True

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design with nodes closed."""
        return self.inner.decide_batch(self._closed(batch))

    def select_batch(self, batch: Batch) -> Ints:
        """Recommend as the wrapped design with nodes closed."""
        return self.inner.select_batch(self._closed(batch))

    def closes(self, history: History) -> frozenset[str]:
        """Nodes that are probably delivered too seldom, even before the cohort is complete."""
        seldom = self.infeasible(Batch.of(self.space, (history,)))[0]
        return self.inner.closes(history) | {
            label for label, shut in zip(self.space.labels, seldom, strict=True) if shut
        }

    def infeasible(self, batch: Batch) -> Flags:
        """Nodes that are probably delivered too seldom; shape (t, m)."""
        meant = batch.patients + batch.not_delivered
        seldom: Flags = posterior_below(meant, batch.patients, self.least) > self.confidence
        return seldom & (meant >= self.min_n)

    def _closed(self, batch: Batch) -> Batch:
        if batch.undelivered is None:
            return batch
        return replace(batch, closed=batch.closed | self.infeasible(batch))


def feasible(least: float = 0.70, confidence: float = 0.90, min_n: int = 3) -> Wrap:
    """Rule for the right of ``|``: close nodes whose dose is delivered too seldom."""
    return partial(Feasible, least=least, confidence=confidence, min_n=min_n)
