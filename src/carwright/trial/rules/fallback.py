"""When the path ends below a node that was given, try another node that lies below it off the path.

NCT03089203 went to cohort -3, fewer cells after lymphodepletion, when cohort 3 had stopped (registry record;
Cancer Discov 2022;12:1406).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags
from carwright.trial.rules.rule import Rule, path_columns


@dataclass(frozen=True, kw_only=True)
class Fallback(Rule):
    """A design that, having ended below a node with a fallback, treats the fallback before it recommends.

    The fallback is recommended if it is tolerated by ``n`` patients; otherwise what the wrapped design recommends.
    """

    title: ClassVar[str] = "fallback"

    nodes: Mapping[str, str] = option.label_map("Fallback by node of the path.", source="NCT03089203")
    n: int = option.whole(6, "Patients who must tolerate the fallback.", low=1, source="Storer 1989, as in 3+3")
    most_dlts: int = option.whole(
        1, "Toxicities among them that are tolerated.", low=0, source="Storer 1989, as in 3+3"
    )
    cohort_size: int = option.whole(3, "Patients of a cohort.", low=1, source="Storer 1989, as in 3+3")

    def check(self, problems: Problems) -> None:
        """Record what is not a fallback."""
        path = [self.space.labels[column] for column in path_columns(self.inner, self.title)]
        for node, lower in self.nodes.items():
            if (
                node not in path
                or lower in path
                or lower not in self.space.columns
                or lower not in self.space.below(node)
            ):
                problems.add(
                    "TRIAL023",
                    "this is not a fallback",
                    where="design, fallback",
                    found=f"{node}: {lower}",
                    allowed="a node of the path, and a node below it that is not on the path",
                    fix="correct the labels or the order of the dose space",
                )

    def decide_batch(self, batch: Batch) -> Decisions:
        """Decide as the wrapped design, and fall back where it ends below the node."""
        found = self.inner.decide_batch(batch)
        columns = list(path_columns(self.inner, self.title))
        for node, lower in self.nodes.items():
            place, other = columns.index(self.space.columns[node]), self.space.columns[lower]
            under = np.isin(found.recommended, [NOBODY, *columns[:place]])
            was_given: Flags = batch.patients[:, columns[place]] + batch.deaths[:, columns[place]] > 0
            falls: Flags = found.over & under & was_given & ~self._shut(batch, lower)
            seen, toxic = batch.patients[:, other], batch.dlts[:, other]
            tolerated = falls & (seen >= self.n) & (toxic <= self.most_dlts)
            tries = falls & (seen < self.n) & (toxic <= self.most_dlts)
            if tries.any():
                size = np.minimum(self.n - seen, self.cohort_size)
                found = found.moved(tries, np.full(batch.trials, other), size, "fall back to node {next}")
            if tolerated.any():
                chosen = np.full(int(tolerated.sum()), other)
                found = found.stopped(tolerated, chosen, f"fallback {lower} was tolerated by {self.n} patients")
                found.admissible[tolerated, other] = True
        return found

    def _shut(self, batch: Batch, label: str) -> Flags:
        columns = np.array([self.space.columns[each] for each in (label, *self.space.below(label))])
        shut: Flags = np.logical_or.reduce(batch.closed[:, columns], axis=1)
        return shut
