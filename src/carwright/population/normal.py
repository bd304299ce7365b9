"""The normal and the logistic distribution for arrays of patients."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from carwright.engine.elementwise import Elementwise
from carwright.engine.module_text import copied

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


@cache
def _function(name: str) -> Elementwise:
    return Elementwise(name, copied("normal_functions.py", room="carwright.population"))


def share_below(deviate: ArrayLike) -> Floats:
    """Share of a standard normal distribution below each number."""
    return _function("normal_share")(deviate)


def quantile(share: ArrayLike) -> Floats:
    """Number below which each share of a standard normal distribution lies; infinite at 0 and 1."""
    return _function("normal_quantile")(share)


def logit(share: ArrayLike) -> Floats:
    """Logarithm of the odds; infinite at 0 and 1."""
    given = np.asarray(share, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(given) - np.log1p(-given))


def expit(value: ArrayLike) -> Floats:
    """Share whose logarithm of the odds is given."""
    with np.errstate(over="ignore"):  # the exponential is then infinite, and the share 0
        return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(value, dtype=np.float64))))
