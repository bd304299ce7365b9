"""mTPI and mTPI-2, the modified toxicity probability interval designs.

The interval with the largest unit probability mass, posterior probability over width, decides: mTPI has three
intervals (Ji, Liu, Li and Bekele 2010, doi 10.1177/1740774510382799), mTPI-2 cuts the outer ones into pieces of the
width of the middle one (Guo, Wang, Yang, Lynn and Ji 2017, doi 10.1016/j.cct.2017.04.006).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import Floats, Ints
from carwright.trial.designs.keyboard import beta_below, first_largest, keys
from carwright.trial.table_design import DEESCALATE, ESCALATE, STAY, TableDesign


@dataclass(frozen=True, kw_only=True)
class Mtpi(TableDesign):
    """mTPI on a path."""

    name: ClassVar[str] = "mtpi"

    epsilon_below: float = option.number(
        0.05, "From the target down to the end of its interval.", above=0.0, below=0.5, source="Ji 2010"
    )
    epsilon_above: float = option.number(
        0.05, "From the target up to the end of its interval.", above=0.0, below=0.5, source="Ji 2010"
    )
    min_n_for_elimination: int = option.whole(
        2,
        "Patients at a node before it can be eliminated.",
        low=1,
        source="R package escalation 0.2.3; Ji 2010 sets no minimum, as 1 does",
    )

    def codes(self, n: Ints, y: Ints) -> Ints:
        """Compare the interval of the largest unit probability mass with the target's."""
        edges, place = self.edges()
        mass = np.diff(beta_below(n[..., None], y[..., None], edges), axis=-1) / np.diff(edges)
        largest = first_largest(mass)
        return np.select([largest < place, largest == place], [ESCALATE, STAY], DEESCALATE)

    def edges(self) -> tuple[Floats, int]:
        """Ends of the intervals, and the place of the target's."""
        low, high = max(self.target - self.epsilon_below, 0.0), min(self.target + self.epsilon_above, 1.0)
        edges = np.unique([0.0, low, high, 1.0])
        return edges, int(np.searchsorted(edges, low))


@dataclass(frozen=True, kw_only=True)
class Mtpi2(Mtpi):
    """mTPI-2 on a path."""

    name: ClassVar[str] = "mtpi-2"

    def edges(self) -> tuple[Floats, int]:
        """Ends of the intervals, and the place of the target's."""
        return keys(self.target, self.epsilon_below, self.epsilon_above, partial=True)
