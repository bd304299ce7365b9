"""Bounds of a positive fraction, also where donors differ more than chance allows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

Floats = npt.NDArray[np.float64]


def upper_bound(k: npt.ArrayLike, n: npt.ArrayLike, level: float) -> Floats:
    """One-sided upper Clopper-Pearson bound (Biometrika 1934; 26:404); 1 where there is no cell."""
    k, n = np.asarray(k, float), np.asarray(n, float)
    with np.errstate(invalid="ignore"):
        bound = beta.ppf(level, k + 1.0, np.maximum(n - k, 1e-12))
    return np.where((n <= 0) | (k >= n), 1.0, bound)


def lower_bound(k: npt.ArrayLike, n: npt.ArrayLike, level: float) -> Floats:
    """One-sided lower Clopper-Pearson bound; 0 where nothing was seen."""
    k, n = np.asarray(k, float), np.asarray(n, float)
    with np.errstate(invalid="ignore"):
        bound = beta.ppf(1.0 - level, np.maximum(k, 1e-12), np.maximum(n - k, 0.0) + 1.0)
    return np.where(k <= 0, 0.0, bound)


def design_effect(k: npt.ArrayLike, n: npt.ArrayLike) -> float:
    """How many times the variance between donors exceeds that of chance, at least 1.

    Pearson's chi-square of the donors' counts over its degrees of freedom (Rao and Scott, Biometrics 1992; 48:577); 1
    with a single donor, where it cannot be known.

    Parameters
    ----------
    k, n
        Positive cells and cells of each donor.
    """
    k, n = np.asarray(k, float), np.asarray(n, float)
    k, n = k[n > 0], n[n > 0]
    share = k.sum() / n.sum() if n.sum() else 0.0
    if len(n) < 2 or share in (0.0, 1.0):
        return 1.0
    chi_square = ((k - n * share) ** 2 / (n * share * (1.0 - share))).sum()
    return max(1.0, float(chi_square / (len(n) - 1)))
