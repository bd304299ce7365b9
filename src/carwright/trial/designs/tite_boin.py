"""TITE-BOIN: BOIN that decides while patients are still followed.

Yuan, Lin, Li, Nie and Warren 2018 (doi 10.1158/1078-0432.CCR-18-0246). The toxicities of pending patients are imputed
by their expectation: with s toxicities among n patients, c of them pending with standardised total follow-up f, the
rate is (s + p / (1 - p) (c - f)) / n, where p is the mean of the Beta posterior of the complete patients under a prior
of one patient and mean half the target. With all windows complete it is BOIN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions
from carwright.trial.designs.boin import ROUNDING, Boin
from carwright.trial.table_design import DEESCALATE, ELIMINATE, ESCALATE, STAY


@dataclass(frozen=True, kw_only=True)
class TiteBoin(Boin):
    """TITE-BOIN on a path."""

    name: ClassVar[str] = "tite-boin"
    uses_follow_up: ClassVar[bool] = True

    most_pending: float = option.number(
        0.5,
        "Share of the node's patients that may be pending; with more, nobody is treated before more follow-up, unless "
        "the toxicities already seen de-escalate.",
        low=0.0,
        high=1.0,
        source="Yuan 2018",
    )

    def decide_on_path(self, batch: Batch) -> Decisions:
        """Look up the current node, with pending patients imputed."""
        if batch.pending_node is None:
            return super().decide_on_path(batch)
        codes, closed, too_toxic = self._look_up(batch)
        n, y, pending = batch.patients, batch.dlts, batch.pending
        complete = n - pending
        mean = (y + self.target / 2) / (complete + 1.0)
        imputed = y + mean / (1.0 - mean) * (pending - batch.pending_follow_up)
        low, high = self.lambda_e * n + ROUNDING, self.lambda_d * n + ROUNDING
        guessed = np.select([imputed <= low, imputed > high], [ESCALATE, DEESCALATE], STAY)
        decided = (pending == 0) | (codes == ELIMINATE) | (codes == DEESCALATE)
        found = self.move(batch, np.where(decided, codes, guessed), closed, too_toxic)
        rows = np.arange(batch.trials)
        current = np.maximum(batch.last, 0)
        crowded = pending[rows, current] > self.most_pending * n[rows, current]
        waits = crowded & ~decided[rows, current] & ~found.over & (batch.last != NOBODY)
        return Decisions(
            np.where(waits, NOBODY, found.node),
            np.where(waits, 0, found.size),
            waits,
            found.recommended,
            found.admissible,
            np.where(waits, len(found.reasons), found.reason),
            (*found.reasons, "wait: too many patients at node {last} are still followed"),
        )
