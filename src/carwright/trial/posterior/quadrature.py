"""Quadrature on equally spaced nodes for functions that are smooth and die out at both ends.

The trapezoidal rule on the whole line converges exponentially for such integrands (Trefethen and Weideman 2014,
SIAM Review 56:385, doi 10.1137/130932132); for a normal density of standard deviation ``s`` its relative error is
``2 exp(-2 (pi s / step)^2)``. The integral up to a cut, which a probability such as P(toxicity > 0.33) needs, has
the same kind of accuracy when the integrand is replaced by its sinc interpolant, whose integral is a sine
integral (Stenger 1993, Numerical Methods Based on Sinc and Analytic Functions, section 3.6).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STEPS_PER_DEVIATION = 2.0
"""Nodes per smallest standard deviation: normal errors are below 1e-30 for means and 3e-9 for probabilities."""

TAIL_DEVIATIONS = 9.0
"""Prior standard deviations on either side that carry all of the mass but 1e-18."""

_ROOM = 8
"""Smallest number of patients that a grid is made for; larger ones double, so that few grids are ever built."""


def room_for(patients: int) -> int:
    """Round a number of patients up to a size that grids are made for."""
    room = _ROOM
    while room < patients:
        room *= 2
    return room


def line(centre: float, deviation: float, smallest: float) -> tuple[Floats, float]:
    """Equally spaced nodes for a normal prior.

    Parameters
    ----------
    centre, deviation
        Mean and standard deviation of the prior.
    smallest
        Smallest standard deviation that a posterior can have.

    Returns
    -------
    tuple
        Nodes (k,), and the step between them.
    """
    step = min(smallest, deviation) / STEPS_PER_DEVIATION
    half = int(np.ceil(TAIL_DEVIATIONS * deviation / step))
    return centre + step * np.arange(-half, half + 1, dtype=np.float64), step


def share_above(nodes: Floats, step: float, cut: Floats) -> Floats:
    """Weight with which each node counts towards the integral above a cut.

    Parameters
    ----------
    nodes
        Equally spaced nodes; broadcast against ``cut``.
    step
        Distance between nodes.
    cut
        Lower ends of the integrals; may be infinite.

    Returns
    -------
    numpy.ndarray
        Weights, near 1 far above the cut and near 0 far below; multiply by the weights of the whole integral.
    """
    from scipy.special import sici

    distance = (nodes - cut) * (np.pi / step)
    whole = np.sign(distance) * 0.5
    finite = np.isfinite(distance)
    return np.asarray(0.5 + np.where(finite, sici(np.where(finite, distance, 0.0))[0] / np.pi, whole))


def normalise(log_density: Floats) -> tuple[Floats, Floats]:
    """Turn logarithms of an unnormalised density on nodes into weights that sum to one along the last axis.

    Returns
    -------
    tuple
        Weights of the same shape, and the logarithm of their sum before normalisation (without the last axis).
    """
    top = log_density.max(axis=-1, keepdims=True)
    weights = log_density - top
    np.exp(weights, out=weights)
    total = weights.sum(axis=-1, keepdims=True)
    weights /= total
    return weights, (top + np.log(total))[..., 0]
