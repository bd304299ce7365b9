"""CRM, the continual reassessment method, and its time-to-event form TITE-CRM.

O'Quigley, Pepe and Fisher 1990 (Biometrics 46:33, doi 10.2307/2531628); Cheung and Chappell 2000 (Biometrics 56:1177,
doi 10.1111/j.0006-341x.2000.01177.x). Estimates agree with the R package dfcrm 0.2-2.1 within that package's own
integration error; see `carwright.trial.posterior.crm`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Floats, Ints
from carwright.trial.model_design import ModelDesign
from carwright.trial.posterior.crm import CrmFit, CrmPosterior, Pending, maximum_likelihood
from carwright.trial.posterior.skeleton import skeleton_from_halfwidth
from carwright.trial.posterior.two_parameter import BivariateNormal, TwoParameterPosterior, scaled_doses
from carwright.trial.posterior.working_models import (
    INTERCEPT,
    PRIOR_VARIANCE,
    WorkingModel,
    check_skeleton,
    working_model,
)


@dataclass(frozen=True, kw_only=True)
class Crm(ModelDesign):
    """CRM on a path: treat the node whose estimated probability of toxicity is nearest to the target.

    Examples
    --------
    >>> from carwright.trial.space import ladder
    >>> design = Crm(ladder(4), target=0.25, skeleton=(0.05, 0.12, 0.25, 0.4))
    >>> design.fit("1NNN 2NTN").decision.node
    '2'
    """

    name: ClassVar[str] = "crm"

    target: float = option.number(
        0.30, "Probability of dose-limiting toxicity aimed at.", above=0.0, below=1.0, source="assumed"
    )
    skeleton: tuple[float, ...] | None = option.numbers(
        None,
        "Prior guesses of the probability of toxicity, rising; null for those whose indifference intervals are the "
        "target plus and minus the half-width.",
        source="Lee and Cheung 2009, doi 10.1177/1740774509105076",
    )
    halfwidth: float | None = option.number(
        None,
        "Half-width of the indifference interval, where no skeleton is given; null for a quarter of the target.",
        above=0.0,
        below=1.0,
        source="R package dfcrm 0.2-2.1, function getn",
    )
    prior_level: int | None = option.whole(
        None,
        "Level, from 1, whose prior guess is the target, where no skeleton is given; null for the middle one.",
        low=1,
        source="R package dfcrm 0.2-2.1, function getn",
    )
    model: str = option.choice(
        "empiric",
        "Working model: the power model, the logistic one with a fixed intercept, or the logistic one with two "
        "parameters.",
        ("empiric", "logistic", "logistic-2"),
        source="R package dfcrm 0.2-2.1",
    )
    intercept: float = option.number(
        INTERCEPT, "Intercept of the logistic model, prior mean of it in the two-parameter one.", source="dfcrm 0.2-2.1"
    )
    prior_variance: float = option.number(
        PRIOR_VARIANCE, "Variance of the prior of the (log) slope.", above=0.0, source="dfcrm 0.2-2.1"
    )
    intercept_deviation: float = option.number(
        2.0, "Standard deviation of the prior of the intercept in the two-parameter model.", above=0.0, source="assumed"
    )
    method: str = option.choice(
        "bayes",
        "Posterior mean, or maximum likelihood; the latter moves by one node a time until there are patients with and "
        "without toxicity.",
        ("bayes", "mle"),
        source="dfcrm 0.2-2.1; O'Quigley and Shen 1996, doi 10.2307/2532905",
    )
    decides_by: str = option.choice(
        "curve-at-estimate",
        "What is compared with the target: the curve at the estimate of the parameter, or the posterior mean of the "
        "probability of toxicity.",
        ("curve-at-estimate", "mean-probability"),
        source="dfcrm 0.2-2.1 (the former); trialr 0.1.6 and crmPack 2 (the latter)",
    )
    coherent: bool = option.flag(
        True,
        "Whether escalation is barred right after a cohort in which toxicity reached the target.",
        source="Cheung 2005, doi 10.1093/biomet/92.4.863",
    )
    exceedance: str = option.choice(
        "posterior",
        "How rules such as stop_when_toxic find the probability of too much toxicity: from the posterior, or taking "
        "the posterior of the parameter as normal.",
        ("posterior", "normal"),
        source="R package escalation 0.2.3 (the latter)",
    )

    @property
    def levels(self) -> int:
        """Number of prior guesses, or of nodes where these follow from the half-width."""
        return len(self.path) if self.skeleton is None else len(self.skeleton)

    def check(self, problems: Problems) -> None:
        """Record a skeleton or an intercept that cannot be used, and options that exclude each other."""
        super().check(problems)
        if self.skeleton is not None:
            check_skeleton(self.skeleton, problems)
        if self.model == "logistic-2" and self.method == "mle":
            problems.add(
                "TRIAL206",
                "the two-parameter model has no maximum likelihood here",
                where="design, method",
                found="mle",
                allowed="bayes",
                fix="use method bayes, or a model with one parameter",
            )
        if self.model == "logistic-2" and self.exceedance == "normal":
            problems.add(
                "TRIAL209",
                "the two-parameter model has no normal approximation here",
                where="design, exceedance",
                found="normal",
                allowed="posterior",
                fix="use exceedance posterior",
            )
        if self.method == "mle" and self.decides_by == "mean-probability":
            problems.add(
                "TRIAL207",
                "maximum likelihood knows no mean of a probability",
                where="design, decides_by",
                found=self.decides_by,
                allowed="curve-at-estimate",
                fix="use method bayes, or drop the option",
            )
        problems.raise_if_any()
        if self.model != "logistic-2":
            working_model(self.model, self.guesses, self.intercept)

    @cached_property
    def guesses(self) -> tuple[float, ...]:
        """The skeleton, given or derived."""
        if self.skeleton is not None:
            return self.skeleton
        levels = len(self.path)
        halfwidth = 0.25 * self.target if self.halfwidth is None else self.halfwidth
        middle = (levels + 1) // 2 if self.prior_level is None else self.prior_level
        model = "empiric" if self.model == "empiric" else "logistic"
        return skeleton_from_halfwidth(halfwidth, self.target, middle, levels, model, self.intercept)

    def scores(self, batch: Batch) -> Floats:
        """Minus the distance from the target."""
        scores: Floats = -np.abs(self._curve(batch) - self.target)
        if self.method == "mle":
            # Without a maximum of the likelihood the trial climbs or descends by one node.
            dlts, places = batch.dlts.sum(axis=1), np.arange(len(self.path))
            aim = np.where(dlts == 0, batch.last + 1, batch.last - 1)
            none = (dlts == 0) | (dlts == batch.patients.sum(axis=1))
            scores = np.where(none[:, None], -np.abs(places - aim[:, None]).astype(np.float64), scores)
        return scores

    def estimates_on_path(self, batch: Batch) -> dict[str, Floats]:
        """Curve at the estimate, posterior mean of the probability of toxicity, and a 90 % interval."""
        if self.model == "logistic-2":
            both = self._two_parameters.fit(batch.patients, batch.dlts)
            return {"curve_at_estimate": both.curve_at_estimate, "mean_probability": both.mean_probability}
        fit = self._fit(batch)
        found = {"curve_at_estimate": fit.curve_at_estimate}
        if self.method == "mle":
            return found
        low, high = self._one_parameter.interval(fit)
        return found | {"mean_probability": fit.mean_probability, "interval_low": low, "interval_high": high}

    def parameters_on_path(self, batch: Batch) -> dict[str, Floats]:
        """Estimates of the model's parameters, by name; each of shape (t,)."""
        if self.model == "logistic-2":
            both = self._two_parameters.fit(batch.patients, batch.dlts)
            return {"intercept": both.log_alpha[:, 0], "log_slope": both.log_beta[:, 0]}
        fit = self._fit(batch)
        return {"beta": fit.estimate} | ({} if self.method == "mle" else {"variance": fit.variance})

    def above_on_path(self, batch: Batch, limit: float) -> Floats | None:
        """Posterior probability of more toxicity; None for maximum likelihood, which has none."""
        if self.method == "mle":
            return None
        if self.model == "logistic-2":
            return self._two_parameters.probability_above(batch.patients, batch.dlts, (limit,))[:, :, 0]
        if self.exceedance == "normal":
            return self._one_parameter.normal_probability_above(self._fit(batch), limit)
        complete = batch.patients - batch.pending
        return self._one_parameter.probability_above(complete, batch.dlts, limit, _pending(batch))

    def farthest(self, batch: Batch) -> tuple[Ints, Ints]:
        """One node up at most, and none right after toxicity that reached the target."""
        low, high = super().farthest(batch)
        if self.coherent:
            toxic = batch.last_dlts >= self.target * batch.last_patients - 1e-12
            high = np.where(toxic & (batch.last_patients > 0), np.minimum(high, batch.last), high)
        return low, high

    @cached_property
    def _working(self) -> WorkingModel:
        return working_model(self.model, self.guesses, self.intercept)

    @cached_property
    def _one_parameter(self) -> CrmPosterior:
        return CrmPosterior(self._working, self.prior_variance)

    @cached_property
    def _two_parameters(self) -> TwoParameterPosterior:
        slope_deviation = float(np.sqrt(self.prior_variance))
        prior = BivariateNormal((self.intercept, 0.0), (self.intercept_deviation, slope_deviation))
        return TwoParameterPosterior(scaled_doses(self.guesses, prior.means), prior)

    def _curve(self, batch: Batch) -> Floats:
        """Probabilities of toxicity that are compared with the target, (t, m)."""
        mean = self.decides_by == "mean-probability"
        if self.model == "logistic-2":
            if mean:
                return self._two_parameters.mean_probability(batch.patients, batch.dlts)
            return self._two_parameters.fit(batch.patients, batch.dlts).curve_at_estimate
        fit = self._fit(batch)
        return fit.mean_probability if mean else fit.curve_at_estimate

    def _fit(self, batch: Batch) -> CrmFit:
        complete = batch.patients - batch.pending
        if self.method == "mle":
            return maximum_likelihood(self._working, complete, batch.dlts, _pending(batch))
        return self._one_parameter.fit(complete, batch.dlts, _pending(batch))


