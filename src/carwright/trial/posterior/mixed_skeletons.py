"""Toxicity and efficacy by continual reassessment, efficacy over several skeletons (Wages and Tait 2015).

J Biopharm Stat 25:903, doi 10.1080/10543406.2014.920873. Toxicity has one empiric working model. Efficacy has
several, because it need not rise with dose; each is weighted by prior and marginal likelihood, and the heaviest one
(the last among equals) decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carwright.trial.posterior.crm import CrmPosterior
from carwright.trial.posterior.quadrature import Floats
from carwright.trial.posterior.tables import Counts, heaviest
from carwright.trial.posterior.working_models import Empiric


@dataclass(frozen=True)
class MixedFit:
    """For each row of a batch: curves at the estimates (trials, levels), and which efficacy model (trials,), from 0.

    ``model_probability`` (trials, models) are the posterior weights of the efficacy skeletons.
    """

    toxicity: Floats
    efficacy: Floats
    model: npt.NDArray[np.intp]
    model_probability: Floats


def fit_mixed(
    toxicity: CrmPosterior,
    efficacy: Sequence[CrmPosterior],
    prior: npt.ArrayLike,
    patients: Counts,
    dlts: Counts,
    responses: Counts,
) -> MixedFit:
    """Fit counts (trials, levels); responses are counted whether or not there was a toxicity."""
    fits = [posterior.fit(patients, responses) for posterior in efficacy]
    evidence = np.column_stack([fit.log_evidence for fit in fits])
    weights = np.exp(evidence - evidence.max(axis=1, keepdims=True)) * np.asarray(prior)
    weights /= weights.sum(axis=1, keepdims=True)
    model = heaviest(weights)
    curves = np.stack([fit.curve_at_estimate for fit in fits])
    chosen = curves[model, np.arange(len(model))]
    return MixedFit(toxicity.fit(patients, dlts).curve_at_estimate, chosen, model, weights)


def posteriors(skeletons: Sequence[Sequence[float]], prior_variance: float) -> list[CrmPosterior]:
    """One empiric posterior per efficacy skeleton."""
    return [CrmPosterior(Empiric(tuple(map(float, skeleton))), prior_variance) for skeleton in skeletons]
