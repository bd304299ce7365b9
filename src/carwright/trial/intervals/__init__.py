"""Intervals for simulated and published quantities.

Three kinds of uncertainty are kept apart. ``lo`` and ``hi`` of a marginal quantity say where it lies in a
population like those drawn: spread between population draws, widened by the Monte Carlo error of the run. A
predictive interval says what a single trial of the simulated size would show. A Monte Carlo interval says only how
precisely the run knows its own mean.
"""

from carwright.trial.intervals.binomial import clopper_pearson, wilson
from carwright.trial.intervals.interval import Interval
from carwright.trial.intervals.medians import marginal_median
from carwright.trial.intervals.monte_carlo import monte_carlo_mean, monte_carlo_rate
from carwright.trial.intervals.paired import Arm, paired_mean_difference, paired_median_difference
from carwright.trial.intervals.predictive import covered, predictive
from carwright.trial.intervals.rates import marginal_mean, marginal_rate

__all__ = [
    "Arm",
    "Interval",
    "clopper_pearson",
    "covered",
    "marginal_mean",
    "marginal_median",
    "marginal_rate",
    "monte_carlo_mean",
    "monte_carlo_rate",
    "paired_mean_difference",
    "paired_median_difference",
    "predictive",
    "wilson",
]
