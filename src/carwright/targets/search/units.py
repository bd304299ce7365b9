"""A bit table and an objective made ready for the loops: words of patients and classes, counts of single genes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from numba import njit

from carwright.targets.kernel.lanes import LANES, count_tile
from carwright.targets.kernel.panels import BitTable
from carwright.targets.search.objective import Objective

Integers = npt.NDArray[np.int64]

SLACK = np.float32(2e-5)
"""Bounds are computed in single precision; they are raised by more than its rounding."""


@dataclass(frozen=True)
class Units:
    """Patients and classes as ranges of words.

    Parameters
    ----------
    starts
        First word of each unit, and the end.
    sizes
        Cells of each unit.
    patients
        How many of the units are patients; they come first.
    single
        float32 (units, genes rounded up to whole panels): cells of each unit that are positive for one gene.
    """

    starts: Integers
    sizes: Integers
    patients: int
    single: npt.NDArray[np.float32] = field(repr=False)


def units_of(table: BitTable, objective: Objective) -> Units:
    """Lay the objective's patients and classes over the words of a table."""
    first = len(objective.patients) + np.searchsorted(objective.class_of, np.arange(len(objective.classes)))
    groups = np.concatenate([np.arange(len(objective.patients)), first]).astype(np.int64)
    starts = np.concatenate([table.starts[groups], table.starts[-1:]])
    sizes = np.concatenate([objective.patients, objective.sizes])
    single = np.zeros((len(sizes), table.panels.shape[0] * LANES), np.float32)
    _singles(table.panels, starts, single)
    return Units(starts, sizes, len(objective.patients), single)


@njit(cache=True, nogil=True)
def _singles(panels, starts, single):  # type: ignore[no-untyped-def]
    flat = panels.reshape(-1)
    words = panels.shape[1]
    ones = np.full(4, np.uint64(0xFFFFFFFFFFFFFFFF))
    counts = np.zeros(128, np.int32)
    for panel in range(panels.shape[0]):
        for unit in range(len(starts) - 1):
            first = starts[unit]
            count_tile(ones, 0, 0, flat, (panel * words + first) * 32, starts[unit + 1] - first, counts, 0)
            for lane in range(32):
                single[unit, panel * 32 + lane] = counts[lane]


@njit(inline="always")
def bounds(  # type: ignore[no-untyped-def]
    cells, sizes, patients, weights, largest, floor, penalty, z, minimum, low, worst, bound
):
    """Scores of 32 gates at once in single precision, from cells (units, 32); the arithmetic of `objective.score`.

    Parameters
    ----------
    cells
        float32 (units, 32) cells that each gate kills.
    low, worst, bound
        Scratch (floor + 1, 32) and (32,), and the result (32,): minus infinity where a gate is vetoed.
    """
    infinity = np.float32(np.inf)
    for lane in range(32):
        worst[lane] = np.float32(0.0)
    for i in range(floor + 1):
        for lane in range(32):
            low[i, lane] = infinity
    for u in range(patients):
        inverse = np.float32(1.0) / np.float32(sizes[u])
        for lane in range(32):
            bound[lane] = cells[u, lane] * inverse
        for i in range(floor + 1):
            for lane in range(32):
                known, value = low[i, lane], bound[lane]
                low[i, lane] = value if value < known else known
                bound[lane] = known if value < known else value
    for lane in range(32):
        bound[lane] = low[floor, lane] if low[floor, lane] + SLACK >= minimum else -infinity
    one, half = np.float32(1.0), np.float32(0.5)
    for c in range(len(weights)):
        u = patients + c
        n = np.float32(sizes[u])
        z2 = np.float32(z * z)
        inverse, spread, scale = one / n, z2 / (np.float32(4.0) * n * n), one / (one + z2 / n)
        weight, most, shift = np.float32(weights[c]), np.float32(largest[c]), half * z2 / n
        zf = np.float32(z)
        for lane in range(32):
            p = cells[u, lane] * inverse
            burden = weight * (p + shift + zf * np.sqrt(p * (one - p) * inverse + spread)) * scale
            worst[lane] = burden if burden > worst[lane] else worst[lane]
            bound[lane] = -infinity if cells[u, lane] > most else bound[lane]
    for lane in range(32):
        bound[lane] = bound[lane] - np.float32(penalty) * worst[lane]
