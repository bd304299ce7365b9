"""TPI, the toxicity probability interval design (Ji, Li and Bekele 2007, doi 10.1177/1740774507079442).

The most probable of three intervals decides; their ends lie a number of posterior standard deviations from the
target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import Flags, Floats, Ints
from carwright.trial.table_design import DEESCALATE, ESCALATE, STAY, TableDesign


@dataclass(frozen=True, kw_only=True)
class Tpi(TableDesign):
    """TPI on a path."""

    name: ClassVar[str] = "tpi"

    k1: float = option.number(
        1.0, "Upper end of the target's interval, in posterior standard deviations.", above=0.0, source="Ji 2007"
    )
    k2: float = option.number(
        1.5, "Lower end of the target's interval, in posterior standard deviations.", above=0.0, source="Ji 2007"
    )
    prior: float = option.number(0.005, "Both shapes of the Beta prior.", above=0.0, source="Ji 2007")
    min_n_for_elimination: int = option.whole(
        2,
        "Patients at a node before it can be eliminated.",
        low=1,
        source="R package escalation 0.2.3; Ji 2007 sets no minimum, as 1 does",
    )

    def codes(self, n: Ints, y: Ints) -> Ints:
        """Compare the three intervals' probabilities."""
        a, b = y + self.prior, n - y + self.prior
        spread = np.sqrt(a * b / ((a + b) ** 2 * (a + b + 1)))
        low = self._below(n, y, self.target - self.k2 * spread)
        high = 1.0 - self._below(n, y, self.target + self.k1 * spread)
        chances = np.stack([low, 1.0 - low - high, high], axis=-1)
        codes: Ints = np.array([ESCALATE, STAY, DEESCALATE])[chances.argmax(axis=-1)]
        return codes

    def exceeds(self, n: Ints, y: Ints, certainty: float) -> Flags:
        """Whether toxicity above the target is more probable than ``certainty`` under the design's own prior."""
        above = 1.0 - self._below(n, y, np.full(n.shape, self.target))
        sure: Flags = (n >= self.min_n_for_elimination) & (above > certainty)
        return sure

    def _below(self, n: Ints, y: Ints, limit: Floats) -> Floats:
        from scipy.special import betainc

        below: Floats = betainc(y + self.prior, n - y + self.prior, np.clip(limit, 0.0, 1.0))
        return below
