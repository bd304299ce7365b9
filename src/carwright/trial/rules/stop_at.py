"""Stop the trial once a number of patients has been treated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from carwright.trial import option
from carwright.trial.batch import Batch, Decisions
from carwright.trial.rules.rule import Rule, Wrap


@dataclass(frozen=True, kw_only=True)
class StopAt(Rule):
    """A design that ends at ``n`` evaluable patients; the last cohort is cut short rather than going beyond.

    Backfilled patients do not count: they come on top of those of the escalation.
    """

    title: ClassVar[str] = "stop_at"
    stops: ClassVar[bool] = True

    n: int = option.whole(30, "Evaluable patients after which the trial ends.", low=1, source="assumed")

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design until the number is reached."""
        found = self.inner.decide_batch(batch)
        left = self.n - (batch.total if batch.backfilled is None else batch.total - batch.backfilled)
        full = (left <= 0) & ~found.over
        if full.any():
            chosen = self.inner.select_batch(batch.rows(full))
            found = found.stopped(full, chosen, f"{self.n} patients were treated")
        short = (found.size > left) & ~full
        if short.any():
            found.size[short] = left[short]
        return found


def stop_at(n: int) -> Wrap:
    """Rule for the right of ``|``: stop at ``n`` evaluable patients."""
    return partial(StopAt, n=n)
