"""Number of patients of a continual reassessment method.

Cheung 2013 (Clin Trials 10:852, doi 10.1177/1740774513497294), as the function getn of the R package dfcrm 0.2-2.1: the
number that the optimal benchmark of O'Quigley, Paoletti and Maccario 2002 needs for a probability of correct selection,
averaged over logistic curves on which each dose in turn is right, raised by an empirical efficiency of the CRM. That
was fitted for the empiric model with prior variance 1.34, a skeleton of half-width a quarter of the target, the middle
dose first, 4 to 8 doses, targets of 0.1 to 0.3 and odds ratios of 1.25 to 2.5. A starting point for simulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, exp, log, sqrt

from carwright.errors import Problems

MOST = 10_000
"""Patients beyond which the search is given up."""


@dataclass(frozen=True)
class SampleSize:
    """``patients`` and, before rounding, ``exact``; ``benchmark``, the number that no design can do without.

    ``benchmark_share`` is the probability of correct selection that the benchmark has with as many patients as the CRM
    needs, ``efficiency`` the ratio of the two numbers, ``validated`` whether the formula was fitted for such arguments.
    """

    patients: int
    exact: float
    benchmark: float
    benchmark_share: float
    efficiency: float
    validated: bool


def sample_size(
    share: float, target: float, levels: int, odds_ratio: float, *, continuity_correction: bool = True
) -> SampleSize:
    """Patients that a CRM needs.

    Parameters
    ----------
    share
        Probability of correct selection asked for, averaged over the doses.
    target
        Target probability of toxicity.
    levels
        Number of doses.
    odds_ratio
        Ratio of the odds of toxicity between neighbouring doses.
    continuity_correction
        Whether the binomial distribution's steps are taken into account.

    Raises
    ------
    CarwrightError
        Naming every argument that is out of range, or if more than `MOST` patients are needed.
    """
    _check(share, target, levels, odds_ratio)
    # Equation of the fit: the benchmark's share on the logit scale is linear in the CRM's.
    fitted = log(share / (1 - share)) - 2.26 + 0.00235 * levels**2 + 0.7 * odds_ratio + 1.903 / odds_ratio
    benchmark_share = 1.0 / (1.0 + exp(-fitted / 0.854))
    exact, benchmark = (
        _benchmark(one, target, levels, odds_ratio, corrected=continuity_correction) for one in (benchmark_share, share)
    )
    validated = 4 <= levels <= 8 and 0.1 <= target <= 0.3 and 1.25 <= odds_ratio <= 2.5 and exact <= 40
    return SampleSize(ceil(exact), exact, benchmark, benchmark_share, benchmark / exact, validated)


def _benchmark(share: float, target: float, levels: int, odds_ratio: float, *, corrected: bool) -> float:
    """Patients with which the benchmark picks the right dose with probability ``share``, before rounding."""
    from scipy.special import ndtr, ndtri

    below = target / (target + odds_ratio * (1 - target))
    above = target * odds_ratio / (1 - target + target * odds_ratio)
    # Standard deviations of the differences of two doses' outcomes in one patient with one tolerance.
    low = sqrt(target * (1 - target) + below * (1 - below) + 2 * below * (1 - target))
    high = sqrt(target * (1 - target) + above * (1 - above) + 2 * target * (1 - above))

    def distance(step: float) -> float:
        """Mean standardised distance to the neighbours, whose border a whole number shifts by ``step``."""
        found: float = ((target - below + step) / low + (above - target - step) / high) / 2
        return found

    delta = distance(0.0)
    if corrected:
        for patients in range(1, MOST + 1):
            delta = distance(0.5 / patients)
            if 1 / levels + (1 - 1 / levels) * (2 * float(ndtr(sqrt(patients) * delta)) - 1) >= share:
                break
        else:
            problems = Problems()
            problems.add("TRIAL223", "too many patients are needed", where="sample size", found=f"more than {MOST:,}")
            problems.raise_if_any()
    reach = float(ndtri(1 - levels * (1 - share) / 2 / (levels - 1)))
    return (reach / delta) ** 2


def _check(share: float, target: float, levels: int, odds_ratio: float) -> None:
    problems = Problems()
    for fits, what, found, allowed in (
        (0.0 < target < 1.0, "the target", target, "above 0 and below 1"),
        (2 <= levels <= 100, "the number of doses", levels, "2 to 100"),
        (
            levels < 2 or 1.0 / levels < share < 1.0,
            "the probability of correct selection",
            share,
            "above chance, below 1",
        ),
        (1.0 < odds_ratio <= 100.0, "the odds ratio", odds_ratio, "above 1, to 100"),
    ):
        if not fits:
            problems.add(
                "TRIAL222", f"{what} is out of range", where="sample size", found=f"{found:g}", allowed=allowed
            )
    problems.raise_if_any()
