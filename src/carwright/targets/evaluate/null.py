"""How often chance finds a gate as good: gates of the same shape over random genes that are seen as often."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from carwright.targets.evaluate.gate_report import killed_by, pattern_counts
from carwright.targets.evaluate.layout import Layout
from carwright.targets.search.gate import Gate
from carwright.targets.search.objective import Objective

NEIGHBOURS = 25
"""Genes on either side, by share of positive cells, from which a random one is drawn."""


def null_scores(
    layout: Layout, objective: Objective, gate: Gate, *, draws: int = 500, seed: int = 0
) -> npt.NDArray[np.float64]:
    """Scores of random gates that match a gate's shape and how often each of its genes is seen.

    Parameters
    ----------
    layout, objective
        The atlas and what a gate is worth.
    gate
        The gate.
    draws
        Random gates.
    seed
        Same seed, same gates.
    """
    rng = np.random.default_rng([seed, 31])
    totals = np.array([np.bitwise_count(layout.table.row(i)).sum() for i in range(len(layout.genes))])
    order = np.lexsort((np.arange(len(totals)), totals))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    scores = np.full(draws, -np.inf)
    for draw in range(draws):
        chosen: list[int] = []
        for gene in gate.genes:
            at = rank[layout.place(gene)]
            near = order[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1]
            near = near[~np.isin(near, chosen)]
            chosen.append(int(rng.choice(near)))
        random = Gate(tuple(layout.genes[i] for i in chosen), gate.table)
        scores[draw] = objective.score(objective.by_unit(killed_by(random, pattern_counts(layout, random))))
    return scores


def percentile(score: float, scores: npt.NDArray[np.float64]) -> float:
    """Share of random gates that score less, with half of the ties; never 0 or 1, which so few draws cannot show."""
    below = (scores < score).sum() + 0.5 * (scores == score).sum()
    return float((below + 0.5) / (len(scores) + 1.0))
