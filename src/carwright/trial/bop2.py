"""Bayesian optimal phase 2 design: futility and toxicity looks for an expansion cohort.

Zhou, Lee and Yuan 2017 (Stat Med 36:3302, doi 10.1002/sim.7338). At a look with n of N patients the trial stops when
the posterior probability that the response rate exceeds the uninteresting one is below ``cutoff * (n / N) ** power``;
with a limit of toxicity also when the probability that toxicity stays below it is. The two numbers are chosen so that
the power is largest among those whose type 1 error is at most the one asked for. Priors are Beta distributions worth
one patient, with the null rates as means. For both outcomes the published design takes a multinomial with a Dirichlet
prior, whose margins are these Betas; response and toxicity are taken as independent when probabilities are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from carwright.errors import Problems
from carwright.trial.batch import Floats

CUTOFFS = tuple(round(0.5 + 0.01 * step, 2) for step in range(50))
"""Cutoffs that are searched (assumed: steps of 0.01 from 0.5)."""

POWERS = tuple(round(0.05 * step, 2) for step in range(21))
"""Powers that are searched (assumed: steps of 0.05 from 0 to 1)."""

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Bop2:
    """The design and its properties.

    ``fewest_responses`` and ``most_toxicities`` by look are the numbers with which the trial goes on, and at the last
    look with which the treatment is promising; the toxicities are None without a limit. ``type_1_error`` and
    ``stops_early`` hold under the null rates, ``power`` under the alternative ones, ``expected_patients`` under each.
    """

    looks: tuple[int, ...]
    cutoff: float
    power_of_looks: float
    fewest_responses: tuple[int, ...]
    most_toxicities: tuple[int, ...] | None
    type_1_error: float
    power: float
    stops_early: float
    expected_patients: tuple[float, float]


@dataclass(frozen=True)
class Rates:
    """Response and toxicity, uninteresting (null) and interesting; no toxicity where its limits are None."""

    null_response: float
    response: float
    null_toxicity: float | None = None
    toxicity: float | None = None


def bop2(looks: Sequence[int], rates: Rates, type_1_error: float = 0.1) -> Bop2:
    """Find the design.

    Parameters
    ----------
    looks
        Numbers of patients at the looks, rising; the last is the size of the trial.
    rates
        Null and alternative rates. With toxicity, the type 1 error is the larger of those of a treatment that is
        active but toxic and one that is inactive but safe, and of one that is neither.
    type_1_error
        Largest error allowed.

    Raises
    ------
    CarwrightError
        Naming every argument that is out of range, or saying that no design keeps the error.
    """
    _check(looks, rates, type_1_error)
    best: tuple[float, float, float, float] | None = None
    seen: dict[tuple[tuple[int, ...], tuple[int, ...] | None], tuple[float, float]] = {}
    for cutoff, power in product(CUTOFFS, POWERS):
        bounds = boundaries(looks, rates, cutoff, power)
        if any(fewest > n for n, fewest in zip(looks, bounds[0], strict=True)):
            continue  # a look that nobody can pass
        if bounds not in seen:
            seen[bounds] = (_error(looks, bounds, rates), passes(looks, bounds, rates.response, rates.toxicity)[0])
        error, success = seen[bounds]
        if error <= type_1_error and (best is None or (success, -error) > (best[0], best[1])):
            best = (success, -error, cutoff, power)
    if best is None:
        problems = Problems()
        problems.add(
            "TRIAL252",
            "no design of this size keeps the type 1 error",
            where="bop2",
            found=f"{looks[-1]} patients, {type_1_error:g}",
            fix="allow more patients or a larger error",
        )
        problems.raise_if_any()
    assert best is not None  # noqa: S101  # a problem was raised otherwise
    bounds = boundaries(looks, rates, best[2], best[3])
    _, early, null_patients = passes(looks, bounds, rates.null_response, rates.null_toxicity)
    success, _, patients = passes(looks, bounds, rates.response, rates.toxicity)
    return Bop2(
        tuple(looks), best[2], best[3], *bounds, _error(looks, bounds, rates), success, early, (null_patients, patients)
    )


def boundaries(
    looks: Sequence[int], rates: Rates, cutoff: float, power: float
) -> tuple[tuple[int, ...], tuple[int, ...] | None]:
    """Fewest responses and most toxicities with which the trial passes each look; -1 toxicities never pass."""
    from scipy.special import betainc, betaincc

    fewest, most = [], []
    for n in looks:
        needed = cutoff * (n / looks[-1]) ** power
        counts = np.arange(n + 1)
        a, b = rates.null_response, 1.0 - rates.null_response
        promising = betaincc(a + counts, b + n - counts, rates.null_response) >= needed - _ROUNDING
        fewest.append(int(promising.argmax()) if promising.any() else n + 1)
        if rates.null_toxicity is not None:
            a, b = rates.null_toxicity, 1.0 - rates.null_toxicity
            safe = betainc(a + counts, b + n - counts, rates.null_toxicity) >= needed - _ROUNDING
            most.append(int(safe.sum()) - 1)
    return tuple(fewest), tuple(most) if rates.null_toxicity is not None else None


def passes(
    looks: Sequence[int],
    bounds: tuple[tuple[int, ...], tuple[int, ...] | None],
    response: float,
    toxicity: float | None = None,
) -> tuple[float, float, float]:
    """Probabilities of passing all looks and of stopping before the last, and the expected number of patients."""
    fewest, most = bounds
    alive: Floats = np.ones((1, 1))
    before, expected, early = 0, 0.0, 0.0
    for place, n in enumerate(looks):
        expected += (n - before) * float(alive.sum())
        added = n - before
        alive = _convolve(alive, _mass(added, response), axis=0)
        alive = _convolve(alive, _mass(added, 0.0 if toxicity is None else toxicity), axis=1)
        alive[: fewest[place]] = 0.0
        if most is not None:
            alive[:, most[place] + 1 :] = 0.0
        before = n
        if place == len(looks) - 2:
            early = 1.0 - float(alive.sum())
    return float(alive.sum()), early, expected


def _error(looks: Sequence[int], bounds: tuple[tuple[int, ...], tuple[int, ...] | None], rates: Rates) -> float:
    """Largest probability of passing under a treatment that is not worth it."""
    worst = passes(looks, bounds, rates.null_response, rates.null_toxicity)[0]
    if rates.null_toxicity is None:
        return worst
    mixed = (
        passes(looks, bounds, rates.response, rates.null_toxicity)[0],
        passes(looks, bounds, rates.null_response, rates.toxicity)[0],
    )
    return max(worst, *mixed)


def _convolve(table: Floats, mass: Floats, axis: int) -> Floats:
    return np.apply_along_axis(np.convolve, axis, table, mass)


def _mass(patients: int, rate: float) -> Floats:
    from scipy.stats import binom

    found: Floats = binom.pmf(np.arange(patients + 1), patients, rate)
    return found


def _check(looks: Sequence[int], rates: Rates, type_1_error: float) -> None:
    problems = Problems()
    if not looks or looks[0] < 1 or looks[-1] > 200 or any(later <= earlier for earlier, later in pairwise(looks)):
        problems.add(
            "TRIAL261",
            "the looks do not rise",
            where="bop2, looks",
            found=" ".join(map(str, looks)),
            allowed="numbers of patients that rise, from 1 to 200",
            fix="list the looks in order, such as 10 20 30",
        )
    if not 0.0 < rates.null_response < rates.response < 1.0:
        problems.add(
            "TRIAL250",
            "the response rates are out of order or range",
            where="bop2",
            found=f"{rates.null_response:g} and {rates.response:g}",
            allowed="0 < uninteresting < interesting < 1",
            fix="correct the rates",
        )
    pair = (rates.null_toxicity, rates.toxicity)
    if pair != (None, None) and (None in pair or not 0.0 < float(pair[1] or 0.0) < float(pair[0] or 0.0) < 1.0):
        problems.add(
            "TRIAL253",
            "the toxicity rates are out of order or range",
            where="bop2",
            found=f"{pair[0]} and {pair[1]}",
            allowed="0 < acceptable < too high < 1, or neither",
            fix="correct the rates",
        )
    if not 0.0 < type_1_error < 0.5:
        problems.add(
            "TRIAL250",
            "the type 1 error is out of range",
            where="bop2",
            found=f"{type_1_error:g}",
            allowed="above 0 and below 0.5",
            fix="correct the error, for example 0.05 or 0.1",
        )
    problems.raise_if_any()
