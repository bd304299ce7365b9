"""POCRM, the continual reassessment method on a partial order.

Wages, Conaway and O'Quigley 2011 (Biometrics 67:1555, doi 10.1111/j.1541-0420.2011.01560.x); two stages as in
Wages, Conaway and O'Quigley 2011 (Clin Trials 8:380, doi 10.1177/1740774511408748). Each order of the nodes
that the dose space allows is a working model; see `carwright.trial.posterior.partial_order`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import ClassVar

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Floats, Ints
from carwright.trial.design import Design
from carwright.trial.model_design import best_place
from carwright.trial.outcomes import History
from carwright.trial.posterior.partial_order import OrderFit, fit_orders, skeletons_of
from carwright.trial.posterior.skeleton import skeleton_from_halfwidth
from carwright.trial.posterior.working_models import check_skeleton
from carwright.trial.space import DoseSpace

MOST_ORDERS = 64
"""Orders that are taken from a dose space at most (assumed; Wages 2011 advise fewer than ten)."""

_REASONS = (
    "treat the first cohort at node {next}",
    "the next node in the plan without toxicity is {next}",
    "all patients so far had a dose-limiting toxicity: go down to node {next}",
    "node {next} is nearest to the target within reach under the likeliest order",
    "every lowest node was closed",
)


@dataclass(frozen=True)
class Pocrm(Design):
    """POCRM on a dose space.

    Until patients with and without toxicity have been seen, one cohort climbs to the next node whose lower
    neighbours were all given. After that the likeliest order's estimates decide, among nodes that were given
    and those with a given node next below.

    Examples
    --------
    >>> from carwright.trial.space import DoseNode, DoseSpace
    >>> space = DoseSpace(tuple(map(DoseNode, ("1", "2", "3", "-3"))), ("1 < 2 < 3", "1 < -3 < 3"))
    >>> Pocrm(space).fit("1NNN 2NNN").decision.node
    '-3'
    """

    name: ClassVar[str] = "pocrm"

    dose_space: DoseSpace
    target: float = option.number(
        0.30, "Probability of dose-limiting toxicity aimed at.", above=0.0, below=1.0, source="assumed"
    )
    skeleton: tuple[float, ...] | None = option.numbers(
        None,
        "Prior guesses from the least to the most toxic rank; null for those whose indifference intervals are "
        "the target plus and minus a quarter of it.",
        source="Lee and Cheung 2009, doi 10.1177/1740774509105076",
    )
    orders: tuple[tuple[str, ...], ...] | None = option.custom(
        None,
        "Orders of all nodes, each from the least to the most toxic; null for all that the dose space allows.",
        allowed="a list of lists of node labels, or null",
        read=lambda value: _read_orders(value),
        source="Wages 2011",
    )
    order_weights: tuple[float, ...] | None = option.numbers(
        None, "Prior weights of the orders; null for equal ones.", low=0.0, source="Wages 2011"
    )
    cohort_size: int = option.whole(3, "Patients of a cohort.", low=1, high=100, source="convention")
    recommend: str = option.choice(
        "tried",
        "Node at the end: the best one that was given, or the next that the design would treat.",
        ("tried", "next"),
        source="assumed",
    )

    def __post_init__(self) -> None:
        option.check_options(self, "design pocrm", "design")
        problems, count = Problems(), len(self.space.labels)
        if self.skeleton is not None:
            check_skeleton(self.skeleton, problems)
            if len(self.skeleton) != count:
                problems.add(
                    "TRIAL205",
                    "the options describe another number of doses than the space has nodes",
                    where="design, skeleton",
                    found=f"{len(self.skeleton)} guesses, {count} nodes",
                    allowed="one guess per node",
                    fix="correct the skeleton",
                )
        for order in self.orders or ():
            self._check_order(order, problems)
        if self.order_weights is not None and (
            len(self.order_weights) != len(self.all_orders) or sum(self.order_weights) <= 0.0
        ):
            problems.add(
                "TRIAL241",
                "the weights do not fit the orders",
                where="design, order_weights",
                found=f"{len(self.order_weights)} weights, {len(self.all_orders)} orders",
                allowed="one weight per order, not all zero",
                fix="correct the weights, or drop them",
            )
        problems.raise_if_any()

    @property
    def space(self) -> DoseSpace:
        """The nodes that the design moves on."""
        return self.dose_space

    @property
    def recommends_untried(self) -> bool:  # type: ignore[override]  # depends on an option here
        """Whether a node that nobody was given can be recommended."""
        return self.recommend == "next"

    @cached_property
    def all_orders(self) -> tuple[tuple[str, ...], ...]:
        """The orders, given or all that the dose space allows, up to `MOST_ORDERS`."""
        if self.orders is not None:
            return self.orders
        return tuple(islice(_extensions(self.space, ()), MOST_ORDERS))

    def fit_batch(self, batch: Batch) -> OrderFit:
        """Estimates of the working models."""
        weights = np.ones(len(self.all_orders)) if self.order_weights is None else np.asarray(self.order_weights)
        return fit_orders(self._skeletons, weights / weights.sum(), batch.patients, batch.dlts)

    def estimates(self, history: History) -> dict[str, dict[str, float | None]]:
        """Curve of the likeliest order, by label."""
        curve = self.fit_batch(Batch.of(self.space, (history,))).probability[0].tolist()
        return {"curve_at_estimate": dict(zip(self.space.labels, curve, strict=True))}

    def parameters(self, history: History) -> dict[str, float]:
        """Number of the likeliest order, from 1, its power ``a``, and the probability of each order."""
        fit = self.fit_batch(Batch.of(self.space, (history,)))
        weights = fit.order_probability[0].tolist()
        return {
            "order": float(fit.order[0] + 1),
            "a": float(fit.power[0]),
            **{f"order_{number}_probability": weight for number, weight in enumerate(weights, start=1)},
        }

    def decide_batch(self, batch: Batch) -> Decisions:
        """Climb by plan, then follow the likeliest order."""
        open_, given = self._open(batch), batch.patients > 0
        reach = open_ & self._within_reach(given)
        scores = self._scores(batch)
        node = best_place(np.where(reach, scores, -np.inf))
        dlts, patients = batch.dlts.sum(axis=1), batch.patients.sum(axis=1)
        reason = np.full(batch.trials, 3)
        # The plan: the first node in the order of the space whose lower neighbours were all given.
        plan = open_ & ~given & ~(~given[:, None, :] & self._below).any(axis=2)
        climbs = (dlts == 0) & plan.any(axis=1)
        node, reason = np.where(climbs, plan.argmax(axis=1), node), np.where(climbs, 1, reason)
        reason = np.where((dlts == patients) & (patients > 0), 2, reason)
        reason = np.where(batch.last == NOBODY, 0, reason)
        over = ~open_.any(axis=1)
        node = np.where(over, NOBODY, node)
        none = np.full(batch.trials, NOBODY, dtype=np.int64)
        admissible = open_ if self.recommend == "next" else open_ & given
        return Decisions(
            node,
            np.where(over, 0, self.cohort_size),
            np.zeros(batch.trials, dtype=np.bool_),
            none,
            admissible,
            np.where(over, 4, reason),
            _REASONS,
        )

    def select_batch(self, batch: Batch) -> Ints:
        """Node nearest to the target among those given, or the next one; see the option ``recommend``."""
        if self.recommend == "next":
            return self.decide_batch(batch).node
        return best_place(np.where(self._open(batch) & (batch.patients > 0), self._scores(batch), -np.inf))

    def _scores(self, batch: Batch) -> Floats:
        """Minus the distance from the target; height or depth in the order while no likelihood has a maximum."""
        dlts, patients = batch.dlts.sum(axis=1)[:, None], batch.patients.sum(axis=1)[:, None]
        height = self._below.sum(axis=1).astype(np.float64)
        scores: Floats = -np.abs(self.fit_batch(batch).probability - self.target)
        return np.where(dlts == 0, height, np.where(dlts == patients, -height, scores))

    @cached_property
    def _skeletons(self) -> Floats:
        labels = self.space.labels
        guesses = self.skeleton
        if guesses is None:
            guesses = skeleton_from_halfwidth(0.25 * self.target, self.target, (len(labels) + 1) // 2, len(labels))
        numbers = [[self.space.columns[label] + 1 for label in order] for order in self.all_orders]
        return skeletons_of(numbers, guesses)

    @cached_property
    def _below(self) -> Flags:
        """Whether the second node lies below the first, (m, m)."""
        labels = self.space.labels
        return np.array([[other in self.space.below(label) for other in labels] for label in labels])

    @cached_property
    def _next_below(self) -> Flags:
        """Whether the second node lies below the first with none between, (m, m)."""
        below = self._below
        between = (below[:, :, None] & below[None, :, :]).any(axis=1)
        return below & ~between

    def _open(self, batch: Batch) -> Flags:
        shut: Flags = batch.closed | (batch.closed[:, None, :] & self._below).any(axis=2)
        return ~shut

    def _within_reach(self, given: Flags) -> Flags:
        lowest = ~self._below.any(axis=1)
        near: Flags = given | lowest | (given[:, None, :] & self._next_below).any(axis=2)
        return near

    def _check_order(self, order: tuple[str, ...], problems: Problems) -> None:
        rank = {label: place for place, label in enumerate(order)}
        labels = self.space.labels
        fits = sorted(order) == sorted(labels) and all(
            rank[low] < rank[label] for label in labels for low in self.space.below(label)
        )
        if not fits:
            problems.add(
                "TRIAL240",
                "this is not an order of all nodes that the dose space allows",
                where="design, orders",
                found=" ".join(order),
                allowed=f"each of {', '.join(labels)} once, no node before one below it",
                fix="correct the order, or drop the option",
            )


def _extensions(space: DoseSpace, begun: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Orders of all nodes that begin so and respect the partial order, in the order of the nodes."""
    if len(begun) == len(space.labels):
        yield begun
    for label in space.labels:
        if label not in begun and space.below(label) <= set(begun):
            yield from _extensions(space, (*begun, label))


def _read_orders(value: object) -> tuple[tuple[str, ...], ...] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not value or not all(isinstance(order, list | tuple) for order in value):
        raise ValueError
    return tuple(tuple(str(label) for label in order) for order in value)
