"""Gates of the kind ``A IF-BETTER B``: much of A kills alone, less of A only together with B (ADCLEC.syn1).

They need two planes of positivity for A: present, and bright. Bright genes stand in the table as genes of their own,
named with `BRIGHT`; the gate is ``A:bright OR A AND B`` over three rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numba import njit

from carwright.targets.kernel.lanes import count_tile
from carwright.targets.kernel.panels import BitTable
from carwright.targets.search.gate import BRIGHT, IF_BETTER, Gate
from carwright.targets.search.objective import Objective, score
from carwright.targets.search.result import Certificate, Found
from carwright.targets.search.top import empty_heap, gate_of, push, ranked
from carwright.targets.search.units import SLACK, bounds, units_of


def search_if_better(
    table: BitTable,
    genes: Sequence[str],
    objective: Objective,
    keep: int,
    advance: Callable[[int], None] | None = None,
) -> Found:
    """Rank ``A IF-BETTER B`` over every A that has a bright plane and every other B.

    Parameters
    ----------
    table, genes, objective, keep, advance
        As in `pairs.search_pairs`; the names of bright planes end with `BRIGHT`.
    """
    place = {name: i for i, name in enumerate(genes)}
    plain = [name for name in genes if not name.endswith(BRIGHT)]
    pairs = [(place[name], place[name + BRIGHT]) for name in plain if name + BRIGHT in place]
    allowed = np.array([not name.endswith(BRIGHT) for name in genes] + [False] * (-len(genes) % 32))
    units = units_of(table, objective)
    heap = empty_heap(keep)
    scored = 0
    for present, bright in pairs:
        rows = np.zeros((table.words, 4), np.uint64)
        rows[:, 0], rows[:, 1] = table.row(present), table.row(bright)
        scored += _scan(
            present, bright, rows, table.panels, units.starts, units.sizes, units.single, allowed, len(genes),
            *objective.arrays, *heap,
        )  # fmt: skip
        if advance is not None:
            advance(1)
    gates = len(pairs) * (len(plain) - 1)
    scores, keys = ranked(heap)
    found = []
    for key in keys:
        _, (present, other) = gate_of(int(key), 2, len(genes))
        found.append(Gate((genes[present] + BRIGHT, genes[present], genes[other]), IF_BETTER))
    certificate = Certificate(2, gates, gates, 0, scored, float(heap[0].min()))
    return Found(tuple(found), tuple(map(float, scores)), certificate)


@njit(cache=True, nogil=True)
def _scan(  # type: ignore[no-untyped-def]
    present, bright, rows, panels, starts, unit_sizes, single, allowed, genes,
    patients, sizes, weights, largest, floor, penalty, z, minimum, scores, keys,
):  # fmt: skip
    """All gates of one first gene; returns how many were scored exactly."""
    flat, row_words = panels.reshape(-1), rows.reshape(-1)
    words, units = panels.shape[1], len(unit_sizes)
    counts = np.zeros(128, np.int32)
    cells = np.zeros((units, 32), np.float32)
    exact = np.zeros(units, np.int64)
    low = np.zeros((floor + 1, 32), np.float32)
    worst, bound = np.zeros(32, np.float32), np.zeros(32, np.float32)
    scored = 0
    for panel in range(panels.shape[0]):
        for u in range(units):
            first = starts[u]
            count_tile(row_words, first * 4, 4, flat, (panel * words + first) * 32, starts[u + 1] - first, counts, 0)
            for lane in range(32):
                cells[u, lane] = single[u, bright] + np.float32(counts[lane] - counts[32 + lane])
        bounds(cells, unit_sizes, len(patients), weights, largest, floor, penalty, z, minimum, low, worst, bound)
        for lane in range(32):
            b = panel * 32 + lane
            if not allowed[b] or b == present or bound[lane] == -np.inf or bound[lane] + SLACK < scores[0]:
                continue
            for u in range(units):
                exact[u] = np.int64(cells[u, lane])
            scored += 1
            value = score(exact, patients, sizes, weights, largest, floor, penalty, z, minimum)
            push(scores, keys, value, present * genes + b)
    return scored
