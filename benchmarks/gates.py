"""Speed of the gate search: ``python -m benchmarks.gates [--json]``.

2,900 genes x 100,000 cells of 30 patients and 20 normal classes, on one core, in CPU seconds. Positivity of a gene is
drawn from a beta distribution with mean 9 %, shifted at random by compartment and by patient or class.

``pairs_seconds``            cells in common of all pairs of genes (what the matrix product gives)
``pairs_ranked_seconds``     every gate over two genes, counted in every patient and class, the best 1,000 kept
``triples_seconds``          every gate over three genes of nine shapes in 26 orientations, the best 1,000 kept,
                             with the certificate; most are excluded by a bound on two of their genes
``triples_counted_seconds``  the same, with the intersection of every triple counted and every gate bounded
``million_cells_ratio``      pairs in 1,000,000 cells over pairs in 100,000; with --million also triples

Peers, in the same run: the BLAS matrix product of the same table in single precision, and the evaluation step of a
genetic algorithm in pandas (three Boolean columns, sensitivity and specificity) on 20,000 of the cells.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # after threads are limited
import numpy.typing as npt

from carwright.targets.kernel.panels import BitTable, aligned, pack_dense
from carwright.targets.search.gate import shapes
from carwright.targets.search.objective import Objective, Rule, make_objective
from carwright.targets.search.pairs import search_pairs
from carwright.targets.search.triples import WARM_GENES, _pair_counts, search_triples

PATIENTS, CLASSES = 30, 20
KEEP = 1000
PEER_CELLS = 20_000
PEER_GATES = 300


def simulate(genes: int, cells: int, seed: int = 0) -> tuple[BitTable, Objective, npt.NDArray[np.bool_]]:
    """Bits of random cells, the objective, and the first cells as a table of truth values."""
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.full(PATIENTS + CLASSES, 8.0))
    sizes = np.maximum(50, (share * cells).astype(int))
    sizes[sizes.argmax()] += cells - sizes.sum()
    base = rng.beta(0.5, 5.0, genes)
    logit = np.log(base / (1 - base))
    compartment = rng.normal(0.0, 1.0, (2, genes))
    starts = np.concatenate([[0], np.cumsum(-(-sizes // 64))])
    panels = aligned((-(-genes // 32), int(starts[-1]), 32))
    by_cell = np.zeros((int(starts[-1]) * 64, -(-genes // 64)), np.uint64)
    sample = []
    for group, size in enumerate(sizes):
        chance = 1 / (1 + np.exp(-(logit + compartment[int(group >= PATIENTS)] + rng.normal(0.0, 0.4, genes))))
        positive = rng.random((size, genes), dtype=np.float32) < chance
        part = pack_dense(positive, np.zeros(size, int))
        panels[:, starts[group] : starts[group + 1]] = part.panels
        by_cell[starts[group] * 64 : starts[group + 1] * 64] = part.cells
        sample.append(positive[: PEER_CELLS // (PATIENTS + CLASSES)])
    table = BitTable(panels, by_cell, genes, starts.astype(np.int64), sizes.astype(np.int64))
    names = tuple(f"class {c}" for c in range(CLASSES))
    objective = make_objective(sizes[:PATIENTS], names, np.arange(CLASSES), sizes[PATIENTS:], Rule())
    return table, objective, np.concatenate(sample)


def spent(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of some work, and its result."""
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def count_pairs(table: BitTable) -> npt.NDArray[np.float32]:
    """Cells in common of all pairs of genes."""
    width = table.panels.shape[0]
    pair = np.zeros((width, width * 32, 1, 32), np.float32)
    _pair_counts(table.panels, np.array([0, table.words]), pair)
    return pair


def blas_seconds(table: BitTable, genes: int) -> float:
    """CPU seconds of the single-precision matrix product of the same table, on one thread."""
    rows = np.stack([table.row(gene) for gene in range(genes)])
    dense = np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little").astype(np.float32)
    return spent(lambda: dense @ dense.T)[0]


