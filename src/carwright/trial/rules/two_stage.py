"""Expansion of the recommended node with a stop for futility, in two stages (Simon 1989).

Control Clin Trials 10:1, doi 10.1016/0197-2456(89)90015-9; `carwright.trial.simon` finds the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions
from carwright.trial.rules.rule import Rule, Wrap


@dataclass(frozen=True, kw_only=True)
class TwoStage(Rule):
    """A design whose recommended node is expanded in two stages, and recommended only if enough patients respond.

    All patients of the node count, those of the escalation too. The wrapped design is asked again after each cohort,
    so toxicity in the expansion can still move the recommendation.
    """

    title: ClassVar[str] = "two_stage"
    first: int = option.whole(10, "Patients at the end of the first stage.", low=1, source="Simon 1989, 10 % to 30 %")
    first_responses: int = option.whole(
        1, "Responses at which, or below which, the first stage stops for futility.", low=0, source="Simon 1989"
    )
    n: int = option.whole(29, "Patients at the end of the second stage.", low=2, source="Simon 1989, 10 % to 30 %")
    responses: int = option.whole(
        5, "Responses at which, or below which, the node is not promising.", low=0, source="Simon 1989"
    )
    cohort_size: int = option.whole(10_000, "Patients treated at once in the expansion.", low=1, source="convention")

    def check(self, problems: Problems) -> None:
        """Record stages out of order."""
        if not self.first < self.n or not self.first_responses <= self.responses < self.n:
            problems.add(
                "TRIAL038",
                "the two stages are out of order",
                where=f"rules, {self.title}",
                found=f"{self.first_responses}/{self.first}, {self.responses}/{self.n}",
                allowed="more patients and no fewer responses in the second stage",
                fix="take them from 'carwright design two-stage'",
            )

    @property
    def uses_responses(self) -> bool:  # type: ignore[override]  # as in `Rule`
        """Whether responses change what the design does."""
        return True

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design, and expand what it recommends."""
        found = self.inner.decide_batch(batch)
        rows = np.arange(batch.trials)
        here, active = (values[rows, found.recommended] for values in (batch.patients, batch.responses))
        chosen = found.over & (found.recommended != NOBODY)
        # Responses are never lost, so what passes the first stage is not held up by it later.
        futile = chosen & (here >= self.first) & (here < self.n) & (active <= self.first_responses)
        poor = chosen & (here >= self.n) & (active <= self.responses)
        grows = chosen & (here < self.n) & ~futile
        if grows.any():
            goal = np.where(here < self.first, self.first, self.n)
            size = np.minimum(goal - here, self.cohort_size)
            found = found.moved(grows, found.recommended, size, "expand node {next}")
        for rows_, why in ((futile, "too few responses in the first stage"), (poor, "too few responses")):
            if rows_.any():
                found = found.stopped(rows_, np.full(int(rows_.sum()), NOBODY), why)
        return found


def two_stage(first: int, first_responses: int, n: int, responses: int) -> Wrap:
    """Rule for the right of ``|``: expand the recommended node in two stages."""
    return partial(TwoStage, first=first, first_responses=first_responses, n=n, responses=responses)
