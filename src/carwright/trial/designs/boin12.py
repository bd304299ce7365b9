"""BOIN12, a phase 1/2 design that trades toxicity against response.

Lin, Zhou, Yan, Li and Yuan 2020 (doi 10.1200/PO.20.00257). Toxicity is kept in check by BOIN's bounds; among the
neighbouring nodes the one is given whose utility is most probably above a benchmark. Follows the published example as
the R package escalation 0.2.3 does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.errors import CarwrightError, Problem, Problems
from carwright.trial import option
from carwright.trial.batch import NOBODY, Batch, Decisions, Flags, Floats, Ints
from carwright.trial.designs.boin import Boin
from carwright.trial.isotonic import select_nearest
from carwright.trial.on_path import OnPath, open_places
from carwright.trial.outcomes import History
from carwright.trial.posterior_table import posterior_above, posterior_below
from carwright.trial.space import ladder

_REASONS = (
    "treat the first cohort at node {next}",
    "node {next} is the most desirable of the nodes in question",
    "explore node {next}: enough patients at node {last} without too much toxicity",
    "de-escalate to node {next}: {y} of {n} with dose-limiting toxicity at node {last}",
    "no node is both safe and active enough",
)


@dataclass(frozen=True, kw_only=True)
class Boin12(OnPath):
    """BOIN12 on a path."""

    name: ClassVar[str] = "boin12"
    uses_responses: ClassVar[bool] = True

    toxicity_limit: float = option.number(
        0.35, "Highest acceptable probability of toxicity.", above=0.0, below=0.7, source="Lin 2020"
    )
    response_limit: float = option.number(
        0.25, "Lowest acceptable probability of response.", above=0.0, below=1.0, source="Lin 2020"
    )
    utilities: tuple[float, ...] = option.numbers(
        (100.0, 40.0, 60.0, 0.0),
        "Utilities of response alone, of neither, of both and of toxicity alone.",
        low=0.0,
        high=100.0,
        length=4,
        source="Lin 2020",
    )
    toxicity_certainty: float = option.number(
        0.95, "Certainty at which a node is too toxic.", above=0.5, below=1.0, source="Lin 2020"
    )
    response_certainty: float = option.number(
        0.90, "Certainty at which a node has too few responses.", above=0.5, below=1.0, source="Lin 2020"
    )
    enough: int = option.whole(
        6, "Patients at a node from which one no longer looks above it while toxicity lies between the bounds.",
        low=1, source="Lin 2020",
    )  # fmt: skip
    explore: int | None = option.whole(
        9, "Patients at a node from which an untried node above is given if toxicity is below the upper bound; null "
        "for never.", low=1, source="Lin 2020, supplement",
    )  # fmt: skip
    cohort_size: int = option.whole(3, "Patients of a cohort.", low=1, high=100, source="convention")

    def check(self, problems: Problems) -> None:
        """Record utilities that are not in order."""
        best, neither, both, worst = self.utilities
        if not (worst <= neither <= best and worst <= both <= best and worst < best):
            problems.add(
                "TRIAL027",
                "the utilities are not in order",
                where="design, utilities",
                found=", ".join(f"{value:g}" for value in self.utilities),
                allowed="response alone highest, toxicity alone lowest",
                fix="order them as response alone, neither, both, toxicity alone",
            )

    @property
    def benchmark(self) -> float:
        """Utility that a desirable node exceeds, 0 to 1: half way from that of the two limits to the best."""
        t, e = self.toxicity_limit, self.response_limit
        best, neither, both, worst = self.utilities
        at_limits = best * e * (1 - t) + neither * (1 - t) * (1 - e) + both * t * e + worst * t * (1 - e)
        return (at_limits + (100.0 - at_limits) / 2.0) / 100.0

    def desirability(self, batch: Batch) -> Floats:
        """Posterior probability that a node's utility exceeds the benchmark; shape (t, m)."""
        gained = self.gained(batch.patients, batch.dlts, batch.responses, batch.both)
        return self._desirability(batch.patients, gained)

    def gained(self, n: Ints, y: Ints, e: Ints, both: Ints) -> Floats:
        """Sum of the patients' utilities, 0 to 1 each."""
        best, neither, with_both, worst = self.utilities
        total = best * (e - both) + neither * (n - y - e + both) + with_both * both + worst * (y - both)
        found: Floats = total / 100.0
        return found

    def _desirability(self, n: Ints, gained: Floats) -> Floats:
        from scipy.special import betaincc

        # Few different pairs occur among many trials; gained is a multiple of a utility, and is below 1e6.
        _, first, inverse = np.unique(n * 1e6 + np.round(gained, 9), return_index=True, return_inverse=True)
        seen, worth = n.reshape(-1)[first], gained.reshape(-1)[first]
        found: Floats = betaincc(1.0 + worth, 1.0 + seen - worth, self.benchmark)[inverse.reshape(n.shape)]
        return found

    def admissible(self, n: Ints, y: Ints, e: Ints) -> tuple[Flags, Flags]:
        """Whether a node is not too toxic, and not too inactive."""
        safe: Flags = posterior_above(n, y, self.toxicity_limit) < self.toxicity_certainty
        active: Flags = posterior_below(n, e, self.response_limit) < self.response_certainty
        return safe, active

    def decide_on_path(self, batch: Batch) -> Decisions:
        """Choose the most desirable of the neighbouring nodes that toxicity leaves open."""
        rows, nodes = np.arange(batch.trials), len(self.path)
        place = np.arange(nodes)
        safe, active = self.admissible(batch.patients, batch.dlts, batch.responses)
        top = open_places(batch.closed | ~safe) - 1
        open_ = place <= top[:, None]
        begins = batch.last == NOBODY
        current = np.where(begins, 0, batch.last)
        n, y = batch.patients[rows, current], batch.dlts[rows, current]
        rate = y / np.maximum(n, 1)
        low, high = self._bounds
        begins = begins | (n == 0)
        tried = np.where(batch.patients > 0, place, -1).max(axis=1)
        toxic = rate >= high
        above = np.minimum(current + 1, nodes - 1)
        unseen = (batch.patients[rows, above] == 0) & (above > current)
        explores = unseen & ~toxic & (top > current) & (n >= self.explore if self.explore is not None else False)
        narrow = (rate > low) & (n >= self.enough)
        near = (place >= current[:, None] - 1) & (place <= current[:, None] + np.where(narrow, 0, 1)[:, None])
        choice = open_ & active & near
        score = np.where(choice, self.desirability(batch), -1.0)
        best = nodes - 1 - score[:, ::-1].argmax(axis=1)  # of equals the highest, as the authors' program does
        # Where no neighbour will do, the nearest node that would, without skipping an untried one.
        anywhere = open_ & active & (place <= tried[:, None] + 1)
        nearest = np.where(anywhere, np.abs(place - current[:, None]), nodes).argmin(axis=1)
        node = np.where(choice.any(axis=1), best, nearest)
        node = np.where(toxic, np.minimum(np.maximum(current - 1, 0), top), node)
        node = np.where(explores, above, node)
        node = np.where(begins, np.minimum(current, top), node)
        over = (top < 0) | ~anywhere.any(axis=1)
        reason = np.select([over, begins, explores, toxic], [4, 0, 2, 3], 1)
        return Decisions(
            np.where(over, NOBODY, node),
            np.where(over, 0, self.cohort_size),
            np.zeros(batch.trials, dtype=np.bool_),
            np.full(batch.trials, NOBODY, dtype=np.int64),
            open_ & active & (batch.patients > 0),
            reason,
            _REASONS,
        )

    def select_on_path(self, batch: Batch) -> Ints:
        """Node of the highest mean utility, not above the one whose isotonic toxicity is nearest to the limit."""
        safe, active = self.admissible(batch.patients, batch.dlts, batch.responses)
        top = open_places(batch.closed | ~safe) - 1
        place = np.arange(len(self.path))
        counted = (place <= top[:, None]) & (batch.patients > 0)
        highest = select_nearest(batch.patients, batch.dlts, counted, self.toxicity_limit)
        may = counted & active & (place <= highest[:, None])
        gained = self.gained(batch.patients, batch.dlts, batch.responses, batch.both)
        mean = np.where(may, (1.0 + gained) / (2.0 + batch.patients), -1.0)
        chosen: Ints = np.where(may.any(axis=1), mean.argmax(axis=1), NOBODY)
        return chosen

    def estimates(self, history: History) -> dict[str, dict[str, float | None]]:
        """Desirability by node: the probability that its utility exceeds the benchmark."""
        batch = Batch.of(self.space, (history,)).columns(self.columns)
        return {"desirability": dict(zip(self.path, self.desirability(batch)[0].tolist(), strict=True))}

    @property
    def _bounds(self) -> tuple[float, float]:
        plain = Boin(ladder(1), target=self.toxicity_limit)
        return plain.lambda_e, plain.lambda_d


