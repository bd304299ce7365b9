"""Kills that two cells in one droplet would fake: neither cell has the whole pattern, both together have."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

Floats = npt.NDArray[np.float64]


def faked_fraction(table: int, own: Floats, partner: Floats, rate: float) -> float:
    """Share of cells that a gate would kill only because they are doublets.

    Parameters
    ----------
    table
        Truth table of the gate.
    own
        (2^inputs,) share of each pattern among the cells in question.
    partner
        (2^inputs,) share of each pattern among all cells of the same capture.
    rate
        Share of droplets with two cells.
    """
    patterns = np.arange(len(own))
    kills = (table >> patterns & 1).astype(bool)
    both = patterns[:, None] | patterns[None, :]
    faked = kills[both] & ~kills[:, None] & ~kills[None, :]
    return float(rate * (own[:, None] * partner[None, :] * faked).sum())


def explained(killed: int, cells: int, faked: float, level: float = 0.95) -> bool:
    """Whether the doublets alone could show this many kills: the count lies within their upper quantile."""
    return bool(killed <= binom.ppf(level, cells, min(faked, 1.0)))
