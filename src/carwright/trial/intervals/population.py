"""Spread of a quantity between population draws, freed from the sampling noise within them.

Each draw has few patients, so the raw spread of the draws' estimates is wider than that of the draws themselves. The
distribution over draws is estimated by the average of the draws' posterior distributions, which is the best estimate
of such a distribution (Shen and Louis 1998, doi 10.1111/1467-9868.00135) and, like the constrained estimates of Louis
1984 (doi 10.1080/01621459.1984.10478062) and Ghosh 1992, neither too wide nor too narrow. The variance between draws
is integrated out under a uniform prior of its root (Gelman 2006, doi 10.1214/06-BA117A), since with some forty draws
a variance estimated as zero is seldom zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaln, ndtr

from carwright.trial.intervals.sample import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = 24
"""Points of the integral over the standard deviation between draws."""

_HALVINGS = 60
"""Bisections of a quantile: down to double precision."""

_WIDEST = 12.0
"""Standard errors beyond which a normal distribution holds nothing."""

_NEW_DRAW = 3.0
"""Variance of a new draw beyond that between draws, in units of that variance / draws: one for the centre and two for
the spread, both estimated from the draws (the variance of Student's t exceeds 1 by about 2 / degrees of freedom)."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class PopulationSpread:
    """Distribution of a quantity over population draws: a mixture with one component per block.

    Parameters
    ----------
    mean, variance
        Of each component, shape (blocks,); the Monte Carlo error of the common centre is part of the variance.
    share
        Weight of each component, summing to 1.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    share: NDArray[np.float64]

    def normal_interval(self, level: float) -> tuple[float, float]:
        """Central interval of a mixture of normal distributions."""
        deviation = np.sqrt(np.maximum(self.variance, np.finfo(float).tiny))
        low = float((self.mean - _WIDEST * deviation).min())
        high = float((self.mean + _WIDEST * deviation).max())
        return self._interval(lambda x: ndtr((x - self.mean) / deviation), level, low, high)

    def beta_interval(self, level: float) -> tuple[float, float]:
        """Central interval of a mixture of beta distributions; means lie strictly between 0 and 1."""
        # A handful of patients in a handful of draws: nothing is known beyond Jeffreys' prior, which has size 1.
        size = np.maximum(1.0, self.mean * (1.0 - self.mean) / self.variance - 1.0)
        events, others = size * self.mean, size * (1.0 - self.mean)
        return self._interval(lambda x: betainc(events, others, x), level, 0.0, 1.0)

    def _interval(
        self, distributions: Callable[[float], NDArray[np.float64]], level: float, low: float, high: float
    ) -> tuple[float, float]:
        tail = (1.0 - level) / 2.0
        limits = []
        for probability in (tail, 1.0 - tail):
            left, right = low, high
            for _ in range(_HALVINGS):
                middle = 0.5 * (left + right)
                if self.share @ distributions(middle) < probability:
                    left = middle
                else:
                    right = middle
            limits.append(0.5 * (left + right))
        return limits[0], limits[1]


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

    @property
    def share(self) -> NDArray[np.float64]:
        """Weight of each block, summing to 1."""
        return np.asarray(self.weight / self.weight.sum())

    def patient_variance(self) -> float:
        """Variance that one effective patient contributes to the estimate of a block.

        One value for all blocks: a block's own is mostly noise. Where every block has one patient, the two levels
        cannot be told apart, and all spread counts as sampling.
        """
        raw = sums(self.block, self.influence**2, self.value.size)
        several = self.concentration < 1.0 - _ROUNDING
        if not several.any():
            return float(self.share @ (self.value - self.share @ self.value) ** 2)
        # With weights 1 / k of k patients this is the usual division by k - 1.
        corrected = raw[several] / (1.0 - self.concentration[several])
        part = self.share[several]
        return float(part @ corrected / (part @ self.concentration[several]))

    def normal_spread(self) -> PopulationSpread:
        """Distribution over draws when blocks and sampling errors are about normal."""
        share = self.share
        sampling = self.patient_variance() * self.concentration
        centre = float(share @ self.value)
        deviation = self.value - centre
        if not deviation.any():
            return PopulationSpread(np.array([centre]), np.array([share**2 @ sampling]), np.ones(1))
        widest = 3.0 * np.sqrt(float(share @ deviation**2))
        between = (widest * np.arange(GRID)[:, None] / (GRID - 1)) ** 2
        total = np.maximum(between + sampling, (1e-6 * widest) ** 2)
        # Restricted likelihood: the common centre is integrated out.
        precision = (1.0 / total).sum(axis=1)
        residual = self.value - ((self.value / total).sum(axis=1) / precision)[:, None]
        log_likelihood = -0.5 * (np.log(total) + residual**2 / total).sum(axis=1) - 0.5 * np.log(precision)
        keep = between / total
        error = sampling @ share**2 + _NEW_DRAW * between[:, 0] * (share @ share)
        return _average(log_likelihood, centre + keep * deviation, keep * sampling, error, share)


def beta_spread(estimates: BlockEstimates, rate: float) -> PopulationSpread:
    """Distribution over draws of a rate whose blocks follow a beta distribution.

    Parameters
    ----------
    estimates
        Rate of each block.
    rate
        Rate over all blocks.
    """
    error, share = beta_error(estimates, rate), estimates.share
    if share.size == 1:
        return error
    centre = float(error.mean[0])
    size = _gain(estimates, rate) / estimates.concentration
    events = size * np.clip(estimates.value, 0.0, 1.0)
    # Share of the variance that lies between draws; its root is uniform up to 1, where draws are all or nothing.
    between = (np.arange(GRID)[:, None] / GRID) ** 2
    between[0] = 1e-6
    prior = 1.0 / between - 1.0
    log_likelihood = (
        betaln(prior * centre + events, prior * (1.0 - centre) + size - events)
        - betaln(prior * centre, prior * (1.0 - centre))
    ).sum(axis=1)
    mean = (prior * centre + events) / (prior + size)
    variance = mean * (1.0 - mean) / (prior + size + 1.0)
    of_centre = (1.0 - between) * error.variance + _NEW_DRAW * between * centre * (1.0 - centre) * (share @ share)
    return _average(log_likelihood, mean, variance, of_centre[:, 0], share)


def beta_error(estimates: BlockEstimates, rate: float) -> PopulationSpread:
    """Monte Carlo error of a rate alone, as if draws did not differ: the Jeffreys posterior.

    Brown, Cai and DasGupta 2001 (doi 10.1214/ss/1009213286), with the effective number of patients.
    """
    patients = _gain(estimates, rate) / float(estimates.share**2 @ estimates.concentration)
    mean = np.array([(patients * rate + 0.5) / (patients + 1.0)])
    return PopulationSpread(mean, mean * (1.0 - mean) / (patients + 2.0), np.ones(1))


def _gain(estimates: BlockEstimates, rate: float) -> float:
    """How many patients an effective patient counts for.

    Values between 0 and 1 (a patient treated at several nodes) vary less than a coin.
    """
    within = estimates.patient_variance()
    return max(1.0, rate * (1.0 - rate) / within) if within > 0.0 else 1.0


def _average(
    log_likelihood: NDArray[np.float64],
    mean: NDArray[np.float64],
    variance: NDArray[np.float64],
    error: NDArray[np.float64],
    share: NDArray[np.float64],
) -> PopulationSpread:
    """Average over the grid (first axis), keeping the first two moments of each block."""
    belief = np.exp(log_likelihood - log_likelihood.max())
    belief /= belief.sum()
    middle = belief @ mean
    spread = belief @ (variance + error[:, None] + (mean - middle) ** 2)
    return PopulationSpread(middle, spread, share)
