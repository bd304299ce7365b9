"""Every gate over one or two genes, counted in every patient and class and ranked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numba import njit

from carwright.targets.kernel.lanes import LANES, count_tile
from carwright.targets.kernel.panels import BitTable
from carwright.targets.search.gate import coefficients
from carwright.targets.search.objective import Objective, score
from carwright.targets.search.result import Found, found
from carwright.targets.search.top import empty_heap, push
from carwright.targets.search.units import SLACK, Units, bounds, units_of

Advance = Callable[[int], None]


def search_singles(table: BitTable, genes: Sequence[str], objective: Objective, keep: int) -> Found:
    """Rank every single gene."""
    units = units_of(table, objective)
    heap = empty_heap(keep)
    for gene in range(len(genes)):
        push(*heap, objective.score(units.single[:, gene].astype(np.int64)), gene)
    return found(heap, genes, (2,), 1, (len(genes), len(genes), 0, len(genes)))


def search_pairs(
    table: BitTable,
    genes: Sequence[str],
    objective: Objective,
    tables: Sequence[int],
    keep: int,
    advance: Advance | None = None,
) -> Found:
    """Rank every gate over two genes.

    Parameters
    ----------
    table
        Positivity; its genes in the order of `genes`.
    genes
        Names.
    objective
        What a gate is worth.
    tables
        Truth tables, closed under exchange of the two genes (`gate.shapes`).
    keep
        How many of the best are kept.
    advance
        Called with the number of gene pairs as they are done.
    """
    units = units_of(table, objective)
    heap = empty_heap(keep)
    weights = np.array([coefficients(t, 2) for t in tables], np.int64).reshape(-1, 4)
    scored = 0
    for panel in range(table.panels.shape[0]):
        scored += _scan(table.panels, panel, len(genes), *_of(units), weights, *objective.arrays, *heap)
        if advance is not None:
            last = min(len(genes), (panel + 1) * LANES)
            first = panel * LANES
            advance((last * (last - 1) - first * (first - 1)) // 2)
    gates = len(genes) * (len(genes) - 1) // 2 * len(tables)
    return found(heap, genes, tables, 2, (gates, gates, 0, scored))


def _of(units: Units):  # type: ignore[no-untyped-def]
    return units.starts, units.sizes, units.single


@njit(cache=True, nogil=True)
def _scan(  # type: ignore[no-untyped-def]
    panels, panel, genes, starts, unit_sizes, single, tables,
    patients, sizes, weights, largest, floor, penalty, z, minimum, scores, keys,
):  # fmt: skip
    """All pairs whose later gene is in one panel; returns how many gates were scored exactly."""
    flat = panels.reshape(-1)
    words = panels.shape[1]
    units = len(unit_sizes)
    both = np.zeros(units * 128, np.int32)
    cells = np.zeros((units, 32), np.float32)
    exact = np.zeros(units, np.int64)
    low = np.zeros((floor + 1, 32), np.float32)
    worst, bound = np.zeros(32, np.float32), np.zeros(32, np.float32)
    scored = 0
    for first in range(0, min(genes, panel * 32 + 32), 4):
        row = first // 32 * words * 32 + first % 32
        for u in range(units):
            start = starts[u] * 32
            count_tile(
                flat, row + start, 32, flat, panel * words * 32 + start, starts[u + 1] - starts[u], both, u * 128
            )
        for i in range(4):
            a = first + i
            for t in range(len(tables)):
                nothing, only_a, only_b, common = tables[t]
                for u in range(units):
                    fixed = np.float32(nothing * unit_sizes[u] + only_a * single[u, a])
                    for lane in range(32):
                        cells[u, lane] = (
                            fixed
                            + np.float32(only_b) * single[u, panel * 32 + lane]
                            + np.float32(common) * np.float32(both[u * 128 + i * 32 + lane])
                        )
                bounds(
                    cells, unit_sizes, len(patients), weights, largest, floor, penalty, z, minimum, low, worst, bound
                )
                for lane in range(32):
                    b = panel * 32 + lane
                    if b <= a or b >= genes or bound[lane] == -np.inf or bound[lane] + SLACK < scores[0]:
                        continue
                    for u in range(units):
                        exact[u] = np.int64(cells[u, lane])
                    scored += 1
                    value = score(exact, patients, sizes, weights, largest, floor, penalty, z, minimum)
                    push(scores, keys, value, (t * genes + a) * genes + b)
    return scored
