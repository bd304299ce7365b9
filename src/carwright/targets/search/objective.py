"""What a gate is worth: its reach in nearly every patient, against the normal class it hurts most.

Coverage is taken per patient and then the low quantile over patients; patients are never pooled. The burden of a normal
class is the one-sided upper Wilson bound of the fraction of its cells that the gate kills; the worst class, after
weights, is what counts. The score is ``coverage - penalty x worst burden``; classes may also have a limit that no gate
may pass.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.stats import norm

from carwright.targets.positivity.intervals import lower_bound

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rule:
    """How gates are scored.

    Parameters
    ----------
    quantile
        Low quantile over patients: the smallest coverage such that at least this share of patients lies at or below.
    penalty
        Weight of the worst class against coverage.
    level
        One-sided level of the bounds of a burden.
    minimum_coverage
        Gates below it are dropped.
    weights
        By class; 1 for a class that is not named, 0 to leave it out of the score.
    limits
        By class, the fraction of cells that no gate may be shown to kill: one whose lower bound passes it is vetoed.
    """

    quantile: float = 0.10
    penalty: float = 1.0
    level: float = 0.95
    minimum_coverage: float = 0.0
    weights: Mapping[str, float] = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Objective:
    """A `Rule` laid out over the groups of a bit table: patients first, then parts of normal classes.

    Parameters
    ----------
    patients
        Cells of each patient, (patients,).
    classes
        Names of the normal classes.
    class_of
        Class of each later group, (groups - patients,); non-decreasing.
    sizes
        Cells of each class.
    weights, largest
        By class: weight, and the most positive cells that do not show its limit to be passed.
    floor
        Which of the sorted coverages is the low quantile, counted from 0.
    """

    patients: Integers
    classes: tuple[str, ...]
    class_of: Integers
    sizes: Integers
    weights: Floats
    largest: Integers
    floor: int
    penalty: float
    z: float
    minimum_coverage: float

    @property
    def groups(self) -> int:
        """Number of groups in the bit table."""
        return len(self.patients) + len(self.class_of)

    def by_unit(self, counts: Integers) -> Integers:
        """Counts per patient and class, (…, patients + classes), from counts per group, (…, groups)."""
        first = len(self.patients) + np.searchsorted(self.class_of, np.arange(len(self.classes)))
        return np.concatenate(
            [counts[..., : len(self.patients)], np.add.reduceat(counts, first, axis=-1)]
            if len(self.classes)
            else [counts],
            axis=-1,
        )

    def score(self, counts: Integers) -> float:
        """Score of a gate from its cells per patient and class, (patients + classes,); -inf where it is vetoed."""
        arrays = self.arrays
        return float(score(np.asarray(counts, np.int64), *arrays))

    @property
    def arrays(self) -> tuple[Integers, Integers, Floats, Integers, int, float, float, float]:
        """What the compiled score needs besides the counts."""
        return (
            self.patients,
            self.sizes,
            self.weights,
            self.largest,
            self.floor,
            self.penalty,
            self.z,
            self.minimum_coverage,
        )


def floor_of(patients: int, quantile: float) -> int:
    """Place, from 0, of the low quantile among sorted values: ceil(q n) - 1, at least 0."""
    return max(0, math.ceil(quantile * patients - 1e-9) - 1)


def make_objective(
    patients: npt.ArrayLike, classes: tuple[str, ...], class_of: npt.ArrayLike, group_sizes: npt.ArrayLike, rule: Rule
) -> Objective:
    """Lay a rule out over groups.

    Parameters
    ----------
    patients
        Cells of each patient.
    classes
        Names of the normal classes.
    class_of, group_sizes
        Class and cells of each group that follows the patients.
    rule
        How gates are scored.
    """
    class_of = np.asarray(class_of, np.int64)
    sizes = np.bincount(class_of, weights=np.asarray(group_sizes, float), minlength=len(classes)).astype(np.int64)
    z = float(norm.ppf(rule.level))
    weights = np.array([rule.weights.get(name, 1.0) for name in classes], float)
    largest = np.array(
        [
            most_allowed(int(size), rule.limits.get(name, 1.0), rule.level)
            for name, size in zip(classes, sizes, strict=True)
        ],
        np.int64,
    )
    n = np.asarray(patients, np.int64)
    return Objective(
        n, tuple(classes), class_of, sizes, weights, largest, floor_of(len(n), rule.quantile), float(rule.penalty), z,
        float(rule.minimum_coverage),
    )  # fmt: skip


def most_allowed(size: int, limit: float, level: float) -> int:
    """Most positive cells of so many whose lower bound is within the limit: one more shows that the limit is passed."""
    if limit >= 1.0:
        return size
    k = np.arange(size + 1)
    return int(k[lower_bound(k, np.full(size + 1, size), level) <= limit][-1])


@njit(inline="always")
def wilson_upper(k, n, z):  # type: ignore[no-untyped-def]
    """Upper one-sided Wilson bound of k of n (Wilson, J Am Stat Assoc 1927; 22:209)."""
    if n <= 0:
        return 1.0
    p = k / n
    z2 = z * z
    return min(1.0, (p + z2 / (2.0 * n) + z * math.sqrt(p * (1.0 - p) / n + z2 / (4.0 * n * n))) / (1.0 + z2 / n))


@njit(cache=True, nogil=True)
def score(counts, patients, sizes, weights, largest, floor, penalty, z, minimum):  # type: ignore[no-untyped-def]
    """Score of one gate; the same arithmetic wherever a gate is ranked, so that ties are ties."""
    worst = 0.0
    for c in range(len(sizes)):
        k = counts[len(patients) + c]
        if k > largest[c]:
            return -math.inf
        if weights[c] > 0.0:
            worst = max(worst, weights[c] * wilson_upper(k, sizes[c], z))
    low = np.full(floor + 1, math.inf)
    for p in range(len(patients)):
        value = counts[p] / patients[p]
        for i in range(floor + 1):
            if value < low[i]:
                low[i], value = value, low[i]
    coverage = low[floor]
    if coverage < minimum:
        return -math.inf
    return coverage - penalty * worst
