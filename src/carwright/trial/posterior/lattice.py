"""Posterior of a logistic regression with few coefficients, on a lattice fitted to each table; compiled.

For independent normal priors. The lattice is centred at the posterior mean and stretched along the posterior standard
deviations, found by two rounds of moments after a Newton search of the mode; on it the trapezoidal rule is spectrally
accurate (see `carwright.trial.posterior.quadrature`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numba import njit

from carwright.trial.posterior.quadrature import Floats

_TABLE_REACH, _TABLE_STEP = 40.0, 1.0 / 512.0


@lru_cache(maxsize=1)
def step_table() -> Floats:
    """Smoothed step ``1/2 + Si(pi u) / pi`` for u from -40 to 40; see `quadrature.share_above`."""
    from scipy.special import sici

    u = np.arange(-_TABLE_REACH, _TABLE_REACH + 2.0 * _TABLE_STEP, _TABLE_STEP)
    return np.asarray(0.5 + sici(np.pi * u)[0] / np.pi)


@dataclass(frozen=True)
class Lattice:
    """Points of a ball, by their place along each axis, and the coordinates of the places, (axes, places)."""

    places: npt.NDArray[np.int64]
    coordinates: Floats
    steps: Floats


@lru_cache(maxsize=32)
def ball(steps: tuple[float, ...], radius: float) -> Lattice:
    """Lattice points within a ball, with these steps along the axes."""
    halves = [int(radius / step) for step in steps]
    coordinates = np.zeros((len(steps), 2 * max(halves) + 1))
    for axis, (half, step) in enumerate(zip(halves, steps, strict=True)):
        coordinates[axis, : 2 * half + 1] = step * np.arange(-half, half + 1)
    ranges = [np.arange(2 * half + 1) for half in halves]
    places = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(steps))
    square = sum(coordinates[axis, places[:, axis]] ** 2 for axis in range(len(steps)))
    inside = np.ascontiguousarray(places[square <= radius**2 * (1.0 + 1e-12)])
    return Lattice(inside, coordinates, np.array(steps))


@njit(cache=True)
def _cholesky(matrix, size):  # type: ignore[no-untyped-def]  # compiled
    lower = np.zeros((size, size))
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                lower[i, i] = np.sqrt(max(total, 1e-12))
            else:
                lower[i, j] = total / lower[j, j]
    return lower


@njit(cache=True)
def _inverse(matrix, size):  # type: ignore[no-untyped-def]  # compiled
    """Inverse of a positive definite matrix."""
    lower = _cholesky(matrix, size)
    half = np.zeros((size, size))
    for column in range(size):
        for i in range(column, size):
            total = 1.0 if i == column else 0.0
            for k in range(column, i):
                total -= lower[i, k] * half[k, column]
            half[i, column] = total / lower[i, i]
    inverse = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            for k in range(size):
                inverse[i, j] += half[k, i] * half[k, j]
    return inverse


@njit(cache=True)
def _log_posterior(theta, design, n, y, mean, precision):  # type: ignore[no-untyped-def]  # compiled
    value = 0.0
    for p in range(len(theta)):
        value -= 0.5 * precision[p] * (theta[p] - mean[p]) ** 2
    for j in range(len(n)):
        if n[j]:
            eta = 0.0
            for p in range(len(theta)):
                eta += design[j, p] * theta[p]
            value += y[j] * eta - n[j] * (max(eta, 0.0) + np.log1p(np.exp(-abs(eta))))
    return value


@njit(cache=True)
def _mode(design, n, y, mean, precision):  # type: ignore[no-untyped-def]  # compiled
    """Mode by damped Newton steps, and the curvature there."""
    size = len(mean)
    theta = mean.copy()
    value = _log_posterior(theta, design, n, y, mean, precision)
    curvature = np.zeros((size, size))
    for _ in range(50):
        gradient = -precision * (theta - mean)
        curvature[:] = 0.0
        for p in range(size):
            curvature[p, p] = precision[p]
        for j in range(len(n)):
            if n[j]:
                eta = 0.0
                for p in range(size):
                    eta += design[j, p] * theta[p]
                probability = 1.0 / (1.0 + np.exp(-eta))
                for p in range(size):
                    gradient[p] += design[j, p] * (y[j] - n[j] * probability)
                    for q in range(size):
                        weight = n[j] * probability * (1.0 - probability)
                        curvature[p, q] += weight * design[j, p] * design[j, q]
        step = _inverse(curvature, size) @ gradient
        scale = 1.0
        while scale > 1e-4:
            trial = theta + scale * step
            found = _log_posterior(trial, design, n, y, mean, precision)
            if found >= value:
                break
            scale *= 0.5
        theta, gained, value = trial, found - value, found
        if gained < 1e-6:
            break
    return theta, curvature


@njit(cache=True, fastmath=True)
def _weigh(places, coordinates, centre, lower, design, n, y, mean, precision, odds, everywhere):  # type: ignore[no-untyped-def]  # compiled
    """Coefficients and weights on a lattice; fills the odds (levels, points), of untried levels only if ``everywhere``.

    The odds at a point are a product over the axes, so that they take no exponential; the likelihood is taken
    relative to its value in the centre, so that no power underflows where the weight matters.
    """
    size, levels, count = len(centre), len(n), len(places)
    theta, weights, along = np.empty((size, count)), np.empty(count), np.empty(coordinates.shape)
    for p in range(size):
        for k in range(count):
            value = centre[p]
            for q in range(p + 1):
                value += lower[p, q] * coordinates[q, places[k, q]]
            theta[p, k] = value
    for k in range(count):
        value = 0.0
        for p in range(size):
            # Relative to the centre, too.
            value -= 0.5 * precision[p] * (theta[p, k] - centre[p]) * (theta[p, k] + centre[p] - 2.0 * mean[p])
        weights[k] = np.exp(value)
    for j in range(levels):
        if n[j] == 0 and not everywhere:
            continue
        middle = 0.0
        for p in range(size):
            middle += design[j, p] * centre[p]
        for q in range(size):
            move = 0.0
            for p in range(q, size):
                move += design[j, p] * lower[p, q]
            for place in range(coordinates.shape[1]):
                along[q, place] = np.exp(move * coordinates[q, place] + (middle if q == 0 else 0.0))
        for k in range(count):
            value = along[0, places[k, 0]]
            for q in range(1, size):
                value *= along[q, places[k, q]]
            odds[j, k] = value
        if n[j]:
            start = np.exp(middle)
            for _ in range(y[j]):
                for k in range(count):
                    weights[k] *= odds[j, k] * (1.0 + start) / (start * (1.0 + odds[j, k]))
            for _ in range(n[j] - y[j]):
                for k in range(count):
                    weights[k] *= (1.0 + start) / (1.0 + odds[j, k])
    total = 0.0
    for k in range(count):
        total += weights[k]
    for k in range(count):
        weights[k] /= total
    return weights, theta


@njit(cache=True)
def _smooth_step(u, table):  # type: ignore[no-untyped-def]  # compiled
    if u > _TABLE_REACH:
        return 1.0 - np.cos(np.pi * u) / (np.pi * np.pi * u)
    if u < -_TABLE_REACH:
        return -np.cos(np.pi * u) / (np.pi * np.pi * u)
    place = (u + _TABLE_REACH) / _TABLE_STEP
    left = int(place)
    return table[left] + (place - left) * (table[left + 1] - table[left])


@njit(cache=True, fastmath=True)
def _spread(weights, theta, centre):  # type: ignore[no-untyped-def]  # compiled
    """Move the centre to the mean, and return the Cholesky factor of the covariance."""
    size = len(centre)
    for p in range(size):
        total = 0.0
        for k in range(len(weights)):
            total += weights[k] * theta[p, k]
        centre[p] = total
    covariance = np.zeros((size, size))
    for p in range(size):
        for q in range(p + 1):
            total = 0.0
            for k in range(len(weights)):
                total += weights[k] * (theta[p, k] - centre[p]) * (theta[q, k] - centre[q])
            covariance[p, q] = total
            covariance[q, p] = total
    return _cholesky(covariance, size)


@njit(cache=True, fastmath=True)
def integrate(  # type: ignore[no-untyped-def]  # compiled
    n,
    y,
    design,
    mean,
    precision,
    rough,
    rough_at,
    fine,
    fine_at,
    steps,
    coarse,
    coarse_at,
    cut,
    table,
    mean_p,
    above,
    nodes_eta,
    nodes_w,
):
    """Integrate each row of counts; results go into the last four arrays.

    Lattices are given by places and coordinates; ``steps`` are those of ``fine``. ``mean_p`` (rows, levels):
    posterior means; ``above`` (rows, levels, 4): expectations of the indicator of exceeding ``cut`` (on the logit
    scale) times powers 0 to 2 of the centred linear predictor, and the mean of that predictor; ``nodes_eta`` (rows,
    levels, points) and ``nodes_w``: linear predictors and weights on the coarse lattice.
    """
    size, levels = len(mean), n.shape[1]
    odds, spare = np.empty((levels, len(fine))), np.empty((levels, len(rough)))
    rest = np.empty((levels, len(coarse)))
    for row in range(len(n)):
        centre, curvature = _mode(design, n[row], y[row], mean, precision)
        lower = _cholesky(_inverse(curvature, size), size) * 1.2
        for _ in range(2):
            weights, theta = _weigh(
                rough, rough_at, centre, lower, design, n[row], y[row], mean, precision, spare, False
            )
            lower = _spread(weights, theta, centre)
        weights, theta = _weigh(fine, fine_at, centre, lower, design, n[row], y[row], mean, precision, odds, True)
        for j in range(levels):
            # The cut is smoothed along the axis on which the predictor moves most; the first of three is too wide.
            move, middle, average = 0.0, 0.0, 0.0
            for q in range(size - 2, size):
                along = 0.0
                for p in range(q, size):
                    along += design[j, p] * lower[p, q]
                move = max(move, abs(along * steps[q]))
            for k in range(len(fine)):
                eta = 0.0
                for p in range(size):
                    eta += design[j, p] * theta[p, k]
                middle += weights[k] * eta
                average += weights[k] * odds[j, k] / (1.0 + odds[j, k])
            zero, one, two = 0.0, 0.0, 0.0
            for k in range(len(fine)):
                off = -middle
                for p in range(size):
                    off += design[j, p] * theta[p, k]
                share = weights[k] * _smooth_step((off + middle - cut) / move, table)
                zero += share
                one += share * off
                two += share * off * off
            mean_p[row, j] = average
            above[row, j, 0], above[row, j, 1], above[row, j, 2], above[row, j, 3] = zero, one, two, middle
        weights, theta = _weigh(coarse, coarse_at, centre, lower, design, n[row], y[row], mean, precision, rest, False)
        for k in range(len(coarse)):
            nodes_w[row, k] = weights[k]
            for j in range(levels):
                eta = 0.0
                for p in range(size):
                    eta += design[j, p] * theta[p, k]
                nodes_eta[row, j, k] = eta
