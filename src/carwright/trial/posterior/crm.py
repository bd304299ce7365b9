"""Posterior of the continual reassessment method, complete or time-to-event.

The likelihood of a patient followed for a share ``w`` of the observation window and without toxicity is
``1 - w p`` (Cheung and Chappell 2000, Biometrics 56:1177, doi 10.1111/j.0006-341x.2000.01177.x); complete follow-up is
``w = 1``, and a toxicity counts in full whenever it happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from carwright.trial.posterior.quadrature import Floats, line, normalise, room_for, share_above
from carwright.trial.posterior.tables import Counts, blocks, distinct, nearest
from carwright.trial.posterior.working_models import PRIOR_VARIANCE, WorkingModel


@dataclass(frozen=True)
class Pending:
    """Patients still under observation without toxicity, one row per trial.

    ``levels`` (trials, most) holds the level of each, -1 where a trial has fewer; ``weights`` of the same shape the
    share of the window over, 0 to 1.
    """

    levels: npt.NDArray[np.int64]
    weights: Floats


@dataclass(frozen=True)
class CrmFit:
    """What the posterior of ``b`` says, for each row of a batch.

    Parameters
    ----------
    estimate, variance
        Posterior mean and variance of ``b`` (trials,); for maximum likelihood the estimate and NaN.
    curve_at_estimate
        The curve at the estimate (trials, levels): what dfcrm calls ``ptox``, and what decides.
    mean_probability
        Posterior mean of the probability of toxicity (trials, levels); NaN for maximum likelihood.
    log_evidence
        Logarithm of the marginal likelihood of the ordered outcomes (trials,); NaN for maximum likelihood.
    """

    estimate: Floats
    variance: Floats
    curve_at_estimate: Floats
    mean_probability: Floats
    log_evidence: Floats

    def level(self, target: float) -> npt.NDArray[np.intp]:
        """Level whose curve at the estimate is nearest to the target."""
        return nearest(self.curve_at_estimate, target)


@dataclass(frozen=True)
class _Grid:
    nodes: Floats
    step: float
    log_prior: Floats
    log_toxic: Floats
    log_clear: Floats
    probability: Floats


@dataclass(frozen=True)
class CrmPosterior:
    """Posterior of a working model with a normal prior on ``b``.

    Parameters
    ----------
    model
        The working model.
    prior_variance
        Variance of the prior of ``b``.
    """

    model: WorkingModel
    prior_variance: float = PRIOR_VARIANCE

    def fit(self, patients: Counts, dlts: Counts, pending: Pending | None = None) -> CrmFit:
        """Integrate.

        Parameters
        ----------
        patients, dlts
            Patients with complete information and toxicities among them, (trials, levels).
        pending
            Patients without complete information.
        """
        patients, dlts, inverse = _distinct(patients, dlts, pending)
        parts: list[tuple[Floats, ...]] = []
        for rows in self._blocks(patients, pending):
            grid, weights, log_sum = self._weigh(patients[rows], dlts[rows], _rows(pending, rows))
            estimate = weights @ grid.nodes
            variance = weights @ grid.nodes**2 - estimate**2
            curve = self.model.probability(estimate)
            parts.append((estimate, variance, curve, weights @ grid.probability, log_sum))
        return CrmFit(*(np.concatenate(values)[inverse] for values in zip(*parts, strict=True)))

    def probability_above(
        self, patients: Counts, dlts: Counts, threshold: float, pending: Pending | None = None
    ) -> Floats:
        """Posterior probability that each level's toxicity exceeds a threshold, (trials, levels)."""
        patients, dlts, inverse = _distinct(patients, dlts, pending)
        # The curves fall as b rises: toxicity exceeds the threshold below the parameter that attains it.
        cuts = self.model.parameter_at(threshold)
        parts: list[Floats] = []
        for rows in self._blocks(patients, pending):
            grid, weights, _ = self._weigh(patients[rows], dlts[rows], _rows(pending, rows))
            parts.append(weights @ (1.0 - share_above(grid.nodes[:, None], grid.step, cuts)))
        return np.asarray(np.concatenate(parts)[inverse])

    def normal_probability_above(self, fit: CrmFit, threshold: float) -> Floats:
        """Like `probability_above`, with the posterior of ``b`` taken as normal, as the R package escalation does."""
        from scipy.special import ndtr

        cuts = self.model.parameter_at(threshold)
        return np.asarray(ndtr((cuts - fit.estimate[:, None]) / np.sqrt(fit.variance)[:, None]))

    def interval(self, fit: CrmFit, level: float = 0.9) -> tuple[Floats, Floats]:
        """Limits of the probability of toxicity from a normal interval for ``b``, (trials, levels) each."""
        from scipy.special import ndtri

        reach = ndtri(0.5 + level / 2.0) * np.sqrt(fit.variance)
        return self.model.probability(fit.estimate + reach), self.model.probability(fit.estimate - reach)

    def _grid(self, patients: Counts, pending: Pending | None) -> _Grid:
        most = int(patients.sum(axis=1).max(initial=0)) + (0 if pending is None else pending.levels.shape[1])
        return _grid(self.model, self.prior_variance, room_for(most))

    def _blocks(self, patients: Counts, pending: Pending | None) -> list[slice]:
        return list(blocks(len(patients), len(self._grid(patients, pending).nodes)))

    def _weigh(self, patients: Counts, dlts: Counts, pending: Pending | None) -> tuple[_Grid, Floats, Floats]:
        """Grid, normalised weights on it, and logarithm of the marginal likelihood."""
        grid = self._grid(patients, pending)
        log_density = dlts.astype(np.float64) @ grid.log_toxic
        log_density += (patients - dlts).astype(np.float64) @ grid.log_clear
        log_density += grid.log_prior
        if pending is not None:
            # The product is taken before the logarithm: one logarithm per node, not one per patient and node.
            clear = np.ones_like(log_density)
            for levels, weights in zip(pending.levels.T, pending.weights.T, strict=True):
                clear *= 1.0 - np.where(levels < 0, 0.0, weights)[:, None] * grid.probability.T[levels]
            with np.errstate(divide="ignore"):
                log_density += np.log(clear)
        return grid, *normalise(log_density)


