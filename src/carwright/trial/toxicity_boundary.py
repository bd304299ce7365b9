"""Stopping boundaries for toxicity by repeated significance tests, for expansion cohorts.

At each look the trial stops if toxicities exceed the largest number that a one-sided binomial test at level ``alpha``
accepts under the acceptable rate; ``alpha`` is chosen so that the probability of ever stopping under that rate is
near the one asked for. Because boundaries are whole numbers, two are given: one that stops slightly more often than
asked, and one slightly less often (as in the R package clinfun, whose tables are reproduced).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from carwright.errors import Problems

_HALVINGS = 50
"""Halvings of the range of ``alpha``: 1e-15, the resolution of numbers near 1."""


@dataclass(frozen=True)
class ToxicityBoundaries:
    """Largest acceptable numbers of toxicities by look: ``low`` stops more often than asked, ``high`` less often."""

    looks: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]


def toxicity_boundary(acceptable: float, looks: Sequence[int], stopping: float = 0.1) -> ToxicityBoundaries:
    """Find the boundaries.

    Parameters
    ----------
    acceptable
        Rate of toxicity that is acceptable.
    looks
        Numbers of patients at which toxicity is looked at, rising.
    stopping
        Probability of stopping asked for under that rate.

    Raises
    ------
    CarwrightError
        Naming every argument that is out of range.
    """
    from scipy.stats import binom

    _check(acceptable, looks, stopping)

    def boundary(alpha: float) -> npt.NDArray[np.int64]:
        return np.asarray(binom.ppf(1.0 - alpha, looks, acceptable)).astype(np.int64)

    # The probability of ever stopping rises with alpha in steps; halving finds the step that passes the one asked for.
    seldom, often = 0.0, 1.0
    for _ in range(_HALVINGS):
        alpha = (seldom + often) / 2.0
        if crossing_probability(looks, list(boundary(alpha)), acceptable) < stopping:
            seldom = alpha
        else:
            often = alpha
    low, high = boundary(often), boundary(seldom)
    return ToxicityBoundaries(tuple(looks), tuple(map(int, low)), tuple(map(int, high)))


def crossing_probability(looks: Sequence[int], boundary: Sequence[int], rate: float) -> float:
    """Probability that toxicities exceed the boundary at any look."""
    from scipy.stats import binom

    alive = np.array([1.0])
    before = 0
    for patients, most in zip(looks, boundary, strict=True):
        added = patients - before
        alive = np.convolve(alive, binom.pmf(np.arange(added + 1), added, rate))[: most + 1]
        before = patients
    return float(1.0 - alive.sum())


def _check(acceptable: float, looks: Sequence[int], stopping: float) -> None:
    problems = Problems()
    for name, value in (("acceptable rate", acceptable), ("probability of stopping", stopping)):
        if not 0.0 < value < 1.0:
            problems.add(
                "TRIAL260",
                f"the {name} is not a probability",
                where="toxicity boundary",
                found=f"{value:g}",
                allowed="above 0 and below 1",
                fix="correct the value",
            )
    if not looks or looks[0] < 1 or any(later <= earlier for earlier, later in pairwise(looks)):
        problems.add(
            "TRIAL261",
            "the looks do not rise",
            where="toxicity boundary, looks",
            found=" ".join(map(str, looks)),
            allowed="numbers of patients that rise, from 1 up",
            fix="list the looks in order, such as 3 6 9",
        )
    problems.raise_if_any()
