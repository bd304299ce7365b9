"""The best k of a stream, without keeping the stream; ties go to the smaller key, in whatever order they come.

A key is one integer that names a gate: place of its table, then its genes. `worse` orders the heap: its first entry is
the one that leaves next.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Heap = tuple[Floats, Integers]

EMPTY = np.iinfo(np.int64).max


def empty_heap(k: int) -> Heap:
    """A heap of k places, all of them free."""
    return np.full(k, -np.inf), np.full(k, EMPTY, np.int64)


@njit(inline="always")
def worse(score_a, key_a, score_b, key_b):  # type: ignore[no-untyped-def]
    """Whether entry a ranks behind entry b."""
    return score_a < score_b or (score_a == score_b and key_a > key_b)


@njit(cache=True, nogil=True)
def push(scores, keys, score, key):  # type: ignore[no-untyped-def]
    """Offer one entry to the heap."""
    if score == -math.inf or not worse(scores[0], keys[0], score, key):
        return
    place, size = 0, len(scores)
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and worse(scores[child + 1], keys[child + 1], scores[child], keys[child]):
            child += 1
        if not worse(scores[child], keys[child], score, key):
            break
        scores[place], keys[place] = scores[child], keys[child]
        place = child
    scores[place], keys[place] = score, key


def merge(heap: Heap, other: Heap) -> None:
    """Offer every entry of another heap."""
    for score, key in zip(*other, strict=True):
        push(heap[0], heap[1], score, key)


def ranked(heap: Heap) -> Heap:
    """Entries from best to worst, free places left out."""
    scores, keys = heap
    order = np.lexsort((keys, -scores))
    order = order[np.isfinite(scores[order])]
    return scores[order], keys[order]


def key_of(table: int, genes: tuple[int, ...], universe: int) -> int:
    """Key of a gate from the place of its table and its genes."""
    key = table
    for gene in genes:
        key = key * universe + gene
    return key


def gate_of(key: int, inputs: int, universe: int) -> tuple[int, tuple[int, ...]]:
    """Place of the table and genes of a key."""
    genes = []
    for _ in range(inputs):
        key, gene = divmod(key, universe)
        genes.append(gene)
    return key, tuple(reversed(genes))
