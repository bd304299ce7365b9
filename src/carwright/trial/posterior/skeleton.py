"""Choosing and judging the skeleton of a continual reassessment method.

Lee and Cheung 2009 (Clin Trials 6:227, doi 10.1177/1740774509105076) for the skeleton from the half-width of the
indifference interval; Cheung and Chappell 2002 (Biometrics 58:671, doi 10.1111/j.0006-341x.2002.00671.x) for
indifference intervals; Cheung 2005 (Biometrika 92:863, doi 10.1093/biomet/92.4.863) for coherence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from carwright.errors import Problems
from carwright.trial.posterior.crm import CrmFit
from carwright.trial.posterior.quadrature import Floats
from carwright.trial.posterior.tables import Counts
from carwright.trial.posterior.working_models import INTERCEPT, WorkingModel, check_probability

END = 5.0
"""Least reach of the outermost home sets on either side of zero (published: dfcrm, function crmsens)."""


def skeleton_from_halfwidth(
    halfwidth: float, target: float, prior_level: int, levels: int, model: str = "empiric", intercept: float = INTERCEPT
) -> tuple[float, ...]:
    """Skeleton whose indifference intervals are ``target`` plus and minus ``halfwidth`` at every level.

    Parameters
    ----------
    halfwidth
        Half-width of the interval, above 0.
    target
        Target probability of toxicity.
    prior_level
        Level, from 1, whose prior guess is the target.
    levels
        Number of levels.
    model, intercept
        Working model, as in `carwright.trial.posterior.working_models.working_model`.

    Raises
    ------
    CarwrightError
        Naming every argument that is out of range.
    """
    problems = Problems()
    check_probability(target, "target", problems, "design, target")
    if not 0.0 < halfwidth < min(target, 1.0 - target):
        problems.add(
            "TRIAL220",
            "the half-width of the indifference interval is out of range",
            where="design, halfwidth",
            found=f"{halfwidth:g}",
            allowed="above 0, and target plus and minus half-width within 0 to 1",
            fix="choose a smaller half-width, such as 0.05",
        )
    if not 1 <= prior_level <= levels:
        problems.add(
            "TRIAL221",
            "the level of the prior guess does not exist",
            where="design, prior_level",
            found=str(prior_level),
            allowed=f"1 to {levels}",
            fix="choose one of the levels",
        )
    if model not in ("empiric", "logistic"):
        problems.add(
            "TRIAL200",
            "there is no such working model",
            where="design, model",
            found=model,
            allowed="empiric, logistic",
            fix="choose one of the allowed models",
        )
    problems.raise_if_any()

    def scale(probability: float) -> float:
        """Return the scaled dose, on which both models multiply by exp(b)."""
        if model == "empiric":
            return float(np.log(probability))
        return float(np.log(probability / (1.0 - probability)) - intercept)

    # At the border between the home sets of two neighbours one lies at target - halfwidth and the other at target +
    # halfwidth, so that neighbouring scaled doses have a constant ratio.
    ratio = scale(target - halfwidth) / scale(target + halfwidth)
    scaled = scale(target) * ratio ** (prior_level - 1.0 - np.arange(levels))
    prior = np.exp(scaled) if model == "empiric" else 1.0 / (1.0 + np.exp(-intercept - scaled))
    return tuple(float(value) for value in prior)


@dataclass(frozen=True)
class Indifference:
    """Home sets and indifference intervals, one row per level.

    ``home_sets`` (levels, 2) are the values of ``b`` at which the level is recommended; ``intervals`` (levels, 2) the
    probabilities of toxicity of the neighbours at their ends, NaN where there is no neighbour.
    """

    home_sets: Floats
    intervals: Floats


def indifference(model: WorkingModel, target: float) -> Indifference:
    """Home sets of a working model; the recommendation converges if no neighbour lies within its interval."""
    from scipy.optimize import brentq

    levels = len(model.skeleton)
    # Where the outermost levels leave all doubt: their curve is half-way from the target to one, or to zero.
    low = min(-END, float(model.parameter_at((1.0 + target) / 2.0)[0]))
    high = max(END, float(model.parameter_at(target / 2.0)[-1]))
    borders = [low]
    for level in range(1, levels):

        def excess(beta: float, level: int = level) -> float:
            return float(model.probability(np.asarray(beta))[level - 1 : level + 1].sum() - 2.0 * target)

        borders.append(brentq(excess, low, high, xtol=1e-13))
    borders.append(high)
    curves = model.probability(np.asarray(borders))
    intervals = np.full((levels, 2), np.nan)
    intervals[1:, 0] = [curves[level, level - 1] for level in range(1, levels)]
    intervals[:-1, 1] = [curves[level + 1, level + 1] for level in range(levels - 1)]
    return Indifference(np.column_stack([borders[:-1], borders[1:]]), intervals)


def incoherent_after(
    fit: Callable[[Counts, Counts], CrmFit], levels: int, target: float, initial: Sequence[int]
) -> list[tuple[int, int]]:
    """Where an initial escalation plan could make the model escalate right after the first toxicity.

    Parameters
    ----------
    fit
        Fits counts (trials, levels), such as `CrmPosterior.fit`.
    levels
        Number of levels.
    target
        Target probability of toxicity.
    initial
        Level, from 1, of each patient while no toxicity is seen.

    Returns
    -------
    list
        Number of the patient with the first toxicity, and the level above the patient's own that the model would
        then give. Empty if the two-stage design is coherent (Cheung 2005).
    """
    given = np.asarray(initial[:-1])
    patients = np.cumsum(given[:, None] == np.arange(1, levels + 1), axis=0)
    dlts = (given[:, None] == np.arange(1, levels + 1)).astype(np.int64)
    chosen = fit(patients, dlts).level(target) + 1
    return [(patient + 1, int(chosen[patient])) for patient in np.flatnonzero(chosen > given).tolist()]
