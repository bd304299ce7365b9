"""Weighted Kaplan-Meier estimate and its median, with the influence of every patient.

Without censoring the Kaplan-Meier estimate is the empirical distribution, so one file serves complete and
censored values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc

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
    def fit(
        cls, value: NDArray[np.float64], weight: NDArray[np.float64], censored: NDArray[np.bool_]
    ) -> KaplanMeier:
        """Estimate from values of shape (k,), positive weights, and whether each value is only a lower bound."""
        order = np.lexsort((censored, value))
        ordered, event = weight[order], ~censored[order]
        at_risk = np.cumsum(ordered[::-1])[::-1]
        # Events at one time taken one after another multiply to the usual factor of that time.
        factors = np.where(event, 1.0 - ordered / at_risk, 1.0)
        return cls(value[order], ordered, event, at_risk, 1.0 - np.cumprod(factors), order)

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

    def influence_at_median(self) -> tuple[NDArray[np.float64], float]:
        """Derivative of the survival at the median by the log weight of each case, and the probability there.

        In the order of the arrays given to `fit`. The sum of squares is Greenwood's variance.
        """
        place = min(int(np.searchsorted(self.probability, 0.5 - _ROUNDING)), self.value.size - 1)
        reached = np.arange(self.value.size) <= place
        counted = reached & self.event
        left = self.at_risk - self.weight
        with np.errstate(divide="ignore"):
            steps = np.where(counted & (left > 0.0), 1.0 / left - 1.0 / self.at_risk, 0.0)
        earlier = np.concatenate(([0.0], np.cumsum(steps)[:-1]))
        survival = 1.0 - self.probability[place]
        sorted_influence = survival * self.weight * (earlier - np.where(counted, 1.0 / self.at_risk, 0.0))
        influence = np.empty_like(sorted_influence)
        influence[self.order] = sorted_influence
        return influence, float(self.probability[place])


def block_median(
    curve: KaplanMeier, patient: NDArray[np.intp], beyond: float
) -> tuple[float, NDArray[np.float64]]:
    """Smooth median of one block, and what each patient's sampling adds to it.

    The median of Harrell and Davis 1982 (doi 10.1093/biomet/69.3.635) with the variance of Maritz and Jarrett
    1978 (doi 10.1080/01621459.1978.10480027): both weigh the ordered values by a beta distribution of
    probabilities around one half. The size of the error is theirs; how patients share it, which several
    entries of one patient need, follows from their influence on the survival at the median.

    Parameters
    ----------
    curve
        Distribution of the block.
    patient
        Patient of each entry as given to `KaplanMeier.fit`, 0 to ``patients - 1``, shape (k,).
    beyond
        Value of the probability that the curve never reaches.
    """
    by_entry, probability = curve.influence_at_median()
    shape = np.bincount(patient, by_entry)
    weight = np.bincount(patient[curve.order], curve.weight)
    size = float(weight.sum() ** 2 / (weight @ weight))
    square = float(shape @ shape)
    if square > 0.0 and 0.0 < probability < 1.0:
        # Censoring, and several entries of one patient, leave fewer effective patients than the weights alone
        # say.
        size = max(1.0, min(size, probability * (1.0 - probability) / square))
    half = 0.5 * (size + 1.0)
    share = np.diff(betainc(half, half, curve.probability), prepend=0.0)
    value = np.append(curve.value, beyond)
    share = np.append(share, 1.0 - share.sum())
    median = float(share @ value)
    variance = max(0.0, float(share @ (value - median) ** 2))
    return median, shape * np.sqrt(variance / square) if square > 0.0 else np.zeros(shape.size)
