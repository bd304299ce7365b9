"""Continual reassessment over several possible orders of the doses (Wages, Conaway and O'Quigley 2011).

Biometrics 67:1555, doi 10.1111/j.1541-0420.2011.01560.x. Each order carries the same skeleton along its own ranking;
``p = s ** a`` is fitted by maximum likelihood within each, orders are weighted by prior and maximised likelihood, and
the heaviest one (the last among equals; pocrm draws) decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carwright.errors import Problems
from carwright.trial.posterior.quadrature import Floats
from carwright.trial.posterior.tables import Counts, distinct, heaviest, nearest
from carwright.trial.posterior.working_models import check_skeleton

LARGEST_POWER = 500.0
"""Upper end of the powers that are searched (published: the R package pocrm, function pocrm.imp)."""


@dataclass(frozen=True)
class OrderFit:
    """Fit of each row of a batch.

    Probabilities of the orders (trials, orders); the order chosen, from 0, and its power ``a`` (trials,); its
    probabilities of toxicity (trials, levels).
    """

    order_probability: Floats
    order: npt.NDArray[np.intp]
    power: Floats
    probability: Floats

    def level(self, target: float) -> npt.NDArray[np.intp]:
        """Level nearest to the target under the order chosen."""
        return nearest(self.probability, target)


def skeletons_of(orders: Sequence[Sequence[int]], skeleton: Sequence[float]) -> Floats:
    """Skeleton of each level under each order, (orders, levels).

    Parameters
    ----------
    orders
        Each a ranking of the levels, from 1, from the least to the most toxic.
    skeleton
        Prior guesses from the least to the most toxic rank.

    Raises
    ------
    CarwrightError
        Naming every order that is not a ranking of all levels, and what is wrong with the skeleton.
    """
    problems = Problems()
    check_skeleton(skeleton, problems)
    if not orders:
        problems.add("TRIAL240", "there are no orders", where="design, orders", fix="give at least one order")
    for number, order in enumerate(orders, start=1):
        if sorted(order) != list(range(1, len(skeleton) + 1)):
            problems.add(
                "TRIAL240",
                "this is not an order of all doses",
                where=f"design, order {number}",
                found=" ".join(map(str, order)),
                allowed=f"each of 1 to {len(skeleton)} once",
                fix="list the doses from the least to the most toxic",
            )
    problems.raise_if_any()
    table = np.empty((len(orders), len(skeleton)))
    for row, order in enumerate(orders):
        table[row, np.asarray(order) - 1] = skeleton
    return table


def fit_orders(skeletons: Floats, prior: npt.ArrayLike, patients: Counts, dlts: Counts) -> OrderFit:
    """Fit every order to counts (trials, levels).

    Without toxicity the likelihood rises with ``a`` and without its absence it falls; the estimate is then at the end
    of 0 to `LARGEST_POWER`, and the orders keep their prior weights but for rounding.
    """
    (patients, dlts), inverse = distinct(patients, dlts)
    log_skeleton = np.log(skeletons)[None]
    toxic, clear = dlts[:, None, :].astype(np.float64), (patients - dlts)[:, None, :].astype(np.float64)

    def slope(power: Floats) -> Floats:
        probability = np.exp(power[..., None] * log_skeleton)
        # d/da of y a log s + (n - y) log(1 - s^a), which falls with a: the likelihood is concave in a.
        change = toxic * log_skeleton - clear * log_skeleton * probability / -np.expm1(power[..., None] * log_skeleton)
        return np.asarray(change.sum(axis=-1))

    shape = (len(patients), len(skeletons))
    low, high = np.full(shape, 1e-12), np.full(shape, LARGEST_POWER)
    for _ in range(64):
        middle = (low + high) / 2.0
        rises = slope(middle) > 0.0
        low, high = np.where(rises, middle, low), np.where(rises, high, middle)
    power = (low + high) / 2.0
    exponent = power[..., None] * log_skeleton
    log_likelihood = (toxic * exponent).sum(-1) + (clear * np.log(-np.expm1(exponent))).sum(-1)
    weights = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)) * np.asarray(prior)
    weights /= weights.sum(axis=1, keepdims=True)
    order = heaviest(weights)
    rows = np.arange(len(patients))
    probability = np.exp(exponent[rows, order])
    return OrderFit(weights[inverse], order[inverse], power[rows, order][inverse], probability[inverse])
