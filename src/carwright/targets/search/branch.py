"""Gates over four genes, exactly, by branch and bound.

A gate is grown gene by gene. Whatever the missing genes do, it kills at most the cells that some of their values would
kill, and at least those that all of them would; so the most coverage and the least burden of a part bound the score of
all gates that hold it. Branches whose bound falls below the last score kept are cut, and the result is as if all had
been seen. Where too many branches survive the search stops and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt
from numba import njit

from carwright.targets.kernel.lanes import count_tile, popcount
from carwright.targets.kernel.panels import BitTable
from carwright.targets.kernel.sieve import lowest_bit
from carwright.targets.search.gate import coefficients, project
from carwright.targets.search.objective import Objective, score
from carwright.targets.search.parts import later_lanes, mask_pairs
from carwright.targets.search.result import Certificate, Found, found
from carwright.targets.search.top import empty_heap, push
from carwright.targets.search.units import SLACK, bounds, units_of

Integers = npt.NDArray[np.int64]
Advance = Callable[[int], None]

MOST_BRANCHES = 20_000_000
"""Triples of genes that are looked into before the search gives up: some minutes on one core."""


def search_quads(
    table: BitTable,
    genes: Sequence[str],
    objective: Objective,
    tables: Sequence[int],
    keep: int,
    *,
    threshold: float = -np.inf,
    most_branches: int = MOST_BRANCHES,
    advance: Advance | None = None,
) -> Found:
    """Rank every gate over four genes, or say that it was not possible.

    Parameters
    ----------
    table, genes, objective, keep
        As in `pairs.search_pairs`.
    tables
        Truth tables of four genes, closed under exchange of genes (`gate.shapes`).
    threshold
        Gates that score less are of no interest. With a score that `keep` gates are known to reach, the result is as
        without it.
    most_branches
        Triples of genes that may be looked into.
    advance
        Called with the number of genes that are done.
    """
    units = units_of(table, objective)
    n, panels = len(genes), table.panels.shape[0]
    parts: dict[tuple[int, int], int] = {}
    of_pair = np.array(
        [
            [parts.setdefault(project(entry, 4, pair), len(parts)) for pair in combinations(range(4), 2)]
            for entry in tables
        ],
        np.int64,
    ).reshape(-1, 6)
    of_triple = np.array([project(entry, 4, (0, 1, 2)) for entry in tables], np.int64).reshape(-1, 2)
    upper = np.array([coefficients(entry, 2) for entry, _ in parts], np.int64).reshape(-1, 4)
    lower = np.array([coefficients(entry, 2) for _, entry in parts], np.int64).reshape(-1, 4)
    masks = np.zeros((len(parts), n, panels), np.uint32)
    mask_pairs(
        table.panels, n, units.starts, units.sizes, units.single, upper, lower, threshold, *objective.arrays, masks
    )
    rows = np.stack([table.row(gene) for gene in range(n)])
    heap, seen = empty_heap(keep), np.zeros(3, np.int64)
    whole = valid_cells(table)
    for first in range(n - 3):
        _branch(
            first, n, threshold, rows, whole, table.panels, units.starts, units.sizes, np.array(tables, np.int64),
            of_pair, of_triple, masks, most_branches, *objective.arrays, *heap, seen,
        )  # fmt: skip
        if advance is not None:
            advance(1)
        if seen[2] > most_branches:
            break
    gates = n * (n - 1) * (n - 2) * (n - 3) // 24 * len(tables)
    counted = int(seen[0])
    result = found(heap, genes, tables, 4, (gates, counted, gates - counted, int(seen[1])))
    if seen[2] > most_branches:
        return Found(
            result.gates, result.scores, Certificate(4, gates, counted, 0, int(seen[1]), float(heap[0].min()), False)
        )
    return result


def valid_cells(table: BitTable) -> npt.NDArray[np.uint64]:
    """(words,) bits of the places that hold a cell."""
    bits = np.zeros(table.words * 64, np.uint8)
    for start, size in zip(table.starts[:-1] * 64, table.sizes, strict=True):
        bits[start : start + size] = 1
    return np.packbits(bits, bitorder="little").view(np.uint64)


@njit(inline="always")
def _evaluate(function, a, b, c, whole):  # type: ignore[no-untyped-def]
    """Truth table over three words of cells."""
    result = np.uint64(0)
    for m in range(8):
        if function >> m & 1:
            x = a if m & 1 else ~a
            y = b if m & 2 else ~b
            w = c if m & 4 else ~c
            result |= x & y & w
    return result & whole


@njit(cache=True, nogil=True)
def _reach(  # type: ignore[no-untyped-def]
    upper, lower, a, b, c, rows, whole, starts, exact,
    patients, sizes, weights, largest, floor, penalty, z, minimum,
):  # fmt: skip
    """Best score of any gate that holds this part of it."""
    for u in range(len(exact)):
        function = upper if u < len(patients) else lower
        total = 0
        if function:
            for word in range(starts[u], starts[u + 1]):
                total += popcount(_evaluate(function, rows[a, word], rows[b, word], rows[c, word], whole[word]))
        exact[u] = total
    return score(exact, patients, sizes, weights, largest, floor, penalty, z, minimum)


@njit(cache=True, nogil=True)
def _branch(  # type: ignore[no-untyped-def]
    a, genes, threshold, rows, whole, panels, starts, unit_sizes, tables, of_pair, of_triple, masks, most_branches,
    patients, sizes, weights, largest, floor, penalty, z, minimum, scores, keys, seen,
):  # fmt: skip
    """All gates whose first gene is `a`; `seen` adds up gates counted, gates scored, and triples looked into."""
    words, count, units = panels.shape[1], panels.shape[0], len(unit_sizes)
    flat = panels.reshape(-1)
    pair = np.zeros(words * 4, np.uint64)
    fixed = np.zeros(units, np.int64)
    exact = np.zeros(units, np.int64)
    counts = np.zeros(units * 128, np.int32)
    cells = np.zeros((units, 32), np.float32)
    low = np.zeros((floor + 1, 32), np.float32)
    worst, bound = np.zeros(32, np.float32), np.zeros(32, np.float32)
    one = np.uint32(1)
    for b in range(a + 1, genes - 2):
        for panel in range((b + 1) // 32, count):
            lanes = np.uint32(0)
            for t in range(len(tables)):
                if masks[of_pair[t, 0], a, b // 32] >> np.uint32(b % 32) & one:
                    lanes |= masks[of_pair[t, 1], a, panel] & masks[of_pair[t, 3], b, panel]
            lanes &= later_lanes(b, panel, genes - 1)
            while lanes:
                lane = lowest_bit(lanes)
                lanes &= lanes - one
                c = panel * 32 + lane
                seen[2] += 1
                if seen[2] > most_branches:
                    return
                for t in range(len(tables)):
                    ab = masks[of_pair[t, 0], a, b // 32] >> np.uint32(b % 32) & one
                    ac = masks[of_pair[t, 1], a, panel] >> np.uint32(lane) & one
                    bc = masks[of_pair[t, 3], b, panel] >> np.uint32(lane) & one
                    if not ab & ac & bc:
                        continue
                    reach = _reach(
                        of_triple[t, 0], of_triple[t, 1], a, b, c, rows, whole, starts, exact,
                        patients, sizes, weights, largest, floor, penalty, z, minimum,
                    )  # fmt: skip
                    if reach == -np.inf or reach < max(scores[0], threshold):
                        continue
                    laid = False
                    for last in range((c + 1) // 32, count):
                        chosen = (
                            masks[of_pair[t, 2], a, last]
                            & masks[of_pair[t, 4], b, last]
                            & masks[of_pair[t, 5], c, last]
                            & later_lanes(c, last, genes)
                        )
                        if not chosen:
                            continue
                        if not laid:
                            laid = True
                            without, with_it = tables[t] & 255, tables[t] >> 8
                            for u in range(units):
                                fixed[u] = 0
                                for word in range(starts[u], starts[u + 1]):
                                    x, y, w = rows[a, word], rows[b, word], rows[c, word]
                                    pair[word * 4] = _evaluate(without, x, y, w, whole[word])
                                    pair[word * 4 + 1] = _evaluate(with_it, x, y, w, whole[word])
                                    fixed[u] += popcount(pair[word * 4])
                        seen[0] += popcount(np.uint64(chosen))
                        for u in range(units):
                            size = starts[u + 1] - starts[u]
                            count_tile(
                                pair, starts[u] * 4, 4, flat, (last * words + starts[u]) * 32, size, counts, u * 128
                            )
                            for lane_d in range(32):
                                cells[u, lane_d] = np.float32(
                                    fixed[u] + counts[u * 128 + 32 + lane_d] - counts[u * 128 + lane_d]
                                )
                        bounds(
                            cells, unit_sizes, len(patients), weights, largest, floor, penalty, z, minimum, low, worst,
                            bound,
                        )  # fmt: skip
                        while chosen:
                            lane_d = lowest_bit(chosen)
                            chosen &= chosen - one
                            edge = max(scores[0], threshold)
                            if bound[lane_d] == -np.inf or bound[lane_d] + SLACK < edge:
                                continue
                            for u in range(units):
                                exact[u] = np.int64(cells[u, lane_d])
                            seen[1] += 1
                            value = score(exact, patients, sizes, weights, largest, floor, penalty, z, minimum)
                            if value >= scores[0]:
                                d = last * 32 + lane_d
                                push(scores, keys, value, (((t * genes + a) * genes + b) * genes + c) * genes + d)
