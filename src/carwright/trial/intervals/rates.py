"""Rates and means over patients nested in population draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc

from carwright.trial.intervals.interval import Interval, check_level
from carwright.trial.intervals.population import BlockEstimates, mixture_quantile
from carwright.trial.intervals.sample import Sample

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def block_means(sample: Sample) -> BlockEstimates:
    """Weighted mean of each block of a sample that is not empty."""
    weight, block = sample.block_weight, sample.entry_block
    mean = np.bincount(block, sample.weight * sample.value, sample.blocks) / weight
    part = sample.weight * (sample.value - mean[block]) / weight[block]
    influence = np.bincount(sample.patient, part)
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
    spread = block_means(sample).spread()
    tail = (1.0 - level) / 2.0
    mean = np.average(sample.value, weights=sample.weight)
    return Interval.around(mean, spread.quantile(tail), spread.quantile(1.0 - tail), level)


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
    spread = block_means(sample).spread()
    patients = _effective_patients(sample, rate, spread.error)
    level_of_block = np.clip(spread.level_of_block, 0.0, 1.0)
    events, others = patients * level_of_block + 0.5, patients * (1.0 - level_of_block) + 0.5
    tail = (1.0 - level) / 2.0
    lo, hi = (
        mixture_quantile(lambda x: betainc(events, others, x), spread.share, probability, 0.0, 1.0)
        for probability in (tail, 1.0 - tail)
    )
    # The limits that Brown, Cai and DasGupta give without and with nothing but events.
    return Interval.around(rate, 0.0 if rate == 0.0 else lo, 1.0 if rate == 1.0 else hi, level)


def _effective_patients(sample: Sample, rate: float, error: float) -> float:
    """Patients of a simple random sample with the same Monte Carlo error."""
    if error > 0.0 and 0.0 < rate < 1.0:
        return rate * (1.0 - rate) / error**2
    own = sample.patient_weight
    return float(own.sum() ** 2 / (own @ own))
