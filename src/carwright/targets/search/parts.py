"""Parts of a gate: which pairs of genes can still belong to a gate worth keeping, whatever the other genes do."""

from __future__ import annotations

import numpy as np
from numba import njit

from carwright.targets.kernel.lanes import count_tile
from carwright.targets.search.units import SLACK, bounds


@njit(cache=True, nogil=True)
def mask_pairs(  # type: ignore[no-untyped-def]
    panels, genes, unit_starts, unit_sizes, single, upper, lower, threshold,
    patients, sizes, weights, largest, floor, penalty, z, minimum, masks,
):  # fmt: skip
    """Bits of later genes with which a gene can still reach the threshold, by part of a table, gene and panel."""
    flat = panels.reshape(-1)
    words = panels.shape[1]
    units = len(unit_sizes)
    both = np.zeros(units * 128, np.int32)
    cells = np.zeros((units, 32), np.float32)
    low = np.zeros((floor + 1, 32), np.float32)
    worst, bound = np.zeros(32, np.float32), np.zeros(32, np.float32)
    for panel in range(panels.shape[0]):
        for first in range(0, min(genes, panel * 32 + 32), 4):
            row = first // 32 * words * 32 + first % 32
            for u in range(units):
                start, size = unit_starts[u] * 32, unit_starts[u + 1] - unit_starts[u]
                count_tile(flat, row + start, 32, flat, panel * words * 32 + start, size, both, u * 128)
            for a in range(first, min(first + 4, genes)):
                for d in range(len(upper)):
                    for u in range(units):
                        c = upper[d] if u < len(patients) else lower[d]
                        fixed = np.float32(c[0] * unit_sizes[u] + c[1] * single[u, a])
                        of_b, of_both = np.float32(c[2]), np.float32(c[3])
                        for lane in range(32):
                            common = np.float32(both[u * 128 + (a - first) * 32 + lane])
                            cells[u, lane] = fixed + of_b * single[u, panel * 32 + lane] + of_both * common
                    bounds(
                        cells,
                        unit_sizes,
                        len(patients),
                        weights,
                        largest,
                        floor,
                        penalty,
                        z,
                        minimum,
                        low,
                        worst,
                        bound,
                    )
                    mask = np.uint32(0)
                    for lane in range(32):
                        b = panel * 32 + lane
                        if a < b < genes and bound[lane] > -np.inf and bound[lane] + SLACK >= threshold:
                            mask |= np.uint32(1) << np.uint32(lane)
                    masks[d, a, panel] = mask


@njit(inline="always")
def later_lanes(gene, panel, genes):  # type: ignore[no-untyped-def]
    """Lanes of a panel that hold genes after `gene`."""
    every = np.uint32(0xFFFFFFFF)
    first, last = gene + 1 - panel * 32, genes - panel * 32
    if first >= 32 or last <= 0:
        return np.uint32(0)
    mask = every if first <= 0 else every << np.uint32(first)
    return mask if last >= 32 else mask & ~(every << np.uint32(last))
