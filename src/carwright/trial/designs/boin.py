"""BOIN, the Bayesian optimal interval design (Liu and Yuan 2015, doi 10.1111/rssc.12089).

Escalate when the observed rate is at most lambda_e, de-escalate when it exceeds lambda_d; both bounds make wrong
moves least likely when the truth is the target, ``p_safe`` or ``p_toxic``. Boundaries agree with the R package
BOIN 2.7.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import Flags, Ints
from carwright.trial.table_design import DEESCALATE, ESCALATE, STAY, TableDesign

ROUNDING = 1e-12
"""Below this, a product of bound and patients counts as a whole number (published: R package BOIN 2.7.2)."""


@dataclass(frozen=True, kw_only=True)
class Boin(TableDesign):
    """BOIN on a path.

    Examples
    --------
    >>> from carwright.trial.rules.stop_at import stop_at
    >>> from carwright.trial.space import ladder
    >>> design = Boin(ladder(5), target=0.3) | stop_at(n=30)
    >>> design.fit("1NNN 2NTT").decision.node
    '1'
    """

    name: ClassVar[str] = "boin"

    p_safe: float | None = option.number(
        None,
        "Highest probability of toxicity that is too low, so that one should escalate; null for 0.6 of the target.",
        above=0.0,
        below=1.0,
        source="Liu and Yuan 2015",
    )
    p_toxic: float | None = option.number(
        None,
        "Lowest probability of toxicity that is too high; null for 1.4 of the target.",
        above=0.0,
        below=1.0,
        source="Liu and Yuan 2015",
    )
    extra_safe: bool = option.flag(
        False,
        "Whether the trial stops at the lowest node already when its probability of more toxicity than the target "
        "exceeds the elimination cutoff less the offset.",
        source="R package BOIN 2.7.2",
    )
    offset: float = option.number(
        0.05, "Offset of the extra safe stop.", above=0.0, below=0.5, source="R package BOIN 2.7.2"
    )
    bound_mtd: bool = option.flag(
        False,
        "Whether the recommended node's isotonic estimate must not exceed the bound of de-escalation.",
        source="R package BOIN 2.7.2",
    )
    stay_at_one_of_three: bool = option.flag(
        False,
        "Whether one of three stays where the bound would de-escalate.",
        source="Zhao 2024, doi 10.1158/1078-0432.CCR-23-2585",
    )

    def check(self, problems: Problems) -> None:
        """Record that the interval does not hold the target."""
        super().check(problems)
        low, high = self._interval
        if not low < self.target < high < 1.0:
            problems.add(
                "TRIAL025",
                "the target must lie between p_safe and p_toxic",
                where="design, target",
                found=f"{low:g}, {self.target:g}, {high:g}",
                allowed="p_safe < target < p_toxic < 1",
                fix="correct them; a target above 0.71 needs its own p_toxic",
            )

    @property
    def _interval(self) -> tuple[float, float]:
        low = 0.6 * self.target if self.p_safe is None else self.p_safe
        return low, 1.4 * self.target if self.p_toxic is None else self.p_toxic

    @property
    def lambda_e(self) -> float:
        """Rate at or below which to escalate (Liu and Yuan 2015, equation 3)."""
        low, target = self._interval[0], self.target
        return log((1 - low) / (1 - target)) / log(target * (1 - low) / (low * (1 - target)))

    @property
    def lambda_d(self) -> float:
        """Rate above which to de-escalate (Liu and Yuan 2015, equation 3)."""
        high, target = self._interval[1], self.target
        return log((1 - target) / (1 - high)) / log(high * (1 - target) / (target * (1 - high)))

    def codes(self, n: Ints, y: Ints) -> Ints:
        """Compare the observed rate with the two bounds."""
        codes = np.where(y <= self.lambda_e * n + ROUNDING, ESCALATE, STAY)
        codes = np.where(y > self.lambda_d * n + ROUNDING, DEESCALATE, codes)
        return np.where((n == 3) & (y == 1), STAY, codes) if self.stay_at_one_of_three else codes

    def lowest_too_toxic(self, n: Ints, y: Ints) -> Flags:
        """Extra safe stop at the lowest node."""
        if not self.extra_safe:
            return super().lowest_too_toxic(n, y)
        return self.exceeds(n, y, self.elimination_cutoff - self.offset)

    @property
    def highest_estimate(self) -> float:
        """Bound of de-escalation, where it limits the recommendation."""
        return self.lambda_d if self.bound_mtd else float("inf")
