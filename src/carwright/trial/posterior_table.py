"""Posterior probabilities of a rate from two counts, computed once and then looked up."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from carwright.trial.batch import Floats, Ints


def posterior_below(n: Ints, y: Ints, limit: float, prior: float = 1.0) -> Floats:
    """Probability that a rate is below ``limit`` after ``y`` of ``n``, under a Beta(prior, prior) prior."""
    return _look_up(n, y, limit, prior, above=False)


def posterior_above(n: Ints, y: Ints, limit: float, prior: float = 1.0) -> Floats:
    """Probability that a rate is above ``limit`` after ``y`` of ``n``, under a Beta(prior, prior) prior."""
    return _look_up(n, y, limit, prior, above=True)


def _look_up(n: Ints, y: Ints, limit: float, prior: float, *, above: bool) -> Floats:
    bits = max(int(n.max(initial=0)).bit_length(), 5)
    found: Floats = _table(bits, float(limit), prior, above)[n, y]
    return found


@lru_cache(maxsize=256)
def _table(bits: int, limit: float, prior: float, above: bool) -> Floats:
    """Probabilities for less than 2**bits patients (rows) and as many events; more events than patients count all."""
    from scipy.special import betainc, betaincc

    n, y = np.meshgrid(np.arange(2**bits), np.arange(2**bits), indexing="ij")
    table: Floats = (betaincc if above else betainc)(y + prior, np.maximum(n - y, 0) + prior, limit)
    table.flags.writeable = False  # it is shared
    return table
