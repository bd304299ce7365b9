"""Doses of nodes as numbers, for models on a dose scale."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from carwright.errors import Problems
from carwright.trial.space import DoseSpace


def doses_on(space: DoseSpace, path: Sequence[str]) -> tuple[float, ...]:
    """Geometric middle of each node's band of cells, cells/m2; ranks 1, 2, 3 ... where these do not rise.

    They do not where a path changes the lymphodepletion at equal cells, as NCT03089203 did: then cells alone are no
    measure of dose, and equal steps on the scale of ranks are assumed.

    Raises
    ------
    CarwrightError
        Naming every node that has no band.
    """
    problems, doses = Problems(), []
    for label in path:
        band = space.node(label).cells_per_m2
        if band is None:
            problems.add(
                "TRIAL217",
                f"node {label} has no dose",
                where="design, doses",
                allowed="one dose per node of the path",
                fix="give the option doses, or the node's band of cells",
            )
        else:
            doses.append((band[0] * band[1]) ** 0.5)
    problems.raise_if_any()
    rises = all(low < high for low, high in pairwise(doses))
    return tuple(doses) if rises else tuple(float(rank) for rank in range(1, len(doses) + 1))
