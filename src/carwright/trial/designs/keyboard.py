"""Keyboard design (Yan, Mandrekar and Yuan 2017, doi 10.1158/1078-0432.CCR-17-0220).

Keys of the target key's width tile the probabilities to both sides, without the incomplete ones at the ends; the
key with the largest posterior probability says where the node's toxicity lies. Boundaries agree with the R package
Keyboard 0.1.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from carwright.trial import option
from carwright.trial.batch import Floats, Ints
from carwright.trial.table_design import DEESCALATE, ESCALATE, STAY, TableDesign


@dataclass(frozen=True, kw_only=True)
class Keyboard(TableDesign):
    """Keyboard design on a path."""

    name: ClassVar[str] = "keyboard"

    margin_below: float = option.number(
        0.05, "From the target down to the lower end of its key.", above=0.0, below=0.5, source="Keyboard 0.1.3"
    )
    margin_above: float = option.number(
        0.05, "From the target up to the upper end of its key.", above=0.0, below=0.5, source="Keyboard 0.1.3"
    )
    min_n_for_elimination: int = option.whole(
        1, "Patients at a node before it can be eliminated.", low=1, source="R package Keyboard 0.1.3"
    )

    def codes(self, n: Ints, y: Ints) -> Ints:
        """Compare the strongest key with the target's."""
        edges, place = keys(self.target, self.margin_below, self.margin_above, partial=False)
        below = beta_below(n[..., None], y[..., None], edges)
        strongest = first_largest(np.diff(below, axis=-1))
        return np.select([strongest < place, strongest == place], [ESCALATE, STAY], DEESCALATE)


def first_largest(values: Floats) -> Ints:
    """Place of the largest value along the last axis; of equal ones the first, whatever rounding makes of them."""
    found: Ints = (values >= values.max(axis=-1, keepdims=True) * (1.0 - 1e-12)).argmax(axis=-1)
    return found


def beta_below(n: Ints, y: Ints, edges: Floats) -> Floats:
    """Probability that toxicity is below each edge after ``y`` of ``n``, under a uniform prior; shapes broadcast."""
    from scipy.special import betainc

    below: Floats = betainc(y + 1.0, n - y + 1.0, edges)
    return below


def keys(target: float, below: float, above: float, *, partial: bool) -> tuple[Floats, int]:
    """Edges of the keys over the unit interval, and the place of the target's key.

    Parameters
    ----------
    target, below, above
        Target and the widths of its key to both sides.
    partial
        Whether the incomplete keys at the two ends are kept.
    """
    low, high = max(target - below, 0.0), min(target + above, 1.0)
    width = high - low
    left = low - width * np.arange(int(low / width + 1e-9), 0, -1)
    right = high + width * np.arange(1, int((1.0 - high) / width + 1e-9) + 1)
    edges = np.concatenate([left, [low, high], right])
    place = len(left)
    if partial and edges[0] > 1e-9:
        edges, place = np.concatenate([[0.0], edges]), place + 1
    if partial and edges[-1] < 1.0 - 1e-9:
        edges = np.concatenate([edges, [1.0]])
    return np.clip(edges, 0.0, 1.0), place
