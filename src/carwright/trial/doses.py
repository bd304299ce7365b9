"""Doses of nodes as numbers, for models on a dose scale."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from carwright.errors import Problems
from carwright.trial.space import DoseSpace


def doses_on(space: DoseSpace, path: Sequence[str]) -> tuple[float, ...]:
    """Geometric middle of each node's band of cells, in the space's measure; ranks 1, 2, 3 ... where they do not rise.

    They do not where a path changes the lymphodepletion at equal cells, as NCT03089203 did: then cells alone are no
    measure of dose, and equal steps on the scale of ranks are assumed.

    Raises
    ------
    CarwrightError
        Naming all nodes that have no band.
    """
    bands = {label: space.node(label).band for label in path}
    without = [label for label, band in bands.items() if band is None]
    if without:
        problems = Problems()
        problems.add(
            "TRIAL217",
            "the design needs doses, which the nodes do not have",
            where="design, doses",
            found=f"nothing for {', '.join(without)}",
            allowed="one dose per node of the path",
            fix="give the option doses, or the nodes' bands of cells",
        )
        problems.raise_if_any()
    doses = [(band.low * band.high) ** 0.5 for band in bands.values() if band is not None]
    rises = all(low < high for low, high in pairwise(doses))
    return tuple(doses) if rises else tuple(float(rank) for rank in range(1, len(doses) + 1))
