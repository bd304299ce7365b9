"""Isotonic regression on a partial order, exactly and for many trials at once."""

from __future__ import annotations

import numpy as np

from carwright.errors import CarwrightError, Problem
from carwright.trial.batch import Flags, Floats
from carwright.trial.space import DoseSpace

MOST_SETS = 5_000
"""Upper sets of a dose space beyond which the regression is refused."""

_CHUNK = 2_000_000
"""Means that are held at once; bounds memory, changes no result."""


class PartialIsotonic:
    """Weighted least squares under the order of a dose space.

    The max-min formula over upper and lower sets (Robertson, Wright and Dykstra 1988, Order Restricted Statistical
    Inference, theorem 1.4.4): exact, and feasible because dose spaces are small.

    Parameters
    ----------
    space
        The dose space.

    Raises
    ------
    CarwrightError
        If the space has more than `MOST_SETS` upper sets.
    """

    def __init__(self, space: DoseSpace) -> None:
        self.upper = _upper_sets(space)

    def fit(self, values: Floats, weights: Floats) -> Floats:
        """Nearest values that do not fall along the order; all arrays (t, m), weights positive."""
        fitted = np.full(values.shape, -np.inf)
        step = max(1, _CHUNK // len(self.upper))
        for first in range(0, values.shape[0], step):
            rows = slice(first, first + step)
            self._fit(values[rows] * weights[rows], weights[rows], fitted[rows])
        return fitted

    def _fit(self, weighted: Floats, weights: Floats, fitted: Floats) -> None:
        lower = ~self.upper
        for chosen in self.upper:
            if not chosen.any():
                continue
            common = (lower & chosen).astype(np.float64)  # one row per lower set
            with np.errstate(invalid="ignore", divide="ignore"):
                mean = (weighted @ common.T) / (weights @ common.T)
            for column in np.flatnonzero(chosen):
                holds = lower[:, column]
                np.maximum(fitted[:, column], mean[:, holds].min(axis=1), out=fitted[:, column])


def _upper_sets(space: DoseSpace) -> Flags:
    """All sets of nodes that hold every node above one of theirs; shape (sets, m)."""
    labels = space.labels
    found = {frozenset[str]()}
    # Adding nodes from the highest down, each only with all above it, reaches every upper set.
    for label in sorted(labels, key=lambda each: len(space.above(each))):
        found |= {frozenset({label}) | chosen for chosen in found if space.above(label) <= chosen}
        if len(found) > MOST_SETS:
            problem = Problem(
                "TRIAL048",
                "the dose space is too large for isotonic regression on its partial order",
                "dose space",
                f"more than {MOST_SETS:,} upper sets",
                "fewer nodes, or an order that compares more of them",
                "choose another design",
            )
            raise CarwrightError(problem)
    return np.array([[label in chosen for label in labels] for chosen in found])
