"""Never skip an untried node of the path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial.batch import Batch, Decisions
from carwright.trial.rules.rule import Rule, path_columns


@dataclass(frozen=True)
class NoSkipping(Rule):
    """A design whose next node is at most one above the highest node of the path that was given."""

    title: ClassVar[str] = "no_skipping"

    def check(self, problems: Problems) -> None:
        """Refuse designs without a path."""
        path_columns(self.inner, self.title)

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design, but at most one node higher."""
        found = self.inner.decide_batch(batch)
        columns = np.array(path_columns(self.inner, self.title))
        place = np.full(len(self.space.labels) + 1, -1)
        place[columns] = np.arange(columns.size)
        given = batch.patients[:, columns] > 0
        highest = np.where(given.any(axis=1), columns.size - 1 - given[:, ::-1].argmax(axis=1), -1)
        # The first cohort goes where the design starts.
        skips = (place[found.node] > highest + 1) & (batch.last >= 0)
        if not skips.any():
            return found
        next_up = columns[np.minimum(highest + 1, columns.size - 1)]
        return found.moved(skips, next_up, found.size, "node {next} comes first: no node is skipped")


def no_skipping() -> type[NoSkipping]:
    """Rule for the right of ``|``: never skip an untried node."""
    return NoSkipping
