"""Spread of a quantity between population draws, freed from the sampling noise within them.

Each draw has few patients, so the raw spread of the draws' estimates is wider than that of the draws
themselves. The constrained empirical Bayes estimates (Louis 1984, doi 10.1080/01621459.1984.10478062; Ghosh
1992, doi 10.1080/01621459.1992.10475236) shrink the estimates so that their spread matches the variance
between draws, and keep the shape that a normal approximation would lose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HALVINGS = 80
"""Bisections: enough to exhaust double precision."""

_WIDEST = 12.0
"""Standard errors beyond which a normal distribution holds nothing."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class PopulationSpread:
    """Distribution of a quantity over population draws.

    Parameters
    ----------
    level_of_block
        Shrunken estimate of each block, shape (blocks,).
    share
        Weight of each block, summing to 1.
    error
        Monte Carlo standard error of the centre.
    """

    level_of_block: NDArray[np.float64]
    share: NDArray[np.float64]
    error: float

    def quantile(self, probability: float) -> float:
        """Quantile of the blocks' levels convolved with the normal Monte Carlo error."""
        error = max(self.error, np.finfo(float).tiny)
        return mixture_quantile(
            lambda x: ndtr((x - self.level_of_block) / error),
            self.share,
            probability,
            float(self.level_of_block.min() - _WIDEST * error),
            float(self.level_of_block.max() + _WIDEST * error),
        )


@dataclass(frozen=True)
class BlockEstimates:
    """Estimates by block with the patients behind them.

    Parameters
    ----------
    value
        Estimate of each block, shape (blocks,).
    influence
        First-order effect of each patient's sampling on the estimate of his block, shape (patients,).
    block
        Block of each patient, shape (patients,).
    concentration
        1 / effective patients of each block, shape (blocks,).
    weight
        Weight of each block, shape (blocks,).
    """

    value: NDArray[np.float64]
    influence: NDArray[np.float64]
    block: NDArray[np.intp]
    concentration: NDArray[np.float64]
    weight: NDArray[np.float64]

    def sampling_variance(self) -> NDArray[np.float64]:
        """Variance of each block's estimate by sampling of its patients, shape (blocks,).

        The variance that an average patient contributes, times the concentration: a block's own is mostly
        noise. Where every block has one patient, the two levels cannot be told apart, and all spread counts
        as sampling.
        """
        raw = np.bincount(self.block, self.influence**2, self.value.size)
        several = self.concentration < 1.0 - _ROUNDING
        share = self.weight / self.weight.sum()
        if not several.any():
            return np.full(share.size, np.average((self.value - share @ self.value) ** 2))
        corrected = raw[several] / (1.0 - self.concentration[several])
        part = share[several]
        return np.asarray(self.concentration * (part @ corrected) / (part @ self.concentration[several]))

    def spread(self) -> PopulationSpread:
        """Estimate the distribution of the quantity over population draws."""
        share = self.weight / self.weight.sum()
        sampling = self.sampling_variance()
        centre = float(share @ self.value)
        deviation = self.value - centre
        contrast = share * (1.0 - share)
        between = 0.0
        if share.size > 1:
            # E[sum of share * deviation^2] = sum of share * (1 - share) * (between + sampling)
            excess = float(share @ deviation**2 - contrast @ sampling)
            between = max(0.0, excess / float(contrast.sum()))
        error = float(np.sqrt(share**2 @ (between + sampling)))
        if between == 0.0:
            return PopulationSpread(np.full(share.size, centre), share, error)
        keep = between / (between + sampling)
        shrunken = keep * deviation
        shrunken -= share @ shrunken
        left_over = float(contrast @ (keep * sampling))
        stretch = np.sqrt(1.0 + left_over / float(share @ shrunken**2))
        return PopulationSpread(centre + stretch * shrunken, share, error)


def mixture_quantile(
    distributions: Callable[[float], NDArray[np.float64]],
    share: NDArray[np.float64],
    probability: float,
    low: float,
    high: float,
) -> float:
    """Quantile of a mixture by bisection between ``low`` and ``high``.

    Parameters
    ----------
    distributions
        Distribution function of every component at x.
    share
        Weight of every component.
    probability
        Which quantile.
    low, high
        Bracket.
    """
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if share @ distributions(middle) < probability:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
