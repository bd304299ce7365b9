"""BLRM, Bayesian logistic regression with control of overdosing (EWOC).

Neuenschwander, Branson and Gsponer 2008 (Stat Med 27:2420, doi 10.1002/sim.3230); escalation with overdose
control after Babb, Rogatko and Zacks 1998 (Stat Med 17:1103). The posterior is in
`carwright.trial.posterior.two_parameter`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import Batch, Floats
from carwright.trial.doses import doses_on
from carwright.trial.model_design import ModelDesign
from carwright.trial.posterior.two_parameter import BivariateNormal, TwoParameterPosterior, log_ratios


@dataclass(frozen=True, kw_only=True)
class Blrm(ModelDesign):
    """BLRM on a path: among nodes that are probably no overdose, the one most probably in the target interval.

    Examples
    --------
    >>> from carwright.trial.space import ladder
    >>> design = Blrm(ladder(4), doses=(10, 20, 30, 40), reference_dose=30)
    >>> design.fit("1NNN").decision.node
    '2'
    """

    name: ClassVar[str] = "blrm"

    doses: tuple[float, ...] | None = option.numbers(
        None,
        "Doses, rising; null for the middle of each node's band of cells, on the logarithmic scale, or for ranks 1, 2, "
        "3 where these do not rise along the path.",
        source="study",
    )
    reference_dose: float | None = option.number(
        None, "Dose whose odds of toxicity are alpha; null for the highest.", above=0.0, source="Neuenschwander 2008"
    )
    prior_means: tuple[float, ...] = option.numbers(
        (-0.847, 0.381),
        "Prior means of log(alpha) and log(beta).",
        length=2,
        source="weakly informative: odds of 0.3 / 0.7 at the reference dose (OncoBayes2; Neuenschwander 2015)",
    )
    prior_deviations: tuple[float, ...] = option.numbers(
        (2.015, 1.027),
        "Their standard deviations.",
        length=2,
        source="Neuenschwander 2008, table I, weakly informative",
    )
    prior_correlation: float = option.number(0.0, "Their correlation.", above=-1.0, below=1.0, source="assumed")
    target_interval: tuple[float, ...] = option.numbers(
        (0.16, 0.33),
        "Interval of the probability of toxicity aimed at; above it lies overdosing.",
        low=0.0,
        high=1.0,
        length=2,
        source="Neuenschwander 2008 (0.20 to 0.35 in its example); 0.16 to 0.33 is the convention since",
    )
    overdose_limit: float = option.number(
        0.25, "A node is acceptable while its probability of overdosing is below this.", above=0.0, high=1.0,
        source="Babb, Rogatko and Zacks 1998",
    )  # fmt: skip
    choose: str = option.choice(
        "target",
        "Among acceptable nodes, the one most probably in the target interval, or the highest.",
        ("target", "highest"),
        source="Neuenschwander 2008; Babb, Rogatko and Zacks 1998",
    )

    @property
    def levels(self) -> int:
        """Number of doses."""
        return len(self.path) if self.doses is None else len(self.doses)

    def check(self, problems: Problems) -> None:
        """Record an interval, doses or a prior that cannot be used."""
        super().check(problems)
        low, high = self.target_interval
        if not 0.0 < low < high < 1.0:
            problems.add(
                "TRIAL216",
                "the target interval is empty or out of range",
                where="design, target_interval",
                found=f"{low:g} to {high:g}",
                allowed="0 < lower < upper < 1",
                fix="correct the interval, for example 0.16 and 0.33",
            )
        problems.raise_if_any()
        _ = self._posterior

    def scores(self, batch: Batch) -> Floats:
        """Probability of the target interval, or place; minus infinity where overdosing is too probable."""
        low, high = self.target_interval
        above = self._posterior.probability_above(batch.patients, batch.dlts, (low, high))
        places = np.broadcast_to(np.arange(float(len(self.path))), above.shape[:2])
        scores = above[:, :, 0] - above[:, :, 1] if self.choose == "target" else places
        # A node above an overdose is one, too: the curve rises.
        return np.where(above[:, :, 1] < self.overdose_limit, scores, -np.inf)

    def above_on_path(self, batch: Batch, limit: float) -> Floats | None:
        """Posterior probability of more toxicity."""
        return self._posterior.probability_above(batch.patients, batch.dlts, (limit,))[:, :, 0]

    def estimates_on_path(self, batch: Batch) -> dict[str, Floats]:
        """Posterior mean and standard deviation, and probabilities of under-, target and overdosing."""
        fit = self._posterior.fit(batch.patients, batch.dlts)
        under, target, over = np.moveaxis(
            self._posterior.interval_probabilities(batch.patients, batch.dlts, self.target_interval), 2, 0
        )
        return {
            "mean_probability": fit.mean_probability,
            "deviation": fit.deviation,
            "curve_at_estimate": fit.curve_at_estimate,
            "probability_under": under,
            "probability_target": target,
            "probability_over": over,
        }

    def parameters_on_path(self, batch: Batch) -> dict[str, Floats]:
        """Posterior means and standard deviations of the parameters, by name; each of shape (t,)."""
        fit = self._posterior.fit(batch.patients, batch.dlts)
        return {
            "log_alpha": fit.log_alpha[:, 0],
            "log_alpha_deviation": fit.log_alpha[:, 1],
            "log_beta": fit.log_beta[:, 0],
            "log_beta_deviation": fit.log_beta[:, 1],
        }

    @cached_property
    def _posterior(self) -> TwoParameterPosterior:
        doses = doses_on(self.space, self.path) if self.doses is None else self.doses
        reference = doses[-1] if self.reference_dose is None else self.reference_dose
        means, deviations = self.prior_means, self.prior_deviations
        prior = BivariateNormal((means[0], means[1]), (deviations[0], deviations[1]), self.prior_correlation)
        return TwoParameterPosterior(log_ratios(doses, reference), prior)
