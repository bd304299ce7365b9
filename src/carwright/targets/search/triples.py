"""Every gate over three genes, without listing them.

Genes are taken in order of rarity. For each rarest gene its cells alone are repacked, so that a count of three genes in
common runs over few words; that count, with the pair counts, gives every Boolean gate over the three. Gates pass three
sieves, each an upper bound on the score of the next:

1. for any two of the genes, the most cells the third can add in the patients and the fewest it can leave in the
classes;
2. for all three, counts in a few segments (all patients; groups of classes), from which no quantile over patients nor
worst
   class can be better than the sum allows;
3. the score itself, from counts in every patient and class.

The first spares most of the counting; when asked to (``prune=False``) the search counts every triple all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations

import numpy as np
import numpy.typing as npt
from numba import njit

from carwright.targets.kernel.lanes import LANES, count_tile, popcount
from carwright.targets.kernel.panels import BitTable, aligned, compact, reorder
from carwright.targets.kernel.sieve import lowest_bit, segment_sieve
from carwright.targets.search.gate import coefficients, project, rearranged
from carwright.targets.search.objective import Objective, score, wilson_upper
from carwright.targets.search.parts import later_lanes, mask_pairs
from carwright.targets.search.result import Found, found
from carwright.targets.search.top import Heap, empty_heap, push
from carwright.targets.search.units import SLACK, Units, units_of

Integers = npt.NDArray[np.int64]
Advance = Callable[[int], None]

WARM_GENES = 100
"""Genes of the search that sets the first threshold: those most often in the best pairs."""
MOST_SEGMENTS = 4
"""Segments of the second sieve: the patients, and the classes in up to three parts."""


@dataclass(frozen=True)
class Segments:
    """Ranges of units, with what a sum over each says about the score.

    Parameters
    ----------
    starts
        First word of each segment, and the end.
    sizes
        float32, cells of each segment.
    scale
        float32, by segment: positive cells times this bound the coverage from above (first segment) or the weighted
        burden from below (others).
    most
        float32, by segment: with more cells than this some class is over its limit.
    """

    starts: Integers
    sizes: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    most: npt.NDArray[np.float32]


def segments_of(units: Units, objective: Objective) -> Segments:
    """Segments of a table: its patients, and its classes in up to three parts of about equal total weight."""
    classes = len(objective.classes)
    parts = np.array_split(np.arange(classes), min(classes, MOST_SEGMENTS - 1)) if classes else []
    starts, sizes, scale, most = [0], [objective.patients.sum()], [], []
    # If the low quantile is v, all but `floor` patients have at least v; so the cells are at least v times those
    # patients'.
    smallest = np.sort(objective.patients)[: len(objective.patients) - objective.floor].sum()
    scale.append(1.0 / float(smallest))
    most.append(np.inf)
    for part in parts:
        starts.append(int(units.starts[units.patients + part[0]]))
        sizes.append(objective.sizes[part].sum())
        # worst >= max w k/n >= sum k / sum n/w over the classes that have a weight; one without makes the bound idle
        weighted = objective.weights[part] > 0
        total = (objective.sizes[part] / np.where(weighted, objective.weights[part], 1.0)).sum()
        scale.append(1.0 / float(total) if weighted.all() else 0.0)
        most.append(float(objective.largest[part].sum()) if (objective.largest[part] >= 0).all() else -1.0)
    starts.append(int(units.starts[-1]))
    return Segments(np.array(starts, np.int64), *(np.array(values, np.float32) for values in (sizes, scale, most)))


@dataclass(frozen=True)
class _Tables:
    """Truth tables as the loops need them."""

    weights: Integers  # (tables, 8) coefficients of the three genes' intersections
    upper: Integers  # (parts, 4) coefficients over two genes if the third adds all it can
    lower: Integers  # (parts, 4) ... if it adds nothing
    part: Integers  # (tables, 3) which part bounds the table from its genes 01, 02 and 12
    turned: Integers = field(repr=False)  # (tables, 6) place of the table after its inputs are rearranged


def _lay_out(tables: Sequence[int]) -> _Tables:
    places = {table: place for place, table in enumerate(tables)}
    parts: dict[tuple[int, int], int] = {}
    part, turned = [], []
    for table in tables:
        part.append([parts.setdefault(project(table, 3, kept), len(parts)) for kept in combinations(range(3), 2)])
        turned.append([places[rearranged(table, 3, order)] for order in permutations(range(3))])
    return _Tables(
        np.array([coefficients(table, 3) for table in tables], np.int64).reshape(-1, 8),
        np.array([coefficients(upper, 2) for upper, _ in parts], np.int64).reshape(-1, 4),
        np.array([coefficients(lower, 2) for _, lower in parts], np.int64).reshape(-1, 4),
        np.array(part, np.int64).reshape(-1, 3),
        np.array(turned, np.int64).reshape(-1, 6),
    )


def search_triples(
    table: BitTable,
    genes: Sequence[str],
    objective: Objective,
    tables: Sequence[int],
    keep: int,
    *,
    prune: bool = True,
    warm: Sequence[int] = (),
    advance: Advance | None = None,
) -> Found:
    """Rank every gate over three genes.

    Parameters
    ----------
    table, genes, objective, keep
        As in `pairs.search_pairs`.
    tables
        Truth tables of three genes, closed under exchange of genes (`gate.shapes`).
    prune
        Whether triples that a bound on two of their genes excludes are left uncounted. The result is the same.
    warm
        Genes that are searched first, by number, to have a threshold early. The result is the same.
    advance
        Called with the number of triples as they are accounted for.
    """
    heap, seen, laid_out = empty_heap(keep), np.zeros(3, np.int64), _lay_out(tables)
    threshold = -np.inf
    if len(warm) >= 3:
        first = empty_heap(keep)
        chosen = np.array(sorted(set(warm)), np.int64)
        _search(table, chosen, len(genes), objective, laid_out, first, np.zeros(3, np.int64), True, None, -np.inf)
        threshold = float(first[0].min())
    _search(table, np.arange(len(genes)), len(genes), objective, laid_out, heap, seen, prune, advance, threshold)
    n = len(genes)
    gates = n * (n - 1) * (n - 2) // 6 * len(tables)
    return found(heap, genes, tables, 3, (gates, int(seen[0]), gates - int(seen[0]), int(seen[1])))


def _search(
    table: BitTable,
    chosen: Integers,
    universe: int,
    objective: Objective,
    tables: _Tables,
    heap: Heap,
    seen: Integers,
    prune: bool,
    advance: Advance | None,
    threshold: float,
) -> None:
    """Search the triples of some genes; `seen` adds up gates counted and gates scored."""
    totals = np.array([np.bitwise_count(table.row(int(gene))).sum() for gene in chosen])
    by_rarity = np.lexsort((chosen, totals))
    order = chosen[by_rarity]
    rare_first = reorder(table, order)
    units = units_of(rare_first, objective)
    segments = segments_of(units, objective)
    single, pair = _segment_counts(rare_first, segments)
    panels, n = rare_first.panels.shape[0], len(order)
    masks = np.zeros((len(tables.upper), n, panels), np.uint32)
    mask_pairs(
        rare_first.panels, n, units.starts, units.sizes, units.single, tables.upper, tables.lower, threshold,
        *objective.arrays, masks,
    )  # fmt: skip
    by_panel = np.ascontiguousarray(masks.transpose(2, 1, 0))
    rows = np.stack([rare_first.row(gene) for gene in range(n)])
    most_words = int(totals.max(initial=0)) // 64 + len(segments.scale) + 1
    scratch = aligned((panels * most_words * LANES,))
    block = np.zeros((64, rare_first.cells.shape[1]), np.uint64)
    for rarest in range(n - 2):
        cells, starts = _cells_of(rare_first.row(rarest), segments.starts)
        compact(rare_first.cells, cells, rarest + 1, block, scratch, panels)
        _scan(
            rarest, n, order, universe, threshold, rows, units.starts, units.sizes, units.single,
            scratch, cells, starts, segments.sizes, segments.scale, segments.most, single, pair.reshape(-1),
            tables.weights, tables.part, tables.turned, by_panel, prune, *objective.arrays, *heap, seen,
        )  # fmt: skip
        if advance is not None:
            advance((n - rarest - 1) * (n - rarest - 2) // 2)


def _segment_counts(table: BitTable, segments: Segments) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Counts per segment of single genes (segments, genes) and of pairs (panels, genes, segments, 32).

    The loop over triples walks along the genes of a panel, so these lie side by side.
    """
    panels = table.panels.shape[0]
    pair = np.zeros((panels, panels * LANES, len(segments.scale), LANES), np.float32)
    _pair_counts(table.panels, segments.starts, pair)
    genes = np.arange(panels * LANES)
    return np.ascontiguousarray(pair[genes // LANES, genes, :, genes % LANES].T), pair


@njit(cache=True, nogil=True)
def _pair_counts(panels, starts, pair):  # type: ignore[no-untyped-def]
    flat = panels.reshape(-1)
    words = panels.shape[1]
    counts = np.zeros(128, np.int32)
    for s in range(len(starts) - 1):
        for begin in range(starts[s], starts[s + 1], 192):  # a panel of 192 words, 48 kB, stays in the nearest cache
            size = min(192, starts[s + 1] - begin)
            for panel in range(panels.shape[0]):
                base = (panel * words + begin) * 32
                for first in range(0, panel * 32 + 32, 4):
                    row = (first // 32 * words + begin) * 32 + first % 32
                    count_tile(flat, row, 32, flat, base, size, counts, 0)
                    for i in range(4):
                        for lane in range(32):
                            pair[panel, first + i, s, lane] += np.float32(counts[i * 32 + lane])


def _cells_of(row: npt.NDArray[np.uint64], starts: Integers) -> tuple[Integers, Integers]:
    """Places of the set bits of a row, each segment filled up to whole words with -1; and the segments' first words."""
    places = np.flatnonzero(np.unpackbits(row.view(np.uint8), bitorder="little"))
    edges = np.searchsorted(places, starts * 64)
    words = -(-np.diff(edges) // 64)
    compact_starts = np.concatenate([[0], np.cumsum(words)]).astype(np.int64)
    cells = np.full(int(compact_starts[-1]) * 64, -1, np.int64)
    for s in range(len(words)):
        part = places[edges[s] : edges[s + 1]]
        cells[compact_starts[s] * 64 : compact_starts[s] * 64 + len(part)] = part
    return cells, compact_starts


@njit(cache=True, nogil=True)
def _scan(  # type: ignore[no-untyped-def]
    a, genes, order, universe, threshold, rows, unit_starts, unit_sizes, unit_single,
    scratch, cells, starts, segment_sizes, scale, most, single, pair,
    weights, part, turned, masks, prune,
    patients, sizes, class_weights, largest, floor, penalty, z, minimum, scores, keys, seen,
):  # fmt: skip
    """All triples whose rarest gene is `a`."""
    segments, words, padded, tables = len(scale), starts[-1], single.shape[1], len(weights)
    panels = padded // 32
    ends = _unit_ends(cells, unit_starts)
    counts = np.zeros(segments * 128, np.int32)
    fixed = np.zeros(segments, np.float32)
    factors = np.ascontiguousarray(weights[:, 4:]).astype(np.float32)
    lanes, inside = np.zeros((4, tables), np.uint32), np.zeros(4, np.uint32)
    flat_single = np.zeros(segments * 32, np.float32)
    shared = np.zeros((4, len(unit_sizes)), np.int64)  # cells of each unit in ab, ac, bc, abc; -1 where not yet counted
    exact = np.zeros(len(unit_sizes), np.int64)
    penalty_32, minimum_32 = np.float32(penalty), np.float32(minimum) - SLACK
    hint = 0
    for panel in range((a + 2) // 32, panels):
        at = panel * 32
        for s in range(segments):
            flat_single[s * 32 : s * 32 + 32] = single[s, at : at + 32]
        ac_at = (panel * padded + a) * segments * 32
        for first in range((a + 1) // 4 * 4, min(genes - 1, at + 31), 4):
            some = np.uint32(0)
            for i in range(4):
                b = first + i
                inside[i] = later_lanes(b, panel, genes) if a < b < genes - 1 else np.uint32(0)
                for t in range(tables):
                    lanes[i, t] = inside[i]
                    if inside[i]:
                        lanes[i, t] &= masks[panel, a, part[t, 1]] & masks[panel, b, part[t, 2]]
                        if not masks[b // 32, a, part[t, 0]] >> np.uint32(b % 32) & np.uint32(1):
                            lanes[i, t] = np.uint32(0)
                    some |= lanes[i, t] if prune else inside[i]
            if not some:
                continue
            for s in range(segments):
                row = (first // 32 * words + starts[s]) * 32 + first % 32
                base = (panel * words + starts[s]) * 32
                count_tile(scratch, row, 32, scratch, base, starts[s + 1] - starts[s], counts, s * 128)
            for i in range(4):
                b = first + i
                bc_at = (panel * padded + b) * segments * 32
                ab_at = (b // 32 * padded + a) * segments * 32 + b % 32
                counted = -1
                for t in range(tables):
                    chosen = lanes[i, t] if prune else inside[i]
                    if not chosen:
                        continue
                    seen[0] += popcount(np.uint64(chosen))
                    w = weights[t]
                    for s in range(segments):
                        fixed[s] = (
                            w[0] * segment_sizes[s]
                            + w[1] * single[s, a]
                            + w[2] * single[s, b]
                            + w[3] * pair[ab_at + s * 32]
                        )
                    edge = max(scores[0], threshold, -1e30)
                    reached = segment_sieve(
                        factors[t], fixed, flat_single, 0, pair, ac_at, pair, bc_at, counts, i * 32,
                        scale, most, segments, penalty_32, minimum_32, np.float32(edge) - SLACK,
                    )  # fmt: skip
                    chosen = lanes[i, t] & reached
                    while chosen:
                        lane = lowest_bit(chosen)
                        chosen &= chosen - np.uint32(1)
                        c = at + lane
                        if counted != c:
                            counted = c
                            shared[0] = -1
                        coverage = scale[0] * (
                            fixed[0]
                            + w[4] * flat_single[lane]
                            + w[5] * pair[ac_at + lane]
                            + w[6] * pair[bc_at + lane]
                            + w[7] * counts[i * 32 + lane]
                        )
                        failed = _count_units(
                            a, b, c, w, rows, scratch, words, unit_starts, ends, unit_sizes, unit_single, shared, exact,
                            patients, sizes, class_weights, largest, floor, penalty, z, coverage, edge - SLACK, hint,
                        )  # fmt: skip
                        if failed >= 0:
                            hint = failed
                            continue
                        seen[1] += 1
                        value = score(exact, patients, sizes, class_weights, largest, floor, penalty, z, minimum)
                        if value >= scores[0]:
                            push(scores, keys, value, _key(t, order[a], order[b], order[c], turned, universe))
                            edge = max(scores[0], threshold, -1e30)


@njit(cache=True, nogil=True)
def _unit_ends(cells, unit_starts):  # type: ignore[no-untyped-def]
    """(units, 2) first and last + 1 of the repacked places that hold cells of each unit."""
    ends = np.zeros((len(unit_starts) - 1, 2), np.int64)
    u, fresh = 0, True
    for place in range(len(cells)):
        cell = cells[place]
        if cell < 0:
            continue
        while cell >= unit_starts[u + 1] * 64:
            u, fresh = u + 1, True
        if fresh:
            ends[u, 0], fresh = place, False
        ends[u, 1] = place + 1
    return ends


@njit(inline="always")
def _among_rare(b, c, scratch, words, first, last):  # type: ignore[no-untyped-def]
    """Repacked cells from `first` up to `last` that are positive for both genes."""
    everything = np.uint64(0xFFFFFFFFFFFFFFFF)
    at_b, at_c = b // 32 * words * 32 + b % 32, c // 32 * words * 32 + c % 32
    total = 0
    for word in range(first // 64, (last + 63) // 64):
        bits = scratch[at_b + word * 32] & scratch[at_c + word * 32]
        if word == first // 64:
            bits &= everything << np.uint64(first % 64)
        if word == last // 64:
            bits &= ~(everything << np.uint64(last % 64))
        total += popcount(bits)
    return total


@njit(inline="always")
def _in_common(rows, b, c, first, last):  # type: ignore[no-untyped-def]
    """Cells of some words that are positive for both genes."""
    total = 0
    for word in range(first, last):
        total += popcount(rows[b, word] & rows[c, word])
    return total


@njit(cache=True, nogil=True)
def _count_units(  # type: ignore[no-untyped-def]
    a, b, c, w, rows, scratch, words, unit_starts, ends, unit_sizes, single, shared, exact,
    patients, sizes, class_weights, largest, floor, penalty, z, coverage, edge, hint,
):  # fmt: skip
    """Count a gate unit by unit into `exact`, classes first, and stop where the score is out of reach.

    Returns the class that put it out of reach (0 for the patients), or -1 when every unit was counted.
    """
    people, units = len(patients), len(unit_sizes)
    worst, short = 0.0, 0
    for step in range(units):
        if step < len(sizes):  # the class that failed last time comes first
            u = people + (hint if step == 0 else step - 1 if step <= hint else step)
        else:
            u = step - len(sizes)
        first, last = unit_starts[u], unit_starts[u + 1]
        if shared[0, u] < 0:
            shared[3, u] = _among_rare(b, c, scratch, words, ends[u, 0], ends[u, 1])
            shared[0, u] = _in_common(rows, a, b, first, last)
            shared[1, u] = _in_common(rows, a, c, first, last)
            shared[2, u] = _in_common(rows, b, c, first, last)
        k = (
            w[0] * unit_sizes[u]
            + np.int64(w[1] * single[u, a] + w[2] * single[u, b] + w[4] * single[u, c])
            + w[3] * shared[0, u]
            + w[5] * shared[1, u]
            + w[6] * shared[2, u]
            + w[7] * shared[3, u]
        )
        exact[u] = k
        if u >= people:
            klass = u - people
            if k > largest[klass]:
                return klass
            worst = max(worst, class_weights[klass] * wilson_upper(k, sizes[klass], z))
            if coverage - penalty * worst < edge:
                return klass
        elif k / patients[u] - penalty * worst < edge:
            short += 1
            if short > floor:
                return 0
    return -1


@njit(inline="always")
def _key(t, i, j, k, turned, universe):  # type: ignore[no-untyped-def]
    """Key of a gate whose inputs are genes i, j, k, after they are sorted; `turned` follows itertools.permutations."""
    if i < j:
        if j < k:
            return ((turned[t, 0] * universe + i) * universe + j) * universe + k
        if i < k:
            return ((turned[t, 1] * universe + i) * universe + k) * universe + j
        return ((turned[t, 4] * universe + k) * universe + i) * universe + j
    if i < k:
        return ((turned[t, 2] * universe + j) * universe + i) * universe + k
    if j < k:
        return ((turned[t, 3] * universe + j) * universe + k) * universe + i
    return ((turned[t, 5] * universe + k) * universe + j) * universe + i