def maximum_likelihood(model: WorkingModel, patients: Counts, dlts: Counts, pending: Pending | None = None) -> CrmFit:
    """Maximum likelihood within -10 to 10, as in dfcrm; the estimate is at an end where no maximum exists.

    Parameters as in `CrmPosterior.fit`. A maximum exists if there are patients with and without toxicity.
    """
    golden = (np.sqrt(5.0) - 1.0) / 2.0

    def log_likelihood(beta: Floats) -> Floats:
        toxic, clear = model.logarithms(beta)
        value = (dlts * toxic).sum(axis=-1) + ((patients - dlts) * clear).sum(axis=-1)
        if pending is not None:
            given = np.take_along_axis(np.exp(toxic), np.maximum(pending.levels, 0), axis=-1)
            value += np.log1p(-np.where(pending.levels < 0, 0.0, pending.weights) * given).sum(axis=-1)
        return np.asarray(value)

    starts = np.linspace(-10.0, 10.0, 201)
    values = np.stack([log_likelihood(np.full(len(patients), start)) for start in starts])
    best = starts[values.argmax(axis=0)]
    low, high = np.maximum(best - 0.1, -10.0), np.minimum(best + 0.1, 10.0)
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        rises = log_likelihood(left) < log_likelihood(right)
        low, high = np.where(rises, left, low), np.where(rises, high, right)
    estimate = (low + high) / 2.0
    unknown = np.full(len(patients), np.nan)
    curve = model.probability(estimate)
    return CrmFit(estimate, unknown, curve, np.full_like(curve, np.nan), unknown)


@lru_cache(maxsize=64)
def _grid(model: WorkingModel, prior_variance: float, room: int) -> _Grid:
    smallest = 1.0 / np.sqrt(1.0 / prior_variance + room * model.information)
    nodes, step = line(0.0, float(np.sqrt(prior_variance)), float(smallest))
    log_prior = -0.5 * nodes**2 / prior_variance + np.log(step) - 0.5 * np.log(2.0 * np.pi * prior_variance)
    toxic, clear = model.logarithms(nodes)
    # Finite, so that zero patients times the logarithm of zero is zero; exp(-1e5) is zero as well.
    toxic, clear = np.maximum(toxic, -1e5), np.maximum(clear, -1e5)
    return _Grid(nodes, step, log_prior, toxic.T.copy(), clear.T.copy(), np.exp(toxic))


def _distinct(patients: Counts, dlts: Counts, pending: Pending | None) -> tuple[Counts, Counts, npt.NDArray[np.intp]]:
    """Distinct rows, and which of them each row is; every row where patients are pending."""
    if pending is not None:
        return patients, dlts, np.arange(len(patients))
    (patients, dlts), inverse = distinct(patients, dlts)
    return patients, dlts, inverse


def _rows(pending: Pending | None, rows: slice) -> Pending | None:
    return None if pending is None else Pending(pending.levels[rows], pending.weights[rows])
