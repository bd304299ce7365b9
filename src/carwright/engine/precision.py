"""Double and single precision: the vectors of each, and what single precision cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from carwright.engine.vector import Shape
from carwright.errors import CarwrightError, Problem, Problems

DOUBLE: Final = "double"
SINGLE: Final = "single"
SHAPES: Final[Mapping[str, Shape]] = {DOUBLE: Shape(8, 64), SINGLE: Shape(16, 32)}
"""Patients in lock-step by precision: one register of AVX-512, two of AVX2."""
TOLERANCE: Final = 1e-5
"""Smallest relative tolerance: below, steps get more but errors no smaller (measured, see
docs/how-to/simulate.md).
"""
NOTE: Final = (
    "Single precision, to screen: in the two models of the benchmark the largest relative error was 3e-5 in the median "
    "patient (9e-5 at the 95th percentile) at --rtol 1e-5, and 2e-4 (9e-4) at 1e-4."
)
"""What every result in single precision says of itself; measured, see docs/how-to/simulate.md."""
COUNT: Final = 2**24
"""Largest whole number up to which single precision counts in ones."""


def check_precision(precision: str, *, may_be_single: bool) -> None:
    """Refuse an unknown precision, and one that a path does not have."""
    if precision not in SHAPES:
        what, allowed = "no such precision", ", ".join(SHAPES)
    elif precision == SINGLE and not may_be_single:
        what, allowed = "only compiled code on the processor solves in single precision", DOUBLE
    else:
        return
    raise CarwrightError(Problem("ENGINE030", what, where="precision", found=precision, allowed=allowed))


def check_single(
    relative: float, stops: npt.NDArray[np.float64], shortest: float, most: int, problems: Problems
) -> None:
    """Refuse what numbers of single precision cannot tell apart.

    Parameters
    ----------
    relative
        Relative tolerance.
    stops
        Times at which steps end.
    shortest
        Shortest step.
    most
        Largest number that is counted to.
    """
    fix = "use double precision"
    if relative < TOLERANCE:
        problems.add(
            "ENGINE030", "single precision cannot resolve this tolerance", where="relative_tolerance",
            found=f"{relative:g}", allowed=f"{TOLERANCE:g} or more", fix=f"loosen it, or {fix}",
        )  # fmt: skip
    closest = np.diff(stops).min(initial=np.inf)
    if closest < shortest:
        problems.add(
            "ENGINE030", "doses, windows or the ends of the solve are too close together for single precision",
            where="dosing", found=f"{closest:g}", allowed=f"{shortest:g} or more", fix=fix,
        )  # fmt: skip
    if most > COUNT:
        problems.add(
            "ENGINE030", "single precision cannot count this far", where="max_steps, at_most", found=f"{most:,}",
            allowed=f"up to {COUNT:,}", fix=fix,
        )  # fmt: skip
