"""EffTox: dose finding by efficacy and toxicity together.

Thall and Cook 2004 (Biometrics 60:684, doi 10.1111/j.0006-341x.2004.00218.x); Thall, Herrick, Nguyen, Venier
and Norris 2014 (Clin Trials 11:657, doi 10.1177/1740774514547397). The posterior is in
`carwright.trial.posterior.efftox`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Floats, Ints
from carwright.trial.doses import doses_on
from carwright.trial.model_design import ModelDesign
from carwright.trial.posterior.contour import Contour
from carwright.trial.posterior.efftox import (
    REFERENCE,
    TRIALS,
    EffToxFit,
    EffToxPosterior,
    EffToxPriors,
    Normal,
    Precision,
)
from carwright.trial.posterior.two_parameter import log_ratios


@dataclass(frozen=True, kw_only=True)
class EffTox(ModelDesign):
    """EffTox on a path: among acceptable nodes, the one with the best trade-off of efficacy and toxicity.

    Examples
    --------
    >>> from carwright.trial.space import ladder
    >>> design = EffTox(ladder(5), doses=(1, 2, 4, 6.6, 10))
    >>> design.fit("1NNN").decision.node
    '2'
    """

    name: ClassVar[str] = "efftox"
    uses_responses: ClassVar[bool] = True

    doses: tuple[float, ...] | None = option.numbers(
        None,
        "Doses, rising; null for the middle of each node's band of cells, on the logarithmic scale, or for ranks 1, 2, "
        "3 where these do not rise along the path.",
        source="study",
    )
    prior_means: tuple[float, ...] = option.numbers(
        (-7.9593, 1.5482, 0.7367, 3.4181, 0.0, 0.0),
        "Prior means of the intercept and slope of toxicity, of the intercept, slope and curvature of efficacy, and of "
        "the association; for the logarithm of dose less its mean.",
        length=6,
        source="Thall 2014; they belong to its five doses",
    )
    prior_deviations: tuple[float, ...] = option.numbers(
        (3.5487, 3.5018, 2.5423, 2.4406, 0.2, 1.0), "Their standard deviations.", length=6, source="Thall 2014"
    )
    least_efficacy: float = option.number(
        0.5, "Lowest acceptable probability of efficacy.", above=0.0, below=1.0, source="Thall 2014"
    )
    most_toxicity: float = option.number(
        0.3, "Highest acceptable probability of toxicity.", above=0.0, below=1.0, source="Thall 2014"
    )
    efficacy_certainty: float = option.number(
        0.1, "Least probability that efficacy is acceptable.", low=0.0, below=1.0, source="Thall 2014"
    )
    toxicity_certainty: float = option.number(
        0.1, "Least probability that toxicity is acceptable.", low=0.0, below=1.0, source="Thall 2014"
    )
    contour: tuple[float, ...] = option.numbers(
        (0.5, 0.65, 0.7, 0.25),
        "Equally good points: the efficacy that is needed without toxicity, the toxicity that is bearable with certain "
        "efficacy, and efficacy and toxicity of a third point.",
        low=0.0,
        high=1.0,
        length=4,
        source="Thall 2014",
    )
    skip_down: bool = option.flag(
        False,
        "Whether nodes that nobody was given may be skipped when de-escalating.",
        source="program EffTox of MD Anderson, as in clintrials 0.1.4",
    )
    explore: bool = option.flag(
        True,
        "Whether the lowest node above all that were given is acceptable whatever its efficacy.",
        source="Thall and Cook 2004, section 4",
    )
    monotone_toxicity: bool = option.flag(
        True,
        "Whether no node above one whose toxicity is not acceptable is acceptable; the model's toxicity may fall with "
        "dose.",
        source="assumed; without it 3NTT 3ETT 2TTT goes on at node 4 under the priors of Matchpoint",
    )

    @property
    def levels(self) -> int:
        """Number of doses."""
        return len(self.path) if self.doses is None else len(self.doses)

    def check(self, problems: Problems) -> None:
        """Record doses, priors or contour points that cannot be used."""
        super().check(problems)
        problems.raise_if_any()
        _ = self._posterior, self.trade_off

    @cached_property
    def trade_off(self) -> Contour:
        """The family of contours along which all points are equally good."""
        return Contour(*self.contour)

    def scores(self, batch: Batch) -> Floats:
        """Utility at the posterior means; minus infinity where a node is not acceptable."""
        fit = self._fit(batch, self._posterior)
        bearable = fit.toxicity_acceptable >= self.toxicity_certainty
        if self.monotone_toxicity:
            bearable = np.logical_and.accumulate(bearable, axis=1)
        effective = fit.efficacy_acceptable >= self.efficacy_certainty
        if self.explore:
            effective |= np.arange(len(self.path)) == _highest_given(batch)[:, None] + 1
        return np.where(bearable & effective, self.trade_off.utility(fit.efficacy, fit.toxicity), -np.inf)

    def estimates_on_path(self, batch: Batch) -> dict[str, Floats]:
        """Posterior means, probabilities of being acceptable, and utility, on lattices fine enough for checks."""
        fit = self._fit(batch, self._reference)
        return {
            "mean_efficacy": fit.efficacy,
            "mean_toxicity": fit.toxicity,
            "efficacy_acceptable": fit.efficacy_acceptable,
            "toxicity_acceptable": fit.toxicity_acceptable,
            "utility": self.trade_off.utility(fit.efficacy, fit.toxicity),
        }

    def parameters_on_path(self, batch: Batch) -> dict[str, Floats]:
        """Power of the norm of the contours, which its three points determine."""
        return {"contour_power": np.full(batch.trials, self.trade_off.power)}

    def farthest(self, batch: Batch) -> tuple[Ints, Ints]:
        """Not beyond a node that nobody was given, up or down."""
        low, high = super().farthest(batch)
        if not self.skip_up:
            high = np.minimum(_highest_given(batch) + 1, len(self.path) - 1)
        if self.skip_down:
            return low, high
        places = np.arange(len(self.path))
        untried_below = (batch.patients == 0) & (places < batch.last[:, None])
        return np.where(untried_below, places, 0).max(axis=1), high

    @cached_property
    def _posterior(self) -> EffToxPosterior:
        return self._build(TRIALS)

    @cached_property
    def _reference(self) -> EffToxPosterior:
        return self._build(REFERENCE)

    def _build(self, precision: Precision) -> EffToxPosterior:
        doses = doses_on(self.space, self.path) if self.doses is None else self.doses
        log_ratios(doses, doses[-1])  # refuses doses that are not positive or do not rise
        normals = [Normal(*pair) for pair in zip(self.prior_means, self.prior_deviations, strict=True)]
        return EffToxPosterior(doses, EffToxPriors(*normals), self.least_efficacy, self.most_toxicity, precision)

    @staticmethod
    def _fit(batch: Batch, posterior: EffToxPosterior) -> EffToxFit:
        return posterior.fit(batch.patients, batch.dlts, batch.responses, batch.both)


def _highest_given(batch: Batch) -> Ints:
    """Highest place that anybody was given, -1 for none."""
    given = batch.patients > 0
    return np.where(given.any(axis=1), given.shape[1] - 1 - given[:, ::-1].argmax(axis=1), NOBODY)
