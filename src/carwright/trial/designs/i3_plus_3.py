"""i3+3 (Liu, Wang and Ji 2020, doi 10.1080/10543406.2020.1844565): 3+3's simplicity with an interval around the target.

Below the interval escalate, inside stay; above it de-escalate, unless one toxicity fewer would lie below the
interval: then stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import Ints
from carwright.trial.table_design import DEESCALATE, ESCALATE, STAY, TableDesign

ROUNDING = 1e-9
"""Rates nearer than this to an end of the interval lie on it."""


@dataclass(frozen=True, kw_only=True)
class I3Plus3(TableDesign):
    """i3+3 on a path."""

    name: ClassVar[str] = "i3+3"

    epsilon_below: float = option.number(
        0.05, "From the target down to the end of the interval.", above=0.0, below=0.5, source="Liu 2020"
    )
    epsilon_above: float = option.number(
        0.05, "From the target up to the end of the interval.", above=0.0, below=0.5, source="Liu 2020"
    )

    def codes(self, n: Ints, y: Ints) -> Ints:
        """Compare the observed rate with the interval."""
        low, high = self.target - self.epsilon_below, self.target + self.epsilon_above
        rate, one_fewer = y / n, (y - 1) / n
        above = np.where(one_fewer < low - ROUNDING, STAY, DEESCALATE)
        return np.select([rate < low - ROUNDING, rate <= high + ROUNDING], [ESCALATE, STAY], above)
