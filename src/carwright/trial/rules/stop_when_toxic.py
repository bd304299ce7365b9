"""Stop the trial when a node is too toxic with enough certainty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Ints
from carwright.trial.rules.rule import Rule, Wrap, lowest_of


@dataclass(frozen=True, kw_only=True)
class StopWhenToxic(Rule):
    """A design that ends, recommending nothing, when a node is probably more toxic than a limit.

    The probability is the design's own where it has a model, and the node's own under a uniform prior elsewhere.
    """

    title: ClassVar[str] = "stop_when_toxic"

    node: str | None = option.label(None, "The node; null for the lowest of the path.", source="convention")
    above: float = option.number(
        0.30, "Toxicity beyond which the node is too toxic.", above=0.0, below=1.0, source="assumed"
    )
    confidence: float = option.number(
        0.95, "Probability that must be exceeded.", above=0.0, below=1.0, source="assumed"
    )
    min_n: int = option.whole(3, "Patients in the trial before the rule can act.", low=0, source="assumed")

    def check(self, problems: Problems) -> None:
        """Record that the node does not exist."""
        if self.node is not None and self.node not in self.space.columns:
            problems.add(
                "TRIAL037",
                "the rule names a dose node that does not exist",
                where=f"rules, {self.title}",
                found=self.node,
                allowed=", ".join(self.space.labels),
                fix="use a label of the dose space",
            )

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design unless the node is too toxic."""
        found = self.inner.decide_batch(batch)
        toxic = self._toxic(batch)
        if not toxic.any():
            return found
        nothing = np.full(int(toxic.sum()), NOBODY)
        found = found.stopped(toxic, nothing, f"node {self._label} is too toxic")
        found.admissible[toxic] = False
        return found

    def select_batch(self, batch: Batch) -> Ints:
        """Recommend as the wrapped design unless the node is too toxic."""
        chosen: Ints = np.where(self._toxic(batch), NOBODY, self.inner.select_batch(batch))
        return chosen

    @property
    def _label(self) -> str:
        return lowest_of(self) if self.node is None else self.node

    def _toxic(self, batch: Batch) -> Flags:
        chance = self.toxicity_above(batch, self.above)[:, self.space.columns[self._label]]
        toxic: Flags = (chance > self.confidence) & (batch.total >= self.min_n)
        return toxic


def stop_when_toxic(node: str | None = None, above: float = 0.30, confidence: float = 0.95, min_n: int = 3) -> Wrap:
    """Rule for the right of ``|``: stop when ``node`` is probably more toxic than ``above``."""
    return partial(StopWhenToxic, node=node, above=above, confidence=confidence, min_n=min_n)
