"""BF-BOIN: BOIN with backfilling of lower nodes that have shown activity.

Zhao, Yuan, Korn and Freidlin 2024 (doi 10.1158/1078-0432.CCR-23-2585). While a cohort is followed, patients may be
added to lower nodes with a response, up to a cap; their toxicities count. Where lower nodes then contradict the node
under escalation, both are pooled. Without backfilled patients it is BOIN.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Ints
from carwright.trial.designs.boin import ROUNDING, Boin
from carwright.trial.table_design import DEESCALATE, ELIMINATE, ESCALATE, STAY

_BACKFILL = "backfill node {next} while the patients at node {last} are followed"
_WAIT = "wait: the patients at node {last} must be followed, and no node is open for backfilling"


@dataclass(frozen=True, kw_only=True)
class BfBoin(Boin):
    """BF-BOIN on a path."""

    name: ClassVar[str] = "bf-boin"
    uses_follow_up: ClassVar[bool] = True
    uses_responses: ClassVar[bool] = True

    cap: int = option.whole(
        12, "Patients at a node at which it is closed for backfilling.", low=1, source="R package bfboin 0.1.1"
    )
    needs_response: bool = option.flag(
        True, "Whether a node is backfilled only after a response there.", source="Zhao 2024"
    )

    def decide_on_path(self, batch: Batch) -> Decisions:
        """Backfill or wait while the cohort is followed; then decide, pooling where lower nodes contradict."""
        complete = _complete(batch)
        codes = self._look_up(complete)[0]
        # A node is eliminated only where it will be so whatever its pending patients show.
        certain, closed, too_toxic = self._look_up(batch)
        codes = np.where((codes == ELIMINATE) & (certain != ELIMINATE), DEESCALATE, codes)
        codes = self._pooled(complete, codes)
        found = self.move(complete, codes, closed, too_toxic)
        if batch.pending_node is None:
            return found
        rows = np.arange(batch.trials)
        followed = (batch.pending[rows, np.maximum(batch.last, 0)] > 0) & (batch.last != NOBODY) & ~found.over
        fit = self._open_for_backfill(batch, complete) & ~closed
        place = np.arange(len(self.path))
        node = np.where(fit, place, NOBODY).max(axis=1)
        fills, waits = followed & (node != NOBODY), followed & (node == NOBODY)
        found = found.moved(fills, node, np.ones(batch.trials, dtype=np.int64), _BACKFILL)
        return replace(
            found,
            node=np.where(waits, NOBODY, found.node),
            size=np.where(waits, 0, found.size),
            waits=waits,
            reason=np.where(waits, len(found.reasons), found.reason),
            reasons=(*found.reasons, _WAIT),
            backfill=fills,
        )

    def _open_for_backfill(self, batch: Batch, complete: Batch) -> Flags:
        """Nodes below the current one with a response, room, and neither themselves nor pooled too toxic."""
        n, y = complete.patients, complete.dlts
        above_n = np.concatenate([n[:, 1:], np.zeros((batch.trials, 1), dtype=np.int64)], axis=1)
        above_y = np.concatenate([y[:, 1:], np.zeros((batch.trials, 1), dtype=np.int64)], axis=1)
        safe = ~self._too_toxic(n, y) | ~self._too_toxic(n + above_n, y + above_y)
        below = np.arange(len(self.path)) < batch.last[:, None]
        safe_below = np.logical_and.accumulate(safe, axis=1)
        active = (batch.responses > 0) if self.needs_response else (n > 0)
        open_: Flags = below & safe_below & active & (batch.patients < self.cap)
        return open_

    def _too_toxic(self, n: Ints, y: Ints) -> Flags:
        too_toxic: Flags = (y > self.lambda_d * n + ROUNDING) & (n > 0)
        return too_toxic

    def _pooled(self, batch: Batch, codes: Ints) -> Ints:
        """Codes with that of the current node pooled with the nodes from the highest that contradicts it."""
        rows, nodes = np.arange(batch.trials), len(self.path)
        current = np.maximum(batch.last, 0)
        code = codes[rows, current]
        below = (np.arange(nodes) < current[:, None]) & (batch.patients > 0)
        # The wish to escalate is contradicted by any lower node that would not; another wish by one that goes down.
        against = below & np.where((code == ESCALATE)[:, None], codes != ESCALATE, codes >= DEESCALATE)
        contradicted = against.any(axis=1) & (batch.last != NOBODY) & (batch.patients[rows, current] > 0)
        if not contradicted.any():
            return codes
        lowest = nodes - 1 - against[:, ::-1].argmax(axis=1)
        inside = (np.arange(nodes) >= lowest[:, None]) & (np.arange(nodes) <= current[:, None])
        n, y = (np.where(inside, values, 0).sum(axis=1) for values in (batch.patients, batch.dlts))
        rate = np.select(
            [y <= self.lambda_e * n + ROUNDING, y > self.lambda_d * n + ROUNDING], [ESCALATE, DEESCALATE], STAY
        )
        pooled = codes.copy()
        keep = code == ELIMINATE  # the node stays eliminated, so the way is down whatever the pool says
        pooled[rows, current] = np.where(contradicted & ~keep, rate, code)
        return pooled


def _complete(batch: Batch) -> Batch:
    """The same trials without patients whose windows are incomplete."""
    if batch.pending_node is None:
        return batch
    return replace(batch, patients=batch.patients - batch.pending, pending_node=None, pending_weight=None)
