"""Posterior of the two-parameter logistic model with a bivariate normal prior.

``logit p_j = log_alpha + exp(log_beta) x_j``, with ``x`` rising from level to level. In the Bayesian logistic
regression model ``x = log(dose / reference dose)`` and the prior is correlated (Neuenschwander, Branson and Gsponer
2008, Stat Med 27:2420, doi 10.1002/sim.3230). In the two-parameter continual reassessment method ``x`` is the scaled
dose that returns the skeleton at the prior means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from carwright.errors import Problems
from carwright.trial.posterior.quadrature import TAIL_DEVIATIONS, Floats, line, normalise, room_for, share_above
from carwright.trial.posterior.tables import Counts, blocks, distinct

_SLOPE_INFORMATION = 0.4
"""Information about ``log_beta`` per patient, with ``log_alpha`` unknown, that grids are made for (assumed; tests
compare with grids four times as dense)."""

_LEAST_SLOPE_INFORMATION = 12.0
"""Information that grids are made for without patients: steep curves make even the prior of a level's toxicity a
sharp function of ``log_beta`` (assumed; tests as above)."""

_TILE = 4
"""Nodes along each side of a tile."""

_NEGLIGIBLE = 38.0
"""Fall of the log density at which a tile is left out. Within a tile it changes by less than 15 there, so that
nothing above exp(-23) = 1e-10 of the maximum is lost (tests compare with all nodes)."""

_BLOCK_NODES = 40_000
"""Numbers per block of a batch that this is cheapest with: few trials, so that their posteriors lie together."""


@dataclass(frozen=True)
class BivariateNormal:
    """Prior of (log_alpha, log_beta): means, standard deviations, correlation."""

    means: tuple[float, float]
    deviations: tuple[float, float]
    correlation: float = 0.0

    def __post_init__(self) -> None:
        problems = Problems()
        for name, value in zip(("log_alpha", "log_beta"), self.deviations, strict=True):
            if not 0.0 < value < np.inf:
                problems.add(
                    "TRIAL210",
                    f"the prior standard deviation of {name} is not positive",
                    where="design, prior_deviations",
                    found=f"{value:g}",
                    allowed="above 0",
                    fix="correct the value",
                )
        if not -1.0 < self.correlation < 1.0:
            problems.add(
                "TRIAL211",
                "the prior correlation is out of range",
                where="design, prior_correlation",
                found=f"{self.correlation:g}",
                allowed="above -1 and below 1",
                fix="give a correlation, not a covariance",
            )
        if not all(np.isfinite(self.means)):
            problems.add("TRIAL212", "a prior mean is not a number", where="design, prior_means", fix="correct it")
        problems.raise_if_any()


@dataclass(frozen=True)
class TwoParameterFit:
    """Posterior means and standard deviations for each row of a batch.

    ``mean_probability`` and ``deviation`` are those of the probability of toxicity (trials, levels); ``log_alpha``
    and ``log_beta`` hold mean and standard deviation of the parameters (trials, 2); ``curve_at_estimate`` is the
    curve at the posterior means of the parameters (trials, levels); ``log_evidence`` the logarithm of the
    marginal likelihood of the ordered outcomes (trials,).
    """

    mean_probability: Floats
    deviation: Floats
    log_alpha: Floats
    log_beta: Floats
    curve_at_estimate: Floats
    log_evidence: Floats


@dataclass(frozen=True)
class _Grid:
    log_alpha: Floats
    log_beta: Floats
    step: float
    log_prior: Floats
    predictor: Floats
    log_toxic: Floats
    log_clear: Floats
    probability: Floats
    tile: npt.NDArray[np.intp]
    glance: npt.NDArray[np.intp]


@dataclass(frozen=True)
class TwoParameterPosterior:
    """Posterior for covariates ``x`` by level.

    Parameters
    ----------
    x
        Covariate of each level, rising.
    prior
        Prior of (log_alpha, log_beta).
    """

    x: tuple[float, ...]
    prior: BivariateNormal

    def fit(self, patients: Counts, dlts: Counts) -> TwoParameterFit:
        """Integrate; counts are (trials, levels)."""
        (patients, dlts), inverse = distinct(patients, dlts)
        grid = self._grid(patients)
        values = np.column_stack(
            [
                grid.probability,
                grid.probability**2,
                grid.log_alpha,
                grid.log_alpha**2,
                grid.log_beta,
                grid.log_beta**2,
            ]
        )
        moments, evidence = self._expect(grid, patients, dlts, values)
        moments, evidence = moments[inverse], evidence[inverse]
        levels = len(self.x)
        mean, square = moments[:, :levels], moments[:, levels : 2 * levels]
        alpha, alpha2, beta, beta2 = moments[:, 2 * levels :].T
        predictor = alpha[:, None] + np.exp(beta)[:, None] * np.asarray(self.x)
        return TwoParameterFit(
            mean,
            _deviation(mean, square),
            np.column_stack([alpha, _deviation(alpha, alpha2)]),
            np.column_stack([beta, _deviation(beta, beta2)]),
            1.0 / (1.0 + np.exp(-predictor)),
            evidence,
        )

    def mean_probability(self, patients: Counts, dlts: Counts) -> Floats:
        """Posterior means of the probabilities of toxicity, (trials, levels)."""
        (patients, dlts), inverse = distinct(patients, dlts)
        grid = self._grid(patients)
        return np.asarray(self._expect(grid, patients, dlts, grid.probability)[0][inverse])

    def probability_above(self, patients: Counts, dlts: Counts, thresholds: Sequence[float]) -> Floats:
        """Posterior probability that toxicity exceeds each threshold, (trials, levels, thresholds)."""
        (patients, dlts), inverse = distinct(patients, dlts)
        room = self._room(patients)
        shares = _shares(self.x, self.prior, room, tuple(thresholds))
        found, _ = self._expect(_grid(self.x, self.prior, room), patients, dlts, shares)
        return np.asarray(found.reshape(len(patients), len(self.x), len(thresholds))[inverse])

    def interval_probabilities(self, patients: Counts, dlts: Counts, bounds: Sequence[float]) -> Floats:
        """Posterior probabilities of the intervals between bounds, (trials, levels, intervals).

        ``bounds`` are the inner ones: (0.2, 0.35, 0.6) makes four intervals of 0 to 1.
        """
        above = self.probability_above(patients, dlts, bounds)
        padded = np.concatenate([np.ones((*above.shape[:2], 1)), above, np.zeros((*above.shape[:2], 1))], axis=2)
        return np.asarray(-np.diff(padded, axis=2))

    def _room(self, patients: Counts) -> int:
        return room_for(int(patients.sum(axis=1).max(initial=0)))

    def _grid(self, patients: Counts) -> _Grid:
        return _grid(self.x, self.prior, self._room(patients))

    def _expect(self, grid: _Grid, patients: Counts, dlts: Counts, values: Floats) -> tuple[Floats, Floats]:
        found, evidence = [], []
        toxic, clear = dlts.astype(np.float64), (patients - dlts).astype(np.float64)
        for rows in blocks(len(patients), _BLOCK_NODES):
            # Most of the prior's nodes carry nothing of a posterior; one node per tile tells which tiles may.
            glance = _log_density(grid, toxic[rows], clear[rows], grid.glance)
            carries = (glance > glance.max(axis=1, keepdims=True) - _NEGLIGIBLE).any(axis=0)
            kept = np.flatnonzero(carries[grid.tile])
            weights, log_sum = normalise(_log_density(grid, toxic[rows], clear[rows], kept))
            found.append(weights @ values[kept])
            evidence.append(log_sum)
        return np.concatenate(found), np.concatenate(evidence)


def _log_density(grid: _Grid, toxic: Floats, clear: Floats, nodes: npt.NDArray[np.intp]) -> Floats:
    log_density = toxic @ grid.log_toxic[:, nodes]
    log_density += clear @ grid.log_clear[:, nodes]
    log_density += grid.log_prior[nodes]
    return np.asarray(log_density)


@lru_cache(maxsize=32)
def _grid(x: tuple[float, ...], prior: BivariateNormal, room: int, density: float = 1.0) -> _Grid:
    """Nodes: for each log_beta a row of log_alpha around its conditional prior mean, where the prior has mass."""
    (mean_a, mean_b), (deviation_a, deviation_b) = prior.means, prior.deviations
    conditional = deviation_a * np.sqrt(1.0 - prior.correlation**2)
    slope_information = max(room * _SLOPE_INFORMATION, _LEAST_SLOPE_INFORMATION)
    smallest_b = 1.0 / np.sqrt(1.0 / deviation_b**2 + slope_information)
    smallest_a = 1.0 / np.sqrt(1.0 / conditional**2 + room * 0.25)
    betas, step_b = line(mean_b, deviation_b, float(smallest_b) / density)
    offsets, step_a = line(0.0, float(conditional), float(smallest_a / density))
    standard_b, standard_a = (betas - mean_b) / deviation_b, offsets / conditional
    log_prior = -0.5 * (standard_b[:, None] ** 2 + standard_a[None, :] ** 2)
    inside = log_prior > -0.5 * TAIL_DEVIATIONS**2
    alphas = mean_a + prior.correlation * deviation_a * standard_b[:, None] + offsets[None, :]
    alpha, beta = alphas[inside], np.broadcast_to(betas[:, None], alphas.shape)[inside]
    predictor = alpha[:, None] + np.exp(beta)[:, None] * np.asarray(x)
    toxic, clear = -np.logaddexp(0.0, -predictor), -np.logaddexp(0.0, predictor)
    constant = np.log(step_a * step_b / (2.0 * np.pi * conditional * deviation_b))
    # Tiles of nodes, and the node nearest to the middle of each.
    row, column = np.nonzero(inside)
    width = alphas.shape[1] // _TILE + 1
    _, tile = np.unique((row // _TILE) * width + column // _TILE, return_inverse=True)
    off_middle = np.abs(row % _TILE - _TILE // 2) + np.abs(column % _TILE - _TILE // 2)
    order = np.lexsort((off_middle, tile))
    glance = order[np.unique(tile[order], return_index=True)[1]]
    return _Grid(
        alpha,
        beta,
        step_a,
        log_prior[inside] + constant,
        predictor,
        toxic.T.copy(),
        clear.T.copy(),
        np.exp(toxic),
        tile,
        glance,
    )


@lru_cache(maxsize=32)
def _shares(x: tuple[float, ...], prior: BivariateNormal, room: int, thresholds: tuple[float, ...]) -> Floats:
    """For each node, the share with which it counts as above each threshold: exact along log_alpha."""
    grid = _grid(x, prior, room)
    cuts = np.log(np.asarray(thresholds) / (1.0 - np.asarray(thresholds)))
    share = share_above(grid.predictor[:, :, None], grid.step, cuts)
    return share.reshape(len(grid.predictor), -1)


def _deviation(mean: Floats, square: Floats) -> Floats:
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0)))


def log_ratios(doses: Sequence[float], reference: float) -> tuple[float, ...]:
    """Covariates of the Bayesian logistic regression model, ``log(dose / reference)``.

    Raises
    ------
    CarwrightError
        Naming every dose that is not positive, doses that do not rise, and a reference that is not positive.
    """
    problems = Problems()
    shown = " ".join(f"{dose:g}" for dose in doses)
    if not doses or not all(0.0 < dose < np.inf for dose in doses):
        problems.add(
            "TRIAL213",
            "the doses are not all positive",
            where="design, doses",
            found=shown,
            allowed="above 0",
            fix="give one dose per node, in one unit",
        )
    if any(high <= low for low, high in pairwise(doses)):
        problems.add(
            "TRIAL214",
            "the doses do not rise",
            where="design, doses",
            found=shown,
            allowed="doses that rise strictly",
            fix="put the doses in rising order",
        )
    if not 0.0 < reference < np.inf:
        problems.add(
            "TRIAL215",
            "the reference dose is not positive",
            where="design, reference_dose",
            found=f"{reference:g}",
            allowed="above 0",
            fix="give a dose in the unit of the others",
        )
    problems.raise_if_any()
    return tuple(float(np.log(dose / reference)) for dose in doses)


def scaled_doses(skeleton: Sequence[float], means: tuple[float, float]) -> tuple[float, ...]:
    """Covariates that return the skeleton at the prior means of (log_alpha, log_beta)."""
    prior: npt.NDArray[np.float64] = np.asarray(skeleton)
    return tuple(float(v) for v in (np.log(prior / (1.0 - prior)) - means[0]) / np.exp(means[1]))
