"""Coherence: never escalate right after toxicity (Cheung 2005, doi 10.1093/biomet/92.4.863)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import Batch, Decisions
from carwright.trial.rules.rule import Rule, Wrap, path_columns


@dataclass(frozen=True, kw_only=True)
class Coherent(Rule):
    """A design that does not escalate when the last cohort's share of toxicities exceeds ``above``."""

    title: ClassVar[str] = "coherent"

    above: float = option.number(
        0.0, "Share of toxicities in the last cohort above which the dose is not raised.", low=0.0, below=1.0,
        source="Cheung 2005, for cohorts of one",
    )  # fmt: skip

    def check(self, problems: Problems) -> None:
        """Refuse designs without a path."""
        path_columns(self.inner, self.title)

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design, but stay where it would escalate after toxicity."""
        found = self.inner.decide_batch(batch)
        place = np.full(len(self.space.labels) + 1, -1)
        columns = path_columns(self.inner, self.title)
        place[list(columns)] = np.arange(len(columns))
        toxic = batch.last_dlts > self.above * batch.last_patients
        climbs = toxic & (place[found.node] > place[batch.last]) & (place[batch.last] >= 0)
        if not climbs.any():
            return found
        return found.moved(climbs, batch.last, found.size, "stay at node {next}: no escalation right after toxicity")


def coherent(above: float = 0.0) -> Wrap:
    """Rule for the right of ``|``: never escalate right after toxicity."""
    return partial(Coherent, above=above)
