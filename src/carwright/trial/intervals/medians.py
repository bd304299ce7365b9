"""Medians of skewed or censored values over patients nested in population draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carwright.trial.intervals.interval import Interval, check_level
from carwright.trial.intervals.population import BlockEstimates
from carwright.trial.intervals.sample import Sample
from carwright.trial.intervals.survival import KaplanMeier, block_median

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def marginal_median(
    values: ArrayLike,
    block: ArrayLike,
    level: float = 0.9,
    weights: ArrayLike | None = None,
    censored: ArrayLike | None = None,
) -> Interval:
    """Median over patients, with the interval of the median in a population like those drawn.

    Works on ranks: each draw's median is placed in the distribution of all patients, the spread of those
    places between draws is freed from sampling noise, and its quantiles are read back. The result therefore
    follows every increasing transformation of the values, and needs no assumption about their skew.

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
    censored
        Shape of ``values``; whether the value is only a lower bound, such as the end of follow-up. The median
        is then that of the Kaplan-Meier estimate; ``inf`` if not reached.

    Raises
    ------
    ValueError
        If shapes differ, a weight is negative or the level is not between 0 and 1.
    """
    check_level(level)
    sample = Sample.of(values, block, weights, censored)
    if sample.empty:
        return Interval.unknown(level)
    pooled = KaplanMeier.fit(sample.value, sample.weight, sample.censored)
    median = pooled.quantile(0.5)
    if sample.row.size == 1:
        return Interval(median, np.nan, np.nan, level)
    rank = pooled.middle_rank(sample.value)
    never = 0.5 * (1.0 + float(pooled.probability[-1]))
    places = block_medians(sample, rank, never).normal_spread().normal_interval(level)
    lo, hi = (pooled.quantile(float(np.clip(place, 0.0, 1.0))) for place in places)
    return Interval.around(median, lo, hi, level)


def block_medians(sample: Sample, values: NDArray[np.float64], beyond: float) -> BlockEstimates:
    """Median of ``values`` in each block of a sample that is not empty.

    Parameters
    ----------
    sample
        Weights, censoring, patients and blocks.
    values
        Values in place of the sample's, shape (entries,).
    beyond
        Value of patients whose event is never reached.
    """
    medians, influence = np.empty(sample.blocks), np.zeros(sample.row.size)
    for place, rows in enumerate(sample.slices()):
        curve = KaplanMeier.fit(values[rows], sample.weight[rows], sample.censored[rows])
        patients, index = np.unique(sample.patient[rows], return_inverse=True)
        medians[place], influence[patients] = block_median(curve, index, beyond)
    return BlockEstimates(medians, influence, sample.block, sample.concentration, sample.block_weight)
