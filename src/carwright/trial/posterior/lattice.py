"""Posterior of a logistic regression with few coefficients, on a lattice fitted to each table; compiled.

For independent normal priors. The lattice is centred at the posterior mean and stretched along the posterior standard
deviations, found by two rounds of moments after a Newton search of the mode; on it the trapezoidal rule is spectrally
accurate (see `carwright.trial.posterior.quadrature`).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from carwright.trial.posterior.quadrature import Floats

_TABLE_REACH, _TABLE_STEP = 40.0, 1.0 / 512.0


@lru_cache(maxsize=1)
def step_table() -> Floats:
    """Smoothed step ``1/2 + Si(pi u) / pi`` for u from -40 to 40; see `quadrature.share_above`."""
    from scipy.special import sici  # noqa: PLC0415 - scipy is not loaded by `carwright --help`

    u = np.arange(-_TABLE_REACH, _TABLE_REACH + 2.0 * _TABLE_STEP, _TABLE_STEP)
    return np.asarray(0.5 + sici(np.pi * u)[0] / np.pi)


@lru_cache(maxsize=16)
def ball(steps: tuple[float, ...], radius: float) -> Floats:
    """Lattice points (points, axes) within a ball, with these steps along the axes."""
    axes = [step * np.arange(-int(radius / step), int(radius / step) + 1) for step in steps]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(steps))
    return np.ascontiguousarray(points[(points**2).sum(axis=1) <= radius**2 * (1.0 + 1e-12)])


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
    return theta, curvature, value


@njit(cache=True, fastmath=True)
def _weigh(points, centre, lower, design, n, y, mean, precision, reference, probability, eta):  # type: ignore[no-untyped-def]  # compiled
    """Weights on a lattice; fills the linear predictor ``eta`` and ``probability``, (levels, points)."""
    size, levels, count = len(centre), len(n), len(points)
    weights = np.empty(count)
    theta = np.empty((size, count))
    for p in range(size):
        for k in range(count):
            value = centre[p]
            for q in range(p + 1):
                value += lower[p, q] * points[k, q]
            theta[p, k] = value
    for k in range(count):
        value = -reference
        for p in range(size):
            value -= 0.5 * precision[p] * (theta[p, k] - mean[p]) ** 2
        weights[k] = value
    for j in range(levels):
        for k in range(count):
            value = 0.0
            for p in range(size):
                value += design[j, p] * theta[p, k]
            eta[j, k] = value
        for k in range(count):
            probability[j, k] = 1.0 / (1.0 + np.exp(-eta[j, k]))
        if n[j]:
            for k in range(count):
                # log(1 - p) from the side that does not cancel.
                value = eta[j, k]
                weights[k] += (y[j] - n[j]) * value - n[j] * np.log1p(np.exp(-abs(value))) if value > 0 else (
                    y[j] * value - n[j] * np.log1p(np.exp(-abs(value)))
                )
    total = 0.0
    for k in range(count):
        weights[k] = np.exp(weights[k])
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


@njit(cache=True)
def integrate(n, y, design, mean, precision, rough, fine, steps, cut, table, first_axis, mean_p, above, eta_mean, coarse, nodes_p, nodes_w):  # type: ignore[no-untyped-def]  # compiled
    """Integrate each row of counts; results go into the last six arrays.

    mean_p (rows, levels): posterior means; above (rows, levels, 3): expectations of the indicator of exceeding ``cut`` (on
    the logit scale) times powers 0 to 2 of the centred predictor; eta_mean (rows, levels): mean predictor; nodes_p (rows,
    levels, points of ``coarse``) and nodes_w: probabilities and weights on a coarse lattice, for the association.
    """
    size, levels = len(mean), n.shape[1]
    most = max(len(rough), len(fine))
    probability, eta = np.empty((levels, most)), np.empty((levels, most))
    for row in range(len(n)):
        centre, curvature, reference = _mode(design, n[row], y[row], mean, precision)
        lower = _cholesky(_inverse(curvature, size), size) * 1.2
        for _ in range(2):
            weights, theta = _weigh(rough, centre, lower, design, n[row], y[row], mean, precision, reference, probability, eta)
            centre = theta @ weights
            covariance = np.zeros((size, size))
            for p in range(size):
                for q in range(p + 1):
                    total = 0.0
                    for k in range(len(rough)):
                        total += weights[k] * (theta[p, k] - centre[p]) * (theta[q, k] - centre[q])
                    covariance[p, q] = total
                    covariance[q, p] = total
            lower = _cholesky(covariance, size)
        weights, theta = _weigh(fine, centre, lower, design, n[row], y[row], mean, precision, reference, probability, eta)
        for j in range(levels):
            # The cut is smoothed along the axis on which the predictor moves most.
            move = 0.0
            for q in range(first_axis, size):
                along = 0.0
                for p in range(q, size):
                    along += design[j, p] * lower[p, q]
                if abs(along * steps[q]) > move:
                    move = abs(along * steps[q])
            middle, average = 0.0, 0.0
            for k in range(len(fine)):
                middle += weights[k] * eta[j, k]
                average += weights[k] * probability[j, k]
            zero, one, two = 0.0, 0.0, 0.0
            for k in range(len(fine)):
                share = weights[k] * _smooth_step((eta[j, k] - cut) / move, table)
                off = eta[j, k] - middle
                zero += share
                one += share * off
                two += share * off * off
            mean_p[row, j], eta_mean[row, j] = average, middle
            above[row, j, 0], above[row, j, 1], above[row, j, 2] = zero, one, two
        weights, theta = _weigh(coarse, centre, lower, design, n[row], y[row], mean, precision, reference, probability, eta)
        for k in range(len(coarse)):
            nodes_w[row, k] = weights[k]
            for j in range(levels):
                nodes_p[row, j, k] = probability[j, k]
