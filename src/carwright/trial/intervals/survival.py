"""Weighted Kaplan-Meier estimate and its median, with the influence of every patient.

Without censoring the Kaplan-Meier estimate is the empirical distribution, so one file serves complete and
censored values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaln

from carwright.trial.intervals.sample import sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDING = 1e-12


@dataclass(frozen=True)
class KaplanMeier:
    """Product-limit estimate (Kaplan and Meier 1958, doi 10.1080/01621459.1958.10501452) with case weights.

    Parameters
    ----------
    value, weight, event
        Sorted by value, at equal values events before censored; shape (k,).
    at_risk
        Weight at risk just before each.
    probability
        Estimated distribution function just after each.
    order
        Where each stood in the arrays given to `fit`.
    """

    value: NDArray[np.float64]
    weight: NDArray[np.float64]
    event: NDArray[np.bool_]
    at_risk: NDArray[np.float64]
    probability: NDArray[np.float64]
    order: NDArray[np.intp]

    @classmethod
    def fit(cls, value: NDArray[np.float64], weight: NDArray[np.float64], censored: NDArray[np.bool_]) -> KaplanMeier:
        """Estimate from values, positive weights, and whether each value is only a lower bound."""
        order = np.lexsort((censored, value))
        ordered, event = weight[order], ~censored[order]
        at_risk = np.cumsum(ordered[::-1])[::-1]
        # Events at one time taken one after another multiply to the usual factor of that time.
        factors = np.where(event, 1.0 - ordered / at_risk, 1.0)
        return cls(value[order], ordered, event, at_risk, np.asarray(1.0 - np.cumprod(factors)), order)

    def quantile(self, probability: float) -> float:
        """Smallest value at which the distribution reaches ``probability``; inf if it never does."""
        place = int(np.searchsorted(self.probability, probability - _ROUNDING))
        return float(self.value[place]) if place < self.value.size else np.inf

    def middle_rank(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of the distribution function just before and at each value."""
        padded = np.concatenate(([0.0], self.probability))
        before = padded[np.searchsorted(self.value, value, side="left")]
        at = padded[np.searchsorted(self.value, value, side="right")]
        return np.asarray(0.5 * (before + at))

    def influence_on_integral(self, slope: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivative of ``slope @ survival`` by the log weight of each case, in sorted order.

        The derivative of the survival by log weights leads to Greenwood's variance; without censoring it is that of
        the empirical distribution.
        """
        left = self.at_risk - self.weight
        counted = self.event & (left > _ROUNDING * self.at_risk)
        # After each case: how much a patient still at risk has gained by those who had their event before.
        gain = np.cumsum(np.where(counted, 1.0 / np.where(counted, left, 1.0) - 1.0 / self.at_risk, 0.0))
        part = slope * (1.0 - self.probability)
        rest = np.cumsum(part[::-1])[::-1]
        before = np.cumsum(part * gain) - part * gain
        gain_before = np.concatenate(([0.0], gain[:-1]))
        loss = np.where(self.event, 1.0 / self.at_risk, 0.0)
        return np.asarray(self.weight * (before + (gain_before - loss) * rest))


def block_median(curve: KaplanMeier, patient: NDArray[np.intp], beyond: float) -> tuple[float, NDArray[np.float64]]:
    """Smooth median of one block, and what each patient's sampling adds to it.

    The median of Harrell and Davis 1982 (doi 10.1093/biomet/69.3.635) weighs the ordered values by a beta
    distribution of probabilities around one half. Its influences are those of an L-statistic (Serfling 1980,
    Approximation Theorems of Mathematical Statistics, section 8.1), with the Kaplan-Meier estimate in place of the
    empirical distribution.

    Parameters
    ----------
    curve
        Distribution of the block.
    patient
        Patient of each entry as given to `KaplanMeier.fit`, 0 to ``patients - 1``, shape (k,).
    beyond
        Value of the probability that the curve never reaches.
    """
    patients = int(patient.max()) + 1
    weight = sums(patient[curve.order], curve.weight, patients)
    half = 0.5 * (float(weight.sum() ** 2 / (weight @ weight)) + 1.0)
    value = np.append(curve.value, beyond)
    below = betainc(half, half, curve.probability)
    median = float(np.diff(below, prepend=0.0, append=1.0) @ value)
    log_density = (half - 1.0) * np.log(np.maximum(curve.probability * (1.0 - curve.probability), _ROUNDING))
    slope = np.exp(log_density - betaln(half, half)) * np.diff(value)
    influence = np.empty(curve.value.size)
    influence[curve.order] = curve.influence_on_integral(slope)
    return median, sums(patient, influence, patients)