def pandas_gates_per_second(sample: npt.NDArray[np.bool_]) -> float:
    """Gates that the evaluation step of a genetic algorithm scores in a second of CPU time."""
    import pandas as pd

    names = [f"g{i}" for i in range(sample.shape[1])]
    frame = pd.DataFrame(sample, columns=names)
    tumour = pd.Series(np.arange(len(sample)) < len(sample) * PATIENTS // (PATIENTS + CLASSES))
    rng = np.random.default_rng(1)
    chosen = rng.integers(0, len(names), (PEER_GATES, 3))

    def evaluate() -> None:
        for a, b, c in chosen:
            fires = (frame[names[a]] | frame[names[b]]) & ~frame[names[c]]
            _ = (fires & tumour).sum() / tumour.sum(), (~fires & ~tumour).sum() / (~tumour).sum()

    evaluate()
    return PEER_GATES / spent(evaluate)[0]


def measure(genes: int, cells: int, *, million: bool) -> dict[str, Any]:
    """Everything, as one mapping."""
    names = [f"g{i}" for i in range(genes)]
    small = simulate(64, 10_000)
    count_pairs(small[0])  # compiles
    search_pairs(small[0], names[:64], small[1], shapes(2), 10)
    search_triples(small[0], names[:64], small[1], shapes(3), 10)
    table, objective, sample = simulate(genes, cells)
    seconds: dict[str, Any] = {"genes": genes, "cells": cells, "patients": PATIENTS, "classes": CLASSES, "kept": KEEP}
    seconds["pairs_seconds"] = min(spent(lambda: count_pairs(table))[0] for _ in range(3))
    seconds["pairs_ranked_seconds"], pairs = spent(lambda: search_pairs(table, names, objective, shapes(2), KEEP))
    often = Counter(int(gene[1:]) for gate in pairs.gates for gene in gate.genes)
    warm = [gene for gene, _ in often.most_common(WARM_GENES)]
    seconds["triples_seconds"], pruned = spent(
        lambda: search_triples(table, names, objective, shapes(3), KEEP, warm=warm)
    )
    seconds["triples_counted_seconds"], counted = spent(
        lambda: search_triples(table, names, objective, shapes(3), KEEP, warm=warm, prune=False)
    )
    seconds["results_equal"] = pruned.gates == counted.gates and pruned.scores == counted.scores
    seconds["gates"] = pruned.certificate.gates
    seconds["triples"] = pruned.certificate.gates // len(shapes(3))
    seconds["certificate"] = str(pruned.certificate)
    seconds["blas_pairs_seconds"] = blas_seconds(table, genes)
    seconds["pairs_ratio_to_blas"] = seconds["blas_pairs_seconds"] / seconds["pairs_seconds"]
    seconds["pandas_gates_per_second"] = pandas_gates_per_second(sample)
    seconds["triples_ratio_to_pandas"] = (
        seconds["triples"] / seconds["triples_counted_seconds"] / seconds["pandas_gates_per_second"]
    )
    seconds |= million_cells(genes, cells, names, warm, seconds, million=million)
    return seconds


def million_cells(
    genes: int, cells: int, names: list[str], warm: list[int], small: dict[str, Any], *, million: bool
) -> dict[str, Any]:
    """The same in ten times as many cells, and how many times as long it takes."""
    seconds: dict[str, Any] = {}
    large, objective, _ = simulate(genes, 10 * cells)
    seconds["million_cells_pairs_seconds"] = spent(lambda: count_pairs(large))[0]
    seconds["million_cells_ratio"] = seconds["million_cells_pairs_seconds"] / small["pairs_seconds"]
    if million:
        seconds["million_cells_triples_seconds"] = spent(
            lambda: search_triples(large, names, objective, shapes(3), KEEP, warm=warm)
        )[0]
        seconds["million_cells_triples_ratio"] = seconds["million_cells_triples_seconds"] / small["triples_seconds"]
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--genes", type=int, default=2900)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--million", action="store_true", help="also search triples in ten times as many cells")
    given = parser.parse_args()
    found = measure(given.genes, given.cells, million=given.million)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"{name:30} {value:,.4g}" if isinstance(value, float) else f"{name:30} {value}")


if __name__ == "__main__":
    main()
