"""Weights of patients whose observation window is incomplete.

Cheung and Chappell 2000 (Biometrics 56:1177, doi 10.1111/j.0006-341x.2000.01177.x): linear weights, and weights that
adapt to the times at which toxicities were seen.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from carwright.errors import Problems
from carwright.trial.posterior.quadrature import Floats


def weights(days: npt.ArrayLike, toxic: npt.ArrayLike, window_days: float, scheme: str = "linear") -> Floats:
    """Weight of each patient's information.

    Parameters
    ----------
    days
        Days of follow-up; for a patient with toxicity, up to the toxicity.
    toxic
        Whether the patient had a toxicity; such patients weigh 1.
    window_days
        Length of the observation window.
    scheme
        ``linear`` (share of the window), or ``adaptive``: the distribution function of the times to toxicity seen so
        far, joined by straight lines.

    Returns
    -------
    numpy.ndarray
        Weights from 0 to 1.

    Raises
    ------
    CarwrightError
        Naming every follow-up that is negative or too long for a toxicity, a window that is not positive, and an
        unknown scheme.
    """
    followed, events = np.asarray(days, dtype=np.float64), np.asarray(toxic, dtype=np.bool_)
    _check(followed, events, window_days, scheme)
    seen = np.sort(followed[events])
    if scheme == "linear" or not len(seen):
        share = followed / window_days
    else:
        # Times of toxicity split the window into stretches that weigh the same; where two times coincide, the later
        # part of the step counts.
        before = np.searchsorted(seen, followed, side="right")
        edges = np.concatenate([[0.0], seen, [window_days]])
        start, end = edges[before], edges[before + 1]
        within = np.divide(followed - start, end - start, out=np.zeros_like(followed), where=end > start)
        share = (before + within) / (len(seen) + 1)
    return np.where(events, 1.0, np.minimum(share, 1.0))


def _check(followed: Floats, events: npt.NDArray[np.bool_], window_days: float, scheme: str) -> None:
    problems = Problems()
    if scheme not in ("linear", "adaptive"):
        problems.add(
            "TRIAL230",
            "there is no such weighting scheme",
            where="design, weights",
            found=scheme,
            allowed="linear, adaptive",
            fix="choose one of the allowed schemes",
        )
    if not 0.0 < window_days < np.inf:
        problems.add(
            "TRIAL231",
            "the observation window is not positive",
            where="design, window_days",
            found=f"{window_days:g}",
            allowed="above 0",
            fix="correct the number of days",
        )
    for patient in np.flatnonzero(~(followed >= 0.0)):
        problems.add(
            "TRIAL232",
            "a follow-up is not a number of days",
            where=f"patient {patient + 1}",
            found=f"{followed[patient]:g}",
            allowed="0 or more",
            fix="correct the dates",
        )
    for patient in np.flatnonzero(events & (followed > window_days)):
        problems.add(
            "TRIAL233",
            "a toxicity lies outside the observation window",
            where=f"patient {patient + 1}",
            found=f"{followed[patient]:g} days",
            allowed=f"0 to {window_days:g} days",
            fix="count it as no toxicity, or correct the window",
        )
    problems.raise_if_any()
