"""Wages-Tait: among nodes that are probably safe, the most effective one, where efficacy need not rise with dose.

Wages and Tait 2015 (J Biopharm Stat 25:903, doi 10.1080/10543406.2014.920873), without its first stage of
random allocation: a design here decides the same for the same outcomes. The probabilities with which that
stage would allocate are among the estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import Batch, Floats
from carwright.trial.model_design import ModelDesign
from carwright.trial.posterior.crm import CrmPosterior
from carwright.trial.posterior.mixed_skeletons import MixedFit, fit_mixed, posteriors
from carwright.trial.posterior.working_models import PRIOR_VARIANCE, Empiric, check_skeleton


@dataclass(frozen=True, kw_only=True)
class WagesTait(ModelDesign):
    """Wages-Tait on a path.

    The trial ends without a node when even the lowest is too toxic, or the best one not effective enough, by
    the limits of exact 95 % intervals.
    """

    name: ClassVar[str] = "wages-tait"
    uses_responses: ClassVar[bool] = True

    toxicity_skeleton: tuple[float, ...] | None = option.numbers(
        None,
        "Prior guesses of toxicity, rising; null for 0.01 and steps of 0.07 from 0.08.",
        source="Wages and Tait 2015",
    )
    efficacy_skeletons: tuple[tuple[float, ...], ...] | None = option.custom(
        None,
        "Prior guesses of efficacy, one list per model; null for 0.6 at the peak or on the plateau and 0.1 less "
        "per node away from it.",
        allowed="a list of lists of probabilities, or null",
        read=lambda value: _read_skeletons(value),
        source="Wages and Tait 2015",
    )
    prior_variance: float = option.number(
        PRIOR_VARIANCE, "Variance of the priors.", above=0.0, source="R package escalation 0.2.3"
    )
    most_toxicity: float = option.number(
        0.33, "Highest acceptable probability of toxicity.", above=0.0, below=1.0, source="Wages and Tait 2015"
    )
    least_efficacy: float = option.number(
        0.05, "Lowest acceptable probability of efficacy.", above=0.0, below=1.0, source="Wages and Tait 2015"
    )

    @property
    def levels(self) -> int:
        """Number of prior guesses of toxicity."""
        return len(self.path) if self.toxicity_skeleton is None else len(self.toxicity_skeleton)

    def check(self, problems: Problems) -> None:
        """Record skeletons that cannot be used."""
        super().check(problems)
        if self.toxicity_skeleton is not None:
            check_skeleton(self.toxicity_skeleton, problems, "design, toxicity_skeleton")
        for number, skeleton in enumerate(self.efficacy_skeletons or (), start=1):
            if len(skeleton) != len(self.path) or not all(0.0 < value < 1.0 for value in skeleton):
                problems.add(
                    "TRIAL280",
                    "this is no skeleton of efficacy for the path",
                    where=f"design, efficacy_skeletons, {number}",
                    found=" ".join(f"{value:g}" for value in skeleton),
                    allowed=f"{len(self.path)} probabilities, above 0 and below 1",
                    fix="correct the skeleton",
                )

    def scores(self, batch: Batch) -> Floats:
        """Efficacy at the estimate; minus infinity where toxicity is too high, or the trial has to end."""
        from scipy.special import betaincinv

        fit = self._fit(batch)
        scores = np.where(fit.toxicity <= self.most_toxicity, fit.efficacy, -np.inf)
        n, y, e = batch.patients, batch.dlts, batch.responses
        # Limits of exact (Clopper-Pearson) 95 % intervals.
        low = np.where(y[:, 0] > 0, betaincinv(np.maximum(y[:, 0], 1), n[:, 0] - y[:, 0] + 1, 0.025), 0.0)
        rows, best = np.arange(batch.trials), scores.argmax(axis=1)
        hits, misses = e[rows, best], n[rows, best] - e[rows, best]
        high = np.where(misses > 0, betaincinv(hits + 1, np.maximum(misses, 1), 0.975), 1.0)
        scores[(low > self.most_toxicity) | (high < self.least_efficacy)] = -np.inf
        return scores

    def estimates_on_path(self, batch: Batch) -> dict[str, Floats]:
        """Curves at the estimates, and the probabilities of a first stage with random allocation."""
        fit = self._fit(batch)
        share = np.where(fit.toxicity <= self.most_toxicity, fit.efficacy, 0.0)
        total = share.sum(axis=1, keepdims=True)
        return {
            "toxicity_at_estimate": fit.toxicity,
            "efficacy_at_estimate": fit.efficacy,
            "random_allocation": np.divide(share, total, out=np.zeros_like(share), where=total > 0.0),
        }

    def parameters_on_path(self, batch: Batch) -> dict[str, Floats]:
        """Number of the likeliest model of efficacy, from 1, and the probability of each."""
        fit = self._fit(batch)
        found: dict[str, Floats] = {"efficacy_model": (fit.model + 1).astype(np.float64)}
        for number in range(fit.model_probability.shape[1]):
            found[f"efficacy_model_{number + 1}_probability"] = fit.model_probability[:, number]
        return found

    @cached_property
    def _posteriors(self) -> tuple[CrmPosterior, list[CrmPosterior]]:
        places = np.arange(len(self.path))
        toxic = self.toxicity_skeleton or (
            0.01,
            *(0.08 + 0.84 * step / max(len(places) - 1, 12) for step in places[:-1]),
        )
        effective = self.efficacy_skeletons
        if effective is None:
            step = min(0.1, 0.5 / max(len(places) - 1, 1))
            peaks = [0.6 - step * np.abs(places - peak) for peak in places]
            plateaus = [0.6 - step * np.maximum(start - places, 0) for start in places[::-1][1:]]
            effective = tuple(tuple(map(float, guess)) for guess in (*peaks, *plateaus))
        return CrmPosterior(Empiric(tuple(toxic)), self.prior_variance), posteriors(effective, self.prior_variance)

    def _fit(self, batch: Batch) -> MixedFit:
        toxicity, efficacy = self._posteriors
        weights = np.full(len(efficacy), 1.0 / len(efficacy))
        return fit_mixed(toxicity, efficacy, weights, batch.patients, batch.dlts, batch.responses)


def _read_skeletons(value: object) -> tuple[tuple[float, ...], ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not value:
        raise ValueError
    try:
        return tuple(tuple(float(guess) for guess in skeleton) for skeleton in value)
    except TypeError as error:
        raise ValueError from error