def desirability_table(design: Boin12, sizes: tuple[int, ...]) -> list[tuple[int, int, int, float | None]]:
    """Rank-based desirability: (patients, toxicities, responses, rank), the rank None where not admissible.

    Ranks run from 1, the least desirable, over all admissible rows; equal ones share their mean rank (Lin 2020,
    table 2). They need utilities that add up, so that only the two counts matter: response alone plus toxicity alone
    equals neither plus both.

    Raises
    ------
    CarwrightError
        If the utilities do not add up.
    """
    from scipy.stats import rankdata

    best, neither, both, worst = design.utilities
    if abs(best + worst - neither - both) > 1e-9:
        problem = Problem(
            "TRIAL028",
            "the desirability of two counts alone needs utilities that add up",
            "design, utilities",
            ", ".join(f"{value:g}" for value in design.utilities),
            "response alone plus toxicity alone equals neither plus both",
            "ask for single decisions with 'carwright design next'",
        )
        raise CarwrightError(problem)
    counts = [(n, y, e) for n in sizes for y in range(n + 1) for e in range(n + 1)]
    n, y, e = (np.array(column) for column in zip(*counts, strict=True))
    safe, active = design.admissible(n, y, e)
    may = safe & active
    value = design._desirability(n, design.gained(n, y, e, np.zeros_like(n)))
    ranks = iter(rankdata(np.round(value[may], 12)).tolist())
    return [(*row, next(ranks) if fits else None) for row, fits in zip(counts, may.tolist(), strict=True)]
