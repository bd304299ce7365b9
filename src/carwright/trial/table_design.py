"""Designs whose decision depends only on patients and toxicities at the current node: what they share.

Such a design is a table: for n patients of whom y had a dose-limiting toxicity, escalate, stay, de-escalate, or
de-escalate and never come back. BOIN, keyboard, mTPI, mTPI-2, TPI, i3+3 and a table of one's own are of this kind.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from carwright.errors import Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Ints
from carwright.trial.isotonic import isotonic_summaries, select_nearest, toxicity_estimates
from carwright.trial.on_path import OnPath, open_places
from carwright.trial.outcomes import History
from carwright.trial.posterior_table import posterior_above

ESCALATE, STAY, DEESCALATE, ELIMINATE = range(4)
CODES = ("E", "S", "D", "DU")
"""Codes as printed: escalate, stay, de-escalate, de-escalate and eliminate (as in Ji 2010)."""

_STEP = np.array([1, 0, -1, -1])
_REASONS = (
    "treat the first cohort at node {next}",
    "escalate to node {next}: {y} of {n} with dose-limiting toxicity at node {last}",
    "stay at node {next}: {y} of {n} with dose-limiting toxicity at node {last}",
    "de-escalate to node {next}: {y} of {n} with dose-limiting toxicity at node {last}",
    "node {next} is the highest that is open: {y} of {n} with dose-limiting toxicity at node {last}",
    "the lowest node is too toxic",
    "the lowest node was closed",
)


@dataclass(frozen=True, kw_only=True)
class TableDesign(OnPath):
    """A design that is a decision table; a subclass answers `codes`."""

    target: float = option.number(
        0.30, "Probability of dose-limiting toxicity aimed at.", above=0.0, below=1.0, source="assumed"
    )
    cohort_size: int = option.whole(3, "Patients of a cohort.", low=1, high=100, source="convention")
    start: str | None = option.label(None, "Node of the first cohort; null for the lowest.", source="convention")
    elimination_cutoff: float = option.number(
        0.95,
        "A node is eliminated when the probability that it is more toxic than the target exceeds this, under a "
        "uniform prior; 1 for never.",
        low=0.5,
        high=1.0,
        source="R packages BOIN 2.7.2 and Keyboard 0.1.3",
    )
    min_n_for_elimination: int = option.whole(
        3, "Patients at a node before it can be eliminated.", low=1, source="R package BOIN 2.7.2"
    )
    recommend: str = option.choice(
        "isotonic",
        "Node at the end: the one whose isotonic estimate is nearest to the target, or the next that the table "
        "would treat, even if nobody was given it.",
        ("isotonic", "next"),
        source="R packages BOIN 2.7.2 (isotonic) and escalation 0.2.3 (next)",
    )

    @abstractmethod
    def codes(self, n: Ints, y: Ints) -> Ints:
        """Decision for ``y`` toxicities in ``n`` patients, before elimination; arrays of one shape, n >= 1."""

    def check(self, problems: Problems) -> None:
        """Record that the first node is not on the path."""
        if self.start is not None and self.start not in self.path:
            problems.add(
                "TRIAL024",
                "the trial starts at a node that is not on the path",
                where="design, start",
                found=self.start,
                allowed=", ".join(self.path),
                fix="start at a node of the path",
            )

    @property
    def recommends_untried(self) -> bool:  # type: ignore[override]  # depends on an option here
        """Whether a node that nobody was given can be recommended."""
        return self.recommend == "next"

    def table(self, most: int) -> Ints:
        """Decisions by patients (rows, 0 to ``most``) and toxicities; -1 where there are more of these."""
        found: Ints = self._tables(most)[0][: most + 1, : most + 1]
        return found

    def decide_on_path(self, batch: Batch) -> Decisions:
        """Look up the current node, and move within the nodes that are open."""
        codes, closed, too_toxic = self._look_up(batch)
        return self.move(batch, codes, closed, too_toxic)

    def move(self, batch: Batch, codes: Ints, closed: Flags, too_toxic: Flags) -> Decisions:
        """Turn the code of every node into a decision.

        Parameters
        ----------
        batch
            The trials.
        codes
            Decision by node, shape (t, m).
        closed
            Nodes that may not be given, shape (t, m).
        too_toxic
            Whether the lowest node is, shape (t,).
        """
        rows = np.arange(batch.trials)
        top = open_places(closed) - 1
        begins = batch.last == NOBODY
        current = np.where(begins, 0 if self.start is None else self.path.index(self.start), batch.last)
        code = codes[rows, current]
        begins = begins | (batch.patients[rows, current] == 0)
        step = np.where(begins, 0, _STEP[code])
        wanted = np.clip(current + step, 0, len(self.path) - 1)
        node = np.minimum(wanted, top)
        over = top < 0
        moved = node - current
        reason = np.where(begins, 0, 2 - np.sign(moved))
        reason = np.where((node < wanted) & (moved >= 0) & ~begins, 4, reason)
        reason = np.where(over, np.where(too_toxic, 5, 6), reason)
        return Decisions(
            node,
            np.where(over, 0, self.cohort_size),
            np.zeros(batch.trials, dtype=np.bool_),
            np.full(batch.trials, NOBODY, dtype=np.int64),
            self._admissible(batch, top),
            reason,
            _REASONS,
        )

    def select_on_path(self, batch: Batch) -> Ints:
        """Node nearest to the target, or the next one; see the option ``recommend``."""
        if self.recommend == "next":
            return self.decide_on_path(batch).node
        top = open_places(self._look_up(batch)[1]) - 1
        counted = self._admissible(batch, top) & (batch.patients > 0)
        return select_nearest(batch.patients, batch.dlts, counted, self.target, self.highest_estimate)

    def stops_at_lowest(self, most: int) -> list[int | None]:
        """Fewest toxicities at the lowest node that end the trial, for 1 to ``most`` patients; None for none."""
        table, stops = self._tables(most)
        found = (table == ELIMINATE) | stops
        return [int(found[n, : n + 1].argmax()) if found[n, : n + 1].any() else None for n in range(1, most + 1)]

    def estimates(self, history: History) -> dict[str, dict[str, float | None]]:
        """What is known of the nodes that were given; None for the others.

        Isotonic estimate and 95 % limits, and isotonic probability of more toxicity than the target, under
        Beta(0.05, 0.05) (R package BOIN 2.7.2, select.mtd); the node's own probability under a uniform prior, which
        eliminates.
        """
        batch = Batch.of(self.space, (history,)).columns(self.columns)
        n, y = batch.patients, batch.dlts
        low, high, above = isotonic_summaries(n, y, self.target)
        values = {
            "isotonic_toxicity": toxicity_estimates(n, y, n > 0),
            "isotonic_low": low,
            "isotonic_high": high,
            "isotonic_above_target": above,
            "toxicity_above_target": np.where(n > 0, posterior_above(n, y, self.target), np.nan),
        }
        return {
            name: {
                label: None if np.isnan(value) else value
                for label, value in zip(self.path, found[0].tolist(), strict=True)
            }
            for name, found in values.items()
        }

    @property
    def highest_estimate(self) -> float:
        """Largest isotonic estimate of a node that may be recommended."""
        return float("inf")

    def lowest_too_toxic(self, n: Ints, y: Ints) -> Flags:
        """Whether ``y`` of ``n`` at the lowest node end the trial although they do not eliminate a higher one."""
        return np.zeros(n.shape, dtype=np.bool_)

    def exceeds(self, n: Ints, y: Ints, certainty: float) -> Flags:
        """Whether the probability of more toxicity than the target exceeds ``certainty``, where n is enough."""
        sure: Flags = (n >= self.min_n_for_elimination) & (posterior_above(n, y, self.target) > certainty)
        return sure

    def _admissible(self, batch: Batch, top: Ints) -> Flags:
        place = np.arange(len(self.path))
        open_: Flags = place <= top[:, None]
        if self.recommend == "isotonic":
            return open_ & (batch.patients > 0)
        return open_

    def _look_up(self, batch: Batch) -> tuple[Ints, Flags, Flags]:
        table, stops = self._tables(int(batch.patients.max(initial=0)))
        codes = table[batch.patients, batch.dlts]
        eliminated = codes == ELIMINATE
        too_toxic = eliminated[:, 0] | stops[batch.patients[:, 0], batch.dlts[:, 0]]
        closed = eliminated | batch.closed
        closed[:, 0] |= too_toxic
        return codes, closed, too_toxic

    @cached_property
    def _known(self) -> dict[int, tuple[Ints, Flags]]:
        return {}

    def _tables(self, most: int) -> tuple[Ints, Flags]:
        size = 32
        while size < most:
            size *= 2
        if size not in self._known:
            n, y = np.meshgrid(np.arange(size + 1), np.arange(size + 1), indexing="ij")
            possible, treated = y <= n, n > 0
            y = np.minimum(y, n)
            codes = np.where(treated, self.codes(np.maximum(n, 1), y), STAY)
            codes = np.where(treated & self.exceeds(n, y, self.elimination_cutoff), ELIMINATE, codes)
            stops = treated & possible & self.lowest_too_toxic(n, y)
            self._known[size] = np.where(possible, codes, -1), stops
        return self._known[size]
