"""One-parameter working models of the continual reassessment method.

The probability of toxicity at a level with prior guess ``s`` (the skeleton) is

* empiric: ``s ** exp(b)`` (O'Quigley, Pepe and Fisher 1990, Biometrics 46:33, doi 10.2307/2531628),
* logistic: ``1 / (1 + exp(-(a + exp(b) x)))`` with a fixed intercept ``a`` and ``x = logit(s) - a``
  (Cheung 2011, Dose Finding by the Continual Reassessment Method, section 2.3),

and ``b`` has a normal prior with mean 0, so that the prior guess is the curve at ``b = 0``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from carwright.errors import Problems
from carwright.trial.posterior.quadrature import Floats

PRIOR_VARIANCE = 1.34
"""Variance of the prior of ``b`` (published: Cheung 2011, section 3.1; the default of the R package dfcrm)."""

INTERCEPT = 3.0
"""Intercept of the logistic model (published: Goodman, Zahurak and Piantadosi 1995, doi 10.1002/sim.4780141102)."""


@dataclass(frozen=True)
class WorkingModel(ABC):
    """A curve with one parameter; ``skeleton`` holds the prior guesses by level."""

    skeleton: tuple[float, ...]

    @abstractmethod
    def probability(self, beta: Floats) -> Floats:
        """Probability of toxicity; shape of ``beta`` plus a last axis of levels."""

    @abstractmethod
    def logarithms(self, beta: Floats) -> tuple[Floats, Floats]:
        """Logarithms of the probabilities of toxicity and of none; shape of ``beta`` plus levels."""

    @abstractmethod
    def parameter_at(self, probability: float) -> Floats:
        """Parameter at which each level has this probability, (levels,); infinite where none has."""

    @property
    @abstractmethod
    def information(self) -> float:
        """Largest Fisher information about ``b`` that one patient can give."""


@dataclass(frozen=True)
class Empiric(WorkingModel):
    """The power model."""

    def probability(self, beta: Floats) -> Floats:
        """See `WorkingModel.probability`."""
        return np.asarray(np.exp(self.logarithms(beta)[0]))

    def logarithms(self, beta: Floats) -> tuple[Floats, Floats]:
        """See `WorkingModel.logarithms`."""
        toxic = np.exp(np.asarray(beta))[..., None] * np.log(np.asarray(self.skeleton))
        return toxic, np.log(-np.expm1(np.minimum(toxic, -1e-300)))

    def parameter_at(self, probability: float) -> Floats:
        """See `WorkingModel.parameter_at`."""
        return np.asarray(np.log(np.log(probability) / np.log(np.asarray(self.skeleton))))

    @property
    def information(self) -> float:
        """Maximum of ``p log(p)^2 / (1 - p)``, reached at p = 0.203."""
        return 0.6476


@dataclass(frozen=True)
class Logistic(WorkingModel):
    """The logistic model with a fixed intercept."""

    intercept: float = INTERCEPT

    @property
    def scaled(self) -> Floats:
        """Scaled doses ``x``."""
        prior = np.asarray(self.skeleton)
        return np.asarray(np.log(prior / (1.0 - prior)) - self.intercept)

    def probability(self, beta: Floats) -> Floats:
        """See `WorkingModel.probability`."""
        return np.asarray(np.exp(self.logarithms(beta)[0]))

    def logarithms(self, beta: Floats) -> tuple[Floats, Floats]:
        """See `WorkingModel.logarithms`."""
        predictor = self.intercept + np.exp(np.asarray(beta))[..., None] * self.scaled
        return -np.logaddexp(0.0, -predictor), -np.logaddexp(0.0, predictor)

    def parameter_at(self, probability: float) -> Floats:
        """See `WorkingModel.parameter_at`."""
        slope = (np.log(probability / (1.0 - probability)) - self.intercept) / self.scaled
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.maximum(slope, 0.0)))

    @property
    def information(self) -> float:
        """Maximum of ``p (1 - p) (logit(p) - a)^2`` over probabilities that the model can reach."""
        predictor = np.linspace(self.intercept - 40.0, self.intercept, 4001)
        probability = 1.0 / (1.0 + np.exp(-predictor))
        return float((probability * (1.0 - probability) * (predictor - self.intercept) ** 2).max())


def working_model(name: str, skeleton: Sequence[float], intercept: float = INTERCEPT) -> WorkingModel:
    """Build a working model by name, ``empiric`` or ``logistic``.

    Raises
    ------
    CarwrightError
        Naming everything that is wrong with the name, the skeleton and the intercept.
    """
    problems = Problems()
    if name not in ("empiric", "logistic"):
        problems.add(
            "TRIAL200",
            "there is no such working model",
            where="design, model",
            found=name,
            allowed="empiric, logistic",
            fix="choose one of the allowed models",
        )
    check_skeleton(skeleton, problems)
    if not problems and name == "logistic" and max(np.log(s / (1.0 - s)) for s in skeleton) >= intercept:
        problems.add(
            "TRIAL203",
            "the intercept of the logistic model is too small for the skeleton",
            where="design, intercept",
            found=f"{intercept:g}",
            allowed=f"above logit({max(skeleton):g}) = {np.log(max(skeleton) / (1 - max(skeleton))):.4g}",
            fix="choose a larger intercept, such as 3, or a lower skeleton",
        )
    problems.raise_if_any()
    levels = tuple(float(value) for value in skeleton)
    return Empiric(levels) if name == "empiric" else Logistic(levels, intercept)


def check_skeleton(skeleton: Sequence[float], problems: Problems, where: str = "design, skeleton") -> None:
    """Record what is wrong with a skeleton: no levels, values that are no probabilities, or that do not rise."""
    shown = " ".join(f"{value:g}" for value in skeleton)
    if not skeleton:
        problems.add("TRIAL201", "the skeleton is empty", where=where, fix="give one prior guess per dose")
    elif not all(0.0 < value < 1.0 for value in skeleton):
        problems.add(
            "TRIAL201",
            "the skeleton holds values that are not probabilities",
            where=where,
            found=shown,
            allowed="above 0 and below 1",
            fix="correct the values",
        )
    if any(high <= low for low, high in pairwise(skeleton)):
        problems.add(
            "TRIAL202",
            "the skeleton does not rise",
            where=where,
            found=shown,
            allowed="values that rise strictly from the lowest to the highest dose",
            fix="put the values in rising order",
        )


def check_probability(value: float, what: str, problems: Problems, where: str) -> None:
    """Record a value that is not strictly between 0 and 1."""
    if not 0.0 < value < 1.0:
        problems.add(
            "TRIAL204",
            f"the {what} is not a probability",
            where=where,
            found=f"{value:g}",
            allowed="above 0 and below 1",
            fix="correct the value, for example 0.3",
        )
