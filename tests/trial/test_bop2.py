"""The Bayesian optimal phase 2 design against a walk through every outcome."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from carwright.errors import CarwrightError
from carwright.trial.bop2 import CUTOFFS, POWERS, Rates, bop2, boundaries, passes

EFFICACY = Rates(0.2, 0.45)
BOTH = Rates(0.2, 0.45, 0.4, 0.2)


def walk(looks: list[int], fewest: tuple[int, ...], most: tuple[int, ...] | None, e: float, t: float) -> list[float]:
    """Probability of passing, of stopping before the last look, and patients, stage by stage over all outcomes."""
    alive = {(0, 0): 1.0}
    expected, before, early = 0.0, 0, 0.0
    for place, n in enumerate(looks):
        added = n - before
        expected += added * sum(alive.values())
        following: dict[tuple[int, int], float] = {}
        for (responses, toxic), share in alive.items():
            for more, worse in product(range(added + 1), repeat=2):
                chance = comb(added, more) * e**more * (1 - e) ** (added - more)
                chance *= comb(added, worse) * t**worse * (1 - t) ** (added - worse)
                state = responses + more, toxic + worse
                if state[0] >= fewest[place] and (most is None or state[1] <= most[place]):
                    following[state] = following.get(state, 0.0) + share * chance
        alive, before = following, n
        if place == len(looks) - 2:
            early = 1 - sum(alive.values())
    return [sum(alive.values()), early, expected]


@pytest.mark.parametrize("rates", [EFFICACY, BOTH])
def test_probabilities_by_walking_through_every_outcome(rates: Rates) -> None:
    looks = [5, 10, 15]
    found = bop2(looks, rates)
    bounds = found.fewest_responses, found.most_toxicities
    null = walk(looks, *bounds, rates.null_response, rates.null_toxicity or 0.0)
    other = walk(looks, *bounds, rates.response, rates.toxicity or 0.0)
    assert passes(looks, bounds, rates.null_response, rates.null_toxicity) == pytest.approx(null, abs=1e-12)
    assert found.power == pytest.approx(other[0], abs=1e-12)
    assert found.stops_early == pytest.approx(null[1], abs=1e-12)
    assert found.expected_patients == pytest.approx((null[2], other[2]), abs=1e-12)
    errors = [null[0]]
    if rates.null_toxicity is not None:
        assert rates.toxicity is not None
        errors.append(walk(looks, *bounds, rates.response, rates.null_toxicity)[0])
        errors.append(walk(looks, *bounds, rates.null_response, rates.toxicity)[0])
    assert found.type_1_error == pytest.approx(max(errors), abs=1e-12)
    assert found.type_1_error <= 0.1


def test_boundaries_by_quadrature() -> None:
    """A look is passed when the posterior probability of more responses than the null rate is at least the cutoff."""
    looks, cutoff, power = [6, 12, 20], 0.83, 0.45
    fewest, most = boundaries(looks, BOTH, cutoff, power)
    assert most is not None
    for n, least, largest in zip(looks, fewest, most, strict=True):
        needed = cutoff * (n / 20) ** power
        for seen in range(n + 1):
            better = quad(lambda p, s=seen, m=n: beta.pdf(p, 0.2 + s, 0.8 + m - s), 0.2, 1.0)[0]
            safer = quad(lambda p, s=seen, m=n: beta.pdf(p, 0.4 + s, 0.6 + m - s), 0.0, 0.4)[0]
            assert (seen >= least) == (better >= needed)
            assert (seen <= largest) == (safer >= needed)


def test_no_other_pair_is_better() -> None:
    looks = [8, 16]
    best = bop2(looks, EFFICACY)
    for cutoff, power in product(CUTOFFS[::7], POWERS[::4]):
        bounds = boundaries(looks, EFFICACY, cutoff, power)
        if passes(looks, bounds, 0.2)[0] <= 0.1:
            assert passes(looks, bounds, 0.45)[0] <= best.power + 1e-12


def test_power_by_simulation() -> None:
    found = bop2([10, 20, 30], BOTH, 0.15)
    assert found.most_toxicities is not None
    random = np.random.default_rng(1)
    active = np.cumsum(random.random((50_000, 30)) < 0.45, axis=1)[:, [9, 19, 29]]
    toxic = np.cumsum(random.random((50_000, 30)) < 0.2, axis=1)[:, [9, 19, 29]]
    passed = ((active >= found.fewest_responses) & (toxic <= found.most_toxicities)).all(axis=1).mean()
    assert found.power == pytest.approx(passed, abs=4 * 0.5 / 50_000**0.5)


def test_mistakes() -> None:
    with pytest.raises(CarwrightError) as caught:
        bop2([20, 10], Rates(0.5, 0.4, 0.2, 0.3), 0.9)
    assert sorted(problem.code for problem in caught.value.problems) == ["TRIAL250", "TRIAL250", "TRIAL253", "TRIAL261"]
    with pytest.raises(CarwrightError, match="keeps the type 1 error"):
        bop2([1, 2], Rates(0.4, 0.5), 0.01)
