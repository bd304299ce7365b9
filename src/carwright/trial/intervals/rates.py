"""Rates and means over patients nested in population draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carwright.trial.intervals.interval import Interval, check_level
from carwright.trial.intervals.population import BlockEstimates, beta_error, beta_spread
from carwright.trial.intervals.sample import Sample, sums

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def block_means(sample: Sample) -> BlockEstimates:
    """Weighted mean of each block of a sample that is not empty."""
    weight, block = sample.block_weight, sample.entry_block
    mean = sums(block, sample.weight * sample.value, sample.blocks) / weight
    part = sample.weight * (sample.value - mean[block]) / weight[block]
    influence = sums(sample.patient, part, sample.row.size)
    return BlockEstimates(mean, influence, sample.block, sample.concentration, weight)


def marginal_mean(
    values: ArrayLike, block: ArrayLike, level: float = 0.9, weights: ArrayLike | None = None
) -> Interval:
    """Mean over patients, with the interval of the mean in a population like those drawn.

    Parameters
    ----------
    values
        Value of each patient, shape (n,), or of each patient at each node, shape (n, m); NaN is missing.
    block
        Population draw of each patient, shape (n,).
    level
        Probability content of the interval.
    weights
        Shape of ``values``; for quantities over patients as treated, how often each was treated at each node.

    Returns
    -------
    Interval
        Reduces to the Monte Carlo interval of the mean where draws do not differ.

    Raises
    ------
    ValueError
        If shapes differ, a weight is negative or the level is not between 0 and 1.
    """
    check_level(level)
    sample = Sample.of(values, block, weights)
    if sample.empty:
        return Interval.unknown(level)
    mean = float(np.average(sample.value, weights=sample.weight))
    if sample.row.size == 1:
        return Interval(mean, np.nan, np.nan, level)
    lo, hi = block_means(sample).normal_spread().normal_interval(level)
    return Interval.around(mean, lo, hi, level)


def marginal_rate(
    values: ArrayLike, block: ArrayLike, level: float = 0.9, weights: ArrayLike | None = None
) -> Interval:
    """Share of patients with an event, with the interval of that share in a population like those drawn.

    As `marginal_mean`, for values of 0 and 1 (or shares between them). The Monte Carlo error has the shape of
    a Jeffreys posterior (Brown, Cai and DasGupta 2001, doi 10.1214/ss/1009213286) with the effective number
    of patients, so that no event among many patients still leaves room for a few.

    Raises
    ------
    ValueError
        As `marginal_mean`, or if a value lies outside 0 to 1.
    """
    check_level(level)
    sample = Sample.of(values, block, weights)
    if sample.empty:
        return Interval.unknown(level)
    if sample.value.min() < 0.0 or sample.value.max() > 1.0:
        message = f"rates need values from 0 to 1; got {sample.value.min()} to {sample.value.max()}"
        raise ValueError(message)
    rate = float(np.average(sample.value, weights=sample.weight))
    estimates = block_means(sample)
    # Few events cannot tell a small rate everywhere from a large one in rare draws, which alone would look certain.
    ranges = [spread.beta_interval(level) for spread in (beta_spread(estimates, rate), beta_error(estimates, rate))]
    lo, hi = min(low for low, _ in ranges), max(high for _, high in ranges)
    # The limits that Brown, Cai and DasGupta give without and with nothing but events.
    return Interval.around(rate, 0.0 if rate == 0.0 else lo, 1.0 if rate == 1.0 else hi, level)
