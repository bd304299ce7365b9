"""Utility of efficacy and toxicity by a family of contours (Thall and Cook 2004; Lp norm of Cook 2006)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from carwright.errors import Problems
from carwright.trial.posterior.quadrature import Floats


@dataclass(frozen=True)
class Contour:
    """Contour of utility zero through three equally good points.

    Parameters
    ----------
    efficacy_without_toxicity
        Efficacy needed where toxicity is impossible.
    toxicity_with_efficacy
        Toxicity bearable where efficacy is certain.
    efficacy, toxicity
        A third point.

    Raises
    ------
    CarwrightError
        If the points lie on no contour.
    """

    efficacy_without_toxicity: float
    toxicity_with_efficacy: float
    efficacy: float
    toxicity: float

    def __post_init__(self) -> None:
        inside = (
            0.0 < self.efficacy_without_toxicity < self.efficacy < 1.0
            and 0.0 < self.toxicity < self.toxicity_with_efficacy <= 1.0
        )
        if not inside:
            problems = Problems()
            points = (self.efficacy_without_toxicity, self.toxicity_with_efficacy, self.efficacy, self.toxicity)
            problems.add(
                "TRIAL275",
                "no contour passes through the three points",
                where="design, contour",
                found=" ".join(f"{value:g}" for value in points),
                allowed="0 < first efficacy < third point's efficacy < 1, 0 < third point's toxicity < first toxicity",
                fix="give, for example, 0.5 0.65 0.7 0.25",
            )
            problems.raise_if_any()

    @cached_property
    def power(self) -> float:
        """Power ``p`` of the norm, which the third point determines."""
        from scipy.optimize import brentq

        short = (1.0 - self.efficacy) / (1.0 - self.efficacy_without_toxicity)
        toxic = self.toxicity / self.toxicity_with_efficacy
        return float(np.exp(brentq(lambda q: short ** np.exp(q) + toxic ** np.exp(q) - 1.0, -15.0, 15.0, xtol=1e-14)))

    def utility(self, efficacy: Floats, toxicity: Floats) -> Floats:
        """Utility, 1 at certain efficacy without toxicity and 0 on the contour."""
        short = (1.0 - efficacy) / (1.0 - self.efficacy_without_toxicity)
        toxic = toxicity / self.toxicity_with_efficacy
        return np.asarray(1.0 - (short**self.power + toxic**self.power) ** (1.0 / self.power))
