"""Operating characteristics of a design under a truth: what happens to trials on average."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OperatingCharacteristics:
    """Properties of a design, exact or simulated.

    Parameters
    ----------
    recommended
        Probability that each node, and None for no node, is recommended.
    patients, dlts, responses
        Expected number of evaluable patients, dose-limiting toxicities and responses by node.
    sizes
        Probability of each number of patients.
    reasons
        Probability of each reason to stop.
    trials
        Number of simulated trials; None when exact.
    errors
        Monte Carlo standard errors, by name of the property and then by its keys; empty when exact.
    duration
        Mean duration of a trial in windows of observation; None without a calendar.
    undelivered
        Expected number of patients whose product fell short of the dose of each node; None where all reach it.
    """

    recommended: dict[str | None, float]
    patients: dict[str, float]
    dlts: dict[str, float]
    responses: dict[str, float]
    sizes: dict[int, float]
    reasons: dict[str, float]
    trials: int | None = None
    errors: dict[str, dict[str | None, float]] = field(default_factory=dict)
    duration: float | None = None
    undelivered: dict[str, float] | None = None

    @property
    def expected_patients(self) -> float:
        """Expected number of patients."""
        return sum(self.patients.values())

    @property
    def deviation_patients(self) -> float:
        """Standard deviation of the number of patients."""
        mean = sum(size * share for size, share in self.sizes.items())
        return math.sqrt(sum((size - mean) ** 2 * share for size, share in self.sizes.items()))

    @property
    def expected_dlts(self) -> float:
        """Expected number of dose-limiting toxicities."""
        return sum(self.dlts.values())
