"""Batches of count tables: equal rows are looked at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from carwright.trial.posterior.quadrature import Floats

Counts = npt.NDArray[np.int64]

CHUNK_NODES = 4_000_000
"""Numbers that one block of a batch may hold (32 MB), so that batches of any size fit into memory and cache."""


def distinct(*tables: Counts) -> tuple[list[Counts], npt.NDArray[np.intp]]:
    """Distinct rows of tables that belong together, and for each row the number of its distinct row.

    Rows are packed into one integer where they fit into 63 bits, which makes this cheap for trials.
    """
    joined = np.concatenate(tables, axis=1)
    size = int(joined.max(initial=0)) + 1
    if joined.shape[1] * np.log2(max(size, 2)) < 62:
        keys = joined @ (size ** np.arange(joined.shape[1], dtype=np.int64))
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    else:
        _, first, inverse = np.unique(joined, axis=0, return_index=True, return_inverse=True)
    return [table[first] for table in tables], inverse.reshape(-1)


def blocks(rows: int, nodes: int) -> Sequence[slice]:
    """Slices that cut a batch into blocks of at most `CHUNK_NODES` numbers."""
    size = max(1, CHUNK_NODES // max(nodes, 1))
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


def nearest(values: Floats, target: float) -> npt.NDArray[np.intp]:
    """Level whose value is nearest to the target, the lowest one among equals; along the last axis.

    Distances within 1e-10 are equal: quadrature does not resolve more, and the answer must not depend on it.
    """
    distance = np.abs(values - target)
    return np.asarray(np.argmax(distance <= distance.min(axis=-1, keepdims=True) + 1e-10, axis=-1))


def heaviest(weights: Floats) -> npt.NDArray[np.intp]:
    """Model with the largest weight, along the last axis; the last one among equals (within a share of 1e-9).

    Symmetric data make weights equal, and published software then follows rounding or chance; the last is as good, and
    is what the reference values show.
    """
    most = weights.shape[-1] - 1
    return np.asarray(
        most - np.argmax(weights[..., ::-1] >= weights.max(axis=-1, keepdims=True) * (1.0 - 1e-9), axis=-1)
    )
