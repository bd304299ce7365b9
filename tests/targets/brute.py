"""Gates scored the slow way: by applying each truth table to each cell."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from carwright.targets.kernel.panels import BitTable, pack_dense
from carwright.targets.search.gate import Gate
from carwright.targets.search.objective import Objective, Rule, make_objective


def laid_out(
    positive: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64], patients: int, rule: Rule
) -> tuple[BitTable, Objective]:
    """Bits and objective of cells whose first groups are patients and whose others are classes of one group each."""
    table = pack_dense(positive, groups)
    classes = len(table.sizes) - patients
    names = tuple(f"class {c}" for c in range(classes))
    return table, make_objective(table.sizes[:patients], names, np.arange(classes), table.sizes[patients:], rule)


def plain_score(killed: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64], patients: int, rule: Rule) -> float:
    """Score of a gate by its definition; written without the package's code."""
    shares = [killed[groups == g].mean() for g in range(groups.max() + 1)]
    coverage = np.quantile(shares[:patients], rule.quantile, method="inverted_cdf")
    worst = 0.0
    for c, share in enumerate(shares[patients:]):
        n = int((groups == patients + c).sum())
        z = 1.6448536269514722
        upper = (share + z * z / (2 * n) + z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))) / (1 + z * z / n)
        k = int(killed[groups == patients + c].sum())
        if k and beta.ppf(0.05, k, n - k + 1) > rule.limits.get(f"class {c}", 1.0):
            return -np.inf
        upper = min(upper, 1.0)
        worst = max(worst, rule.weights.get(f"class {c}", 1.0) * upper)
    return float(coverage - rule.penalty * worst) if coverage >= rule.minimum_coverage else -np.inf


def ranked(
    positive: npt.NDArray[np.bool_],
    groups: npt.NDArray[np.int64],
    objective: Objective,
    tables: tuple[int, ...],
    inputs: int,
    keep: int,
) -> list[tuple[float, Gate]]:
    """The best gates of all, best first; equal scores in the order of tables, then genes."""
    found = []
    for place, table in enumerate(tables):
        for genes in combinations(range(positive.shape[1]), inputs):
            gate = Gate(tuple(f"g{i}" for i in genes), table)
            counts = np.bincount(groups[gate.kills(positive[:, genes])], minlength=objective.groups)
            score = objective.score(objective.by_unit(counts))
            if score > -np.inf:
                found.append((-score, place, genes, gate))
    found.sort(key=lambda entry: entry[:3])
    return [(-score, gate) for score, _, _, gate in found[:keep]]
