"""What ambient RNA would show: molecules of burst cells get into every droplet of a capture.

The soup of a capture is taken to have the composition of all its cells, and a part of each cell's molecules is taken to
come from it. How large that part is cannot be seen without the empty droplets, so nothing is corrected: where the part
assumed here would show much of what is seen on a class, the reader is told.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.stats import poisson

Floats = npt.NDArray[np.float64]

SHARE = 0.05
"""Part of a cell's molecules that is ambient (assumed; 2 to 10 % is usual, Young and Behjati, GigaScience 2020; 9:
giaa151)."""


def ambient_positive(
    counts: sparse.csr_matrix,
    depth: Floats,
    capture: npt.NDArray[np.str_],
    group: npt.NDArray[np.int64],
    thresholds: npt.NDArray[np.integer],
    share: float = SHARE,
) -> Floats:
    """Share of the cells of each group that ambient RNA would make positive.

    Parameters
    ----------
    counts, depth, capture
        (cells, genes) molecules, (cells,) molecules of all genes, and (cells,) the capture of each cell.
    group
        (cells,) number of each cell's group, within one capture; -1 for none.
    thresholds
        (groups, genes) molecules from which a cell is positive.
    share
        Part of a cell's molecules that is ambient.

    Returns
    -------
    ndarray
        (groups, genes).
    """
    _, of = np.unique(capture, return_inverse=True)
    cells = np.arange(len(depth))
    soup = np.asarray((sparse.csr_matrix((np.ones(len(of)), (of, cells))) @ counts).todense())
    composition = soup / np.maximum(np.bincount(of, weights=depth), 1.0)[:, None]
    inside = group >= 0
    groups = len(thresholds)
    size = np.bincount(group[inside], minlength=groups)
    mean = np.bincount(group[inside], weights=depth[inside], minlength=groups) / np.maximum(size, 1)
    home = np.zeros(groups, np.int64)
    home[group[inside]] = of[inside]
    return np.asarray(poisson.sf(thresholds - 1, share * mean[:, None] * composition[home]))


def shown_by(table: int, own: Floats, positive: Floats) -> float:
    """Share of cells that a gate would kill only for the ambient RNA in them.

    Parameters
    ----------
    table
        Truth table of the gate.
    own
        (2^genes,) share of each pattern of the gate's genes among the cells.
    positive
        (genes,) chance that ambient RNA alone makes a cell positive.
    """
    soup = np.ones(1)
    for chance in positive:
        soup = np.concatenate([soup * (1.0 - chance), soup * chance])
    patterns = np.arange(len(own))
    kills = (table >> patterns & 1).astype(bool)
    faked = kills[patterns[:, None] | patterns[None, :]] & ~kills[:, None]
    return float((own[:, None] * soup[None, :] * faked).sum())
