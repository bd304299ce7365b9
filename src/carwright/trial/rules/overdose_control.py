"""Overdose control: never give or recommend a node that is probably too toxic.

Escalation with overdose control is due to Babb, Rogatko and Zacks 1998 (Stat Med 17:1103).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from carwright.trial import option
from carwright.trial.batch import Batch, Decisions, Ints
from carwright.trial.rules.rule import Rule, Wrap


@dataclass(frozen=True, kw_only=True)
class OverdoseControl(Rule):
    """A design in which a node is closed while the probability of too much toxicity there exceeds a limit.

    The probability is the design's own where it has a model; elsewhere the node's own under a uniform prior, which
    says something only about nodes that were given.
    """

    title: ClassVar[str] = "overdose_control"

    above: float = option.number(0.33, "Toxicity that is too much.", above=0.0, below=1.0, source="Neuenschwander 2008")
    confidence: float = option.number(
        0.25, "Probability that must not be exceeded.", above=0.0, below=1.0, source="Neuenschwander 2008"
    )
    min_n: int = option.whole(1, "Patients at a node before the rule can close it.", low=0, source="assumed")

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design with nodes closed."""
        return self.inner.decide_batch(self._closed(batch))

    def select_batch(self, batch: Batch) -> Ints:
        """Recommend as the wrapped design with nodes closed."""
        return self.inner.select_batch(self._closed(batch))

    def _closed(self, batch: Batch) -> Batch:
        too_toxic = self.toxicity_above(batch, self.above) > self.confidence
        return replace(batch, closed=batch.closed | (too_toxic & (batch.patients >= self.min_n)))


def overdose_control(above: float = 0.33, confidence: float = 0.25, min_n: int = 1) -> Wrap:
    """Rule for the right of ``|``: close nodes that are probably more toxic than ``above``."""
    return partial(OverdoseControl, above=above, confidence=confidence, min_n=min_n)