@dataclass(frozen=True, kw_only=True)
class TiteCrm(Crm):
    """TITE-CRM: patients under observation count with the share of their window that is over.

    With complete follow-up it is the CRM.
    """

    name: ClassVar[str] = "tite-crm"
    uses_follow_up: ClassVar[bool] = True

    cohort_size: int = option.whole(1, "Patients of a cohort.", low=1, high=100, source="Cheung and Chappell 2000")

    def check(self, problems: Problems) -> None:
        """Record the two-parameter model, which has no time-to-event form here."""
        super().check(problems)
        if self.model == "logistic-2":
            problems.add(
                "TRIAL208",
                "the two-parameter model takes complete follow-up only",
                where="design, model",
                found=self.model,
                allowed="empiric, logistic",
                fix="choose a model with one parameter, or the design crm",
            )


def _pending(batch: Batch) -> Pending | None:
    if batch.pending_node is None or batch.pending_weight is None:
        return None
    # Few patients are pending at a time: they come first, and columns that nobody fills are left out.
    waiting = batch.pending_node != NOBODY
    first = np.argsort(~waiting, axis=1, kind="stable")[:, : int(waiting.sum(axis=1).max(initial=0))]
    return Pending(
        np.take_along_axis(batch.pending_node, first, axis=1), np.take_along_axis(batch.pending_weight, first, axis=1)
    )
