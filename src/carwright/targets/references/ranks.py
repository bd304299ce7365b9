"""How well numbers tell two groups apart."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata


def mann_whitney(scores: npt.ArrayLike, positive: npt.ArrayLike) -> float:
    """Chance that a positive one scores more than another one, ties counting half: the area under the ROC curve.

    Parameters
    ----------
    scores
        (n,) numbers.
    positive
        (n,) whether each belongs to the positive ones.

    Returns
    -------
    float
        Mann and Whitney's U over its largest value; NaN where none, or every one, is positive.
    """
    inside = np.asarray(positive, bool)
    n, m = int(inside.sum()), int((~inside).sum())
    if not n or not m:
        return math.nan
    return float((rankdata(scores)[inside].sum() - n * (n + 1) / 2) / (n * m))
