"""Designs that fit a curve to all doses and treat the best one: what they share.

The model says which node of the path is best; the restrictions here say how far the trial may move at once.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Floats, Ints
from carwright.trial.on_path import OnPath, open_places
from carwright.trial.outcomes import History

_REASONS = (
    "treat the first cohort at node {next}",
    "escalate to node {next}, the model's choice after {y} of {n} with dose-limiting toxicity at node {last}",
    "stay at node {next}, the model's choice after {y} of {n} with dose-limiting toxicity at node {last}",
    "de-escalate to node {next}, the model's choice after {y} of {n} with dose-limiting toxicity at node {last}",
    "node {next} is as far as the trial may move at once from node {last}; the model would go further",
    "no node is acceptable under the model",
    "the lowest node was closed",
)


@dataclass(frozen=True, kw_only=True)
class ModelDesign(OnPath):
    """A design whose model prefers a node; a subclass answers `scores`."""

    cohort_size: int = option.whole(3, "Patients of a cohort.", low=1, high=100, source="convention")
    start: str | None = option.label(None, "Node of the first cohort; null for the lowest.", source="convention")
    skip_up: bool = option.flag(
        False,
        "Whether nodes may be skipped when escalating.",
        source="Goodman, Zahurak and Piantadosi 1995, doi 10.1002/sim.4780141102",
    )
    recommend: str = option.choice(
        "tried",
        "Node at the end: the best one that was given, or the next that the design would treat, even if nobody was "
        "given it.",
        ("tried", "next"),
        source="assumed; next is that of the R packages dfcrm and escalation",
    )

    @property
    @abstractmethod
    def levels(self) -> int:
        """Number of nodes that the options describe."""

    @abstractmethod
    def scores(self, batch: Batch) -> Floats:
        """How good each node is, minus infinity where it is not acceptable; shape (t, m).

        Among equals the lowest node is taken.
        """

    @abstractmethod
    def estimates_on_path(self, batch: Batch) -> dict[str, Floats]:
        """What the model says about each node of the path, by name; each of shape (t, m)."""

    def check(self, problems: Problems) -> None:
        """Record options that do not fit the path."""
        if self.start is not None and self.start not in self.path:
            problems.add(
                "TRIAL024",
                "the trial starts at a node that is not on the path",
                where="design, start",
                found=self.start,
                allowed=", ".join(self.path),
                fix="start at a node of the path",
            )
        if self.levels != len(self.path):
            problems.add(
                "TRIAL205",
                "the options describe another number of doses than the path has nodes",
                where="design",
                found=f"{self.levels} doses, {len(self.path)} nodes",
                allowed="one dose per node of the path",
                fix="correct the options, or give the path",
            )

    @property
    def recommends_untried(self) -> bool:  # type: ignore[override]  # depends on an option here
        """Whether a node that nobody was given can be recommended."""
        return self.recommend == "next"

    def parameters_on_path(self, batch: Batch) -> dict[str, Floats]:
        """Estimates of the model's parameters, by name, each of shape (t,); none unless a design says so."""
        del batch
        return {}

    def above_on_path(self, batch: Batch, limit: float) -> Floats | None:
        """Probability under the model that toxicity exceeds ``limit``, (t, m); None where the model gives none."""
        del batch, limit
        return None

    def estimates(self, history: History) -> dict[str, dict[str, float | None]]:
        """What the model says about each node, by name of the quantity and label."""
        found = self.estimates_on_path(self._on_path(Batch.of(self.space, (history,))))
        return {name: dict(zip(self.path, values[0].tolist(), strict=True)) for name, values in found.items()}

    def parameters(self, history: History) -> dict[str, float]:
        """Estimates of the model's parameters, by name."""
        found = self.parameters_on_path(self._on_path(Batch.of(self.space, (history,))))
        return {name: float(values[0]) for name, values in found.items()}

    def toxicity_above(self, batch: Batch, limit: float) -> Floats:
        """Probability that toxicity exceeds ``limit``: the model's on the path, node by node elsewhere."""
        found = super().toxicity_above(batch, limit)
        modelled = self.above_on_path(self._on_path(batch), limit)
        if modelled is not None:
            found[:, list(self.columns)] = modelled
        return found

    def farthest(self, batch: Batch) -> tuple[Ints, Ints]:
        """Lowest and highest place that each trial may move to at once; restricts escalation only."""
        low = np.zeros(batch.trials, dtype=np.int64)
        high = low + len(self.path) - 1
        return low, high if self.skip_up else np.minimum(high, batch.last + 1)

    def decide_on_path(self, batch: Batch) -> Decisions:
        """Treat the best node among those that are open and within reach."""
        places = np.arange(len(self.path))
        top = open_places(batch.closed) - 1
        begins = batch.last == NOBODY
        first = 0 if self.start is None else self.path.index(self.start)
        scores = self.scores(batch)
        best = best_place(np.where(places <= top[:, None], scores, -np.inf))
        low, high = self.farthest(batch)
        within = (places >= low[:, None]) & (places <= np.minimum(high, top)[:, None])
        node = self.restrict(scores, within, best, batch)
        node = np.where(begins, np.minimum(first, top), node)
        over = node == NOBODY
        reason = np.where(begins, 0, np.where(node != best, 4, 2 - np.sign(node - batch.last)))
        reason = np.where(over, np.where(top < 0, 6, 5), reason)
        return Decisions(
            node,
            np.where(over, 0, self.cohort_size),
            np.zeros(batch.trials, dtype=np.bool_),
            np.full(batch.trials, NOBODY, dtype=np.int64),
            self._admissible(batch, scores, top),
            reason,
            _REASONS,
        )

    def restrict(self, scores: Floats, within: Flags, best: Ints, batch: Batch) -> Ints:
        """Place that is treated: the acceptable one within reach that is nearest to the best.

        Parameters
        ----------
        scores
            As `scores` says, (t, m).
        within
            Places that are open and within reach, (t, m).
        best
            Best open place, -1 where none is acceptable, (t,).
        batch
            The trials.
        """
        del batch
        distance = np.abs(np.arange(len(self.path)) - best[:, None])
        found = best_place(np.where(within & (scores > -np.inf), -distance, -np.inf))
        return np.where(best == NOBODY, NOBODY, found)

    def select_on_path(self, batch: Batch) -> Ints:
        """Best node that was given, or the next one; see the option ``recommend``."""
        if self.recommend == "next":
            return self.decide_on_path(batch).node
        scores = self.scores(batch)
        return best_place(np.where(self._admissible(batch, scores, open_places(batch.closed) - 1), scores, -np.inf))

    def _admissible(self, batch: Batch, scores: Floats, top: Ints) -> Flags:
        open_: Flags = (np.arange(len(self.path)) <= top[:, None]) & (scores > -np.inf)
        return open_ if self.recommend == "next" else open_ & (batch.patients > 0)


def best_place(scores: Floats) -> Ints:
    """Lowest place among the best, -1 where no score is finite; along the last axis.

    Scores within 1e-10 are equal, because quadrature resolves no more.
    """
    best = scores.max(axis=-1, keepdims=True)
    place: Ints = np.argmax(scores >= best - 1e-10, axis=-1)
    return np.where(np.isfinite(best[..., 0]), place, NOBODY)
