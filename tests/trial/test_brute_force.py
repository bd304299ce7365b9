"""Every design's rule against a second implementation: plain Python, exact fractions, or SciPy's quadrature."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import dblquad, quad
from scipy.optimize import minimize_scalar
from scipy.stats import beta, norm

from carwright.trial.design import Design
from carwright.trial.outcomes import Cohort, History
from carwright.trial.registry import build_design
from carwright.trial.space import grid, ladder

Counts = tuple[int, ...]


def build(name: str, levels: int = 4, n: int | None = None, **options: object) -> Design:
    rules = [{"stop_at": {"n": n}}] if n else []
    return build_design(name, ladder(levels), {"halt_on_death": False, **options}, rules, stops=False)


def walks(design: Design, trials: int, cohorts: int, toxic: float = 0.3, active: float = 0.4) -> list[History]:
    """Histories that chance and the design's own decisions make."""
    random = np.random.default_rng(7)
    found: set[History] = set()
    for _ in range(trials):
        history: History = ()
        for _ in range(cohorts):
            decision = design.decide(history)
            if decision.node is None:
                break
            seen = ""
            for _ in range(decision.cohort_size):
                pair = random.random() < toxic, random.random() < active and design.uses_responses
                seen += {(False, False): "N", (True, False): "T", (False, True): "E", (True, True): "B"}[pair]
            history = (*history, Cohort(decision.node, seen))
            found.add(tuple(cohort.canonical() for cohort in history))
    return sorted(found, key=str)


def counts(history: History, doses: int) -> tuple[Counts, Counts, Counts]:
    """Patients, toxicities and responses by dose."""
    n, y, e = [0] * doses, [0] * doses, [0] * doses
    for cohort in history:
        place = int(cohort.node) - 1
        n[place] += cohort.patients
        y[place] += cohort.dlts
        e[place] += sum(seen in "EB" for seen in cohort.letters)
    return tuple(n), tuple(y), tuple(e)


def below(edge: Fraction, n: int, y: int) -> Fraction:
    """P(p < edge) after y of n under a uniform prior: a binomial tail, exactly."""
    if edge <= 0:
        return Fraction(0)
    if edge >= 1:
        return Fraction(1)
    return sum(
        (math.comb(n + 1, k) * edge**k * (1 - edge) ** (n + 1 - k) for k in range(y + 1, n + 2)), start=Fraction(0)
    )


def boin_code(n: int, y: int, target: Fraction) -> str:
    low, high, t = float(target) * 0.6, float(target) * 1.4, float(target)
    escalate = math.log((1 - low) / (1 - t)) / math.log(t * (1 - low) / (low * (1 - t)))
    deescalate = math.log((1 - t) / (1 - high)) / math.log(high * (1 - t) / (t * (1 - high)))
    return "E" if y / n <= escalate else "D" if y / n > deescalate else "S"


def strongest(keys: list[tuple[Fraction, Fraction]], n: int, y: int, *, unit: bool) -> tuple[Fraction, Fraction]:
    def mass(key: tuple[Fraction, Fraction]) -> Fraction:
        share = below(key[1], n, y) - below(key[0], n, y)
        return share / (key[1] - key[0]) if unit else share

    return max(keys, key=mass)


def keys(low: Fraction, high: Fraction, *, whole: bool) -> list[tuple[Fraction, Fraction]]:
    """Keys of one width over the unit interval, the incomplete ones at the ends only if not ``whole``."""
    width = high - low
    found = [(low, high)]
    while found[0][0] > 0:
        found.insert(0, (max(found[0][0] - width, Fraction(0)), found[0][0]))
    while found[-1][1] < 1:
        found.append((found[-1][1], min(found[-1][1] + width, Fraction(1))))
    return [key for key in found if not whole or key[1] - key[0] == width]


def interval_code(n: int, y: int, target: Fraction, kind: str) -> str:
    low, high = target - Fraction(1, 20), target + Fraction(1, 20)
    if kind == "mtpi":
        best = strongest([(Fraction(0), low), (low, high), (high, Fraction(1))], n, y, unit=True)
    else:
        best = strongest(keys(low, high, whole=kind == "keyboard"), n, y, unit=kind != "keyboard")
    return "E" if best[1] <= low else "S" if best == (low, high) else "D"


def i3_code(n: int, y: int, target: Fraction) -> str:
    low, high = target - Fraction(1, 20), target + Fraction(1, 20)
    if Fraction(y, n) < low:
        return "E"
    if Fraction(y, n) <= high:
        return "S"
    return "S" if Fraction(y - 1, n) < low else "D"


def isotonic(n: list[int], y: list[int]) -> list[Fraction]:
    """Pool adjacent violators with inverse Beta variances, exactly."""
    blocks: list[tuple[Fraction, Fraction, int]] = []
    for patients, toxic in zip(n, y, strict=True):
        a, b = toxic + Fraction(1, 20), patients - toxic + Fraction(1, 20)
        blocks.append((a / (a + b), (a + b) ** 2 * (a + b + 1) / (a * b), 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (one, first, k), (two, second, m) = blocks[-2:]
            blocks[-2:] = [((one * first + two * second) / (first + second), first + second, k + m)]
    return [value for value, _, count in blocks for _ in range(count)]


def selection(n: Counts, y: Counts, closed: int, target: Fraction) -> str | None:
    """Dose whose isotonic estimate is nearest to the target; of equal estimates below it the highest."""
    given = [place for place in range(closed) if n[place]]
    if not given:
        return None
    estimates = isotonic([n[place] for place in given], [y[place] for place in given])
    raised = [value + Fraction(rank + 1, 10**10) for rank, value in enumerate(estimates)]
    best = min(range(len(given)), key=lambda rank: (abs(raised[rank] - target), rank))
    return str(given[best] + 1)


CODES: dict[str, tuple[Callable[[int, int, Fraction], str], int]] = {
    "boin": (boin_code, 3),
    "keyboard": (lambda n, y, target: interval_code(n, y, target, "keyboard"), 1),
    "mtpi": (lambda n, y, target: interval_code(n, y, target, "mtpi"), 2),
    "mtpi-2": (lambda n, y, target: interval_code(n, y, target, "mtpi-2"), 2),
    "i3+3": (i3_code, 3),
}
"""Rule and fewest patients for elimination."""


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("target", [Fraction(1, 5), Fraction(3, 10), Fraction(7, 20)])
def test_designs_of_one_table(name: str, target: Fraction) -> None:
    code, least = CODES[name]
    design = build(name, n=24, target=float(target))
    checked = 0
    for history in walks(design, 60, 8, toxic=0.35):
        n, y, _ = counts(history, 4)
        shut = [n[place] >= least and 1 - below(target, n[place], y[place]) > Fraction(19, 20) for place in range(4)]
        closed = shut.index(True) if any(shut) else 4
        here = int(history[-1].node) - 1
        move = {"E": 1, "S": 0, "D": -1}["D" if shut[here] else code(n[here], y[here], target)]
        following = None if not closed else str(min(max(here + move, 0), 3, closed - 1) + 1)
        decision = design.decide(history)
        if sum(n) < 24:
            assert decision.node == following, history
            checked += 1
        assert design.selected(history) == selection(n, y, closed, target), history
    assert checked > 50


@pytest.mark.parametrize("name", CODES)
def test_tables_exactly(name: str) -> None:
    """Every cell up to 15 patients, ties included: of equal intervals the lower one counts."""
    code, least = CODES[name]
    target = Fraction(1, 4)
    rows: Any = build(name, target=0.25)
    table = rows.table(15)
    for n in range(1, 16):
        for y in range(n + 1):
            gone = n >= least and 1 - below(target, n, y) > Fraction(19, 20)
            expected = "X" if gone else code(n, y, target)
            assert "ESDX"[table[n, y]] == expected, (n, y)


ROLLING = {
    "escalate": {(3, 0, 0), (4, 0, 0), (5, 0, 0), (6, 0, 0), (6, 0, 1), (6, 1, 0)},
}
"""Patients, toxicities and pending ones with which rolling six escalates (Skolnik 2008, table 1)."""


def test_rolling_six_by_its_table() -> None:
    design = build("rolling-six", 3)
    for n in range(1, 7):
        for toxic, pending in product(range(n + 1), repeat=2):
            if toxic + pending > n:
                continue
            weights = (1.0,) * (n - pending) + (0.5,) * pending
            letters = "T" * toxic + "N" * (n - toxic)
            below_ = Cohort("1", "NNN")
            decision = design.decide((below_, Cohort("2", letters, follow_up=weights if pending else ())))
            if toxic >= 2:
                assert (decision.node, decision.cohort_size) == ("1", 1)
            elif (n, toxic, pending) in ROLLING["escalate"]:
                assert decision.node == "3"
            elif n == 6:
                assert decision.waits
            else:
                assert decision.node == "2", (n, toxic, pending)


def test_accelerated_titration_by_hand() -> None:
    def following(history: History) -> tuple[str | None, int, str | None]:
        """One patient a dose; from the first toxicity 3+3 down and up."""
        n, y, _ = counts(history, 4)
        place = 0
        if not any(y):
            given = [k for k in range(4) if n[k]]
            if not given:
                return "1", 1, None
            top = given[-1]
            if top < 3:
                return str(top + 2), 1, None
            place = 3
        else:
            last = int(history[-1].node) - 1
            place = last
        while place >= 0 and y[place] >= 2:
            place -= 1
        if place < 0:
            return None, 0, None
        passed = (n[place] >= 3 and y[place] == 0) or (n[place] >= 6 and y[place] == 1)
        stopped_above = place < 3 and y[place + 1] >= 2
        if passed and (place == 3 or stopped_above):
            return None, 0, str(place + 1)
        if passed:
            place += 1
            if y[place] >= 2:
                return None, 0, str(place)
        goal = 3 if n[place] < 3 else 6
        return str(place + 1), goal - n[place], None

    design = build("accelerated-titration")
    for history in walks(design, 300, 8, toxic=0.3):
        decision = design.decide(history)
        assert (decision.node, decision.cohort_size, decision.recommended) == following(history), history


pending_cohorts = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.one_of(st.just("T"), st.floats(0.0, 1.0)), min_size=1, max_size=4)),
    min_size=1,
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(given_cohorts=pending_cohorts)
def test_tite_boin_by_its_formula(given_cohorts: list[tuple[int, list[Any]]]) -> None:
    history: History = ()
    for place, patients in given_cohorts:
        letters = "".join("T" if one == "T" else "N" for one in patients)
        parts = tuple(1.0 if one == "T" else one for one in patients)
        history = (*history, Cohort(str(place + 1), letters, follow_up=parts if min(parts) < 1.0 else ()))
    target = 0.3
    everyone = [[one for at, cohort in given_cohorts if at == place for one in cohort] for place in range(3)]
    here = given_cohorts[-1][0]

    def shut(place: int) -> bool:
        n, y = len(everyone[place]), everyone[place].count("T")
        return n >= 3 and 1 - below(Fraction(3, 10), n, y) > Fraction(19, 20)

    closed = next((place for place in range(3) if shut(place)), 3)
    decision = build("tite-boin", 3).decide(history)
    if closed == 0:
        assert decision.node is None
        assert not decision.waits
        return
    patients = everyone[here]
    n, y = len(patients), patients.count("T")
    parts = [one for one in patients if one != "T" and one < 1.0]
    plain = boin_code(n, y, Fraction(3, 10))
    decided = not parts or shut(here) or plain == "D"
    if not decided and len(parts) > n / 2:
        assert decision.waits
        return
    mean = (y + target / 2) / (n - len(parts) + 1)
    rate = (y + mean / (1 - mean) * sum(1 - part for part in parts)) / n
    edges = [0.23648, 0.35852]  # lambda_e and lambda_d for 0.3, Liu and Yuan 2015
    if any(abs(rate - edge) < 1e-4 for edge in edges):
        return
    code = "D" if shut(here) else plain if decided else "E" if rate < edges[0] else "D" if rate > edges[1] else "S"
    move = {"E": 1, "S": 0, "D": -1}[code]
    assert decision.node == str(min(max(here + move, 0), 2, closed - 1) + 1)


def test_boin12_by_its_published_steps() -> None:
    design = build("boin12", n=30)
    edges = [0.27632, 0.41887]  # lambda_e and lambda_d for 0.35
    limits = (100 * 0.25 * 0.65 + 40 * 0.65 * 0.75 + 60 * 0.35 * 0.25) / 100
    benchmark = limits + (1 - limits) / 2
    checked = 0
    for history in walks(design, 80, 9, toxic=0.3, active=0.35):
        n, y, e = counts(history, 4)
        if sum(n) >= 30:
            continue
        both = [sum(c.letters.count("B") for c in history if c.node == str(place + 1)) for place in range(4)]
        safe = [beta.cdf(0.35, 1 + y[k], 1 + n[k] - y[k]) > 0.05 for k in range(4)]
        active = [beta.sf(0.25, 1 + e[k], 1 + n[k] - e[k]) > 0.10 for k in range(4)]
        top = safe.index(False) if False in safe else 4
        here = int(history[-1].node) - 1
        worth = [(100 * (e[k] - both[k]) + 60 * both[k] + 40 * (n[k] - y[k] - e[k] + both[k])) / 100 for k in range(4)]
        score = [beta.sf(benchmark, 1 + worth[k], 1 + n[k] - worth[k]) for k in range(4)]
        open_ = [k for k in range(top) if active[k]]
        tried = max(k for k in range(4) if n[k])
        decision = design.decide(history)
        if top == 0 or not [k for k in open_ if k <= tried + 1]:
            assert decision.node is None, history
            continue
        rate = y[here] / n[here]
        if rate >= edges[1]:
            expected = min(max(here - 1, 0), top - 1)
        elif here + 1 < min(top, 4) and n[here + 1] == 0 and n[here] >= 9:
            expected = here + 1
        else:
            reach = (here - 1, here) if rate > edges[0] and n[here] >= 6 else (here - 1, here, here + 1)
            choice = [k for k in reach if k in open_]
            if choice:
                best = max(score[k] for k in choice)
                expected = max(k for k in choice if score[k] > best - 1e-12)
            else:
                expected = min((k for k in open_ if k <= tried + 1), key=lambda k: (abs(k - here), k))
        assert decision.node == str(expected + 1), history
        checked += 1
    assert checked > 50


def test_boin_on_a_grid_by_its_published_steps() -> None:
    space = grid(2, 3)
    design = build_design("boin-combination", space, {"halt_on_death": False}, [], stops=False)
    edges = (0.23648, 0.35852)
    random = np.random.default_rng(3)
    checked = 0
    for _ in range(150):
        history: History = ()
        n, y = np.zeros((2, 3), int), np.zeros((2, 3), int)
        here = (0, 0)
        for _ in range(7):
            toxic = int(random.binomial(3, 0.25))
            label = f"{here[0] + 1}.{here[1] + 1}"
            history = (*history, Cohort(label, "T" * toxic + "N" * (3 - toxic)))
            n[here] += 3
            y[here] += toxic
            gone = np.zeros((2, 3), bool)
            for i, j in product(range(2), range(3)):
                patients, seen = int(n[i, j]), int(y[i, j])
                if patients >= 3 and 1 - below(Fraction(3, 10), patients, seen) > Fraction(19, 20):
                    gone[i:, j:] = True
            decision = design.decide(history)
            if gone[0, 0]:
                assert decision.node is None
                break
            rate = y[here] / n[here]
            step = 1 if rate <= edges[0] and not gone[here] else -1 if rate > edges[1] or gone[here] else 0
            moves = [(here[0] + step, here[1]), (here[0], here[1] + step)] if step else []
            choice = [one for one in moves if 0 <= one[0] < 2 and 0 <= one[1] < 3 and not gone[one]]

            def promise(one: tuple[int, int], n: Any = n, y: Any = y) -> float:
                a, b = y[one] + 0.5, n[one] - y[one] + 0.5
                return float(beta.cdf(edges[1], a, b) - beta.cdf(edges[0], a, b) + 0.0005 * n[one])

            best = max(choice, key=promise) if choice else here
            assert decision.node is not None
            found = tuple(int(part) - 1 for part in decision.node.split("."))
            tie = [one for one in choice if abs(promise(one) - promise(best)) < 1e-4]
            assert found in (tie or [best]), history
            here = (found[0], found[1])
            checked += 1
    assert checked > 300


def crm_mean(skeleton: tuple[float, ...], n: Counts, y: Counts, variance: float = 1.34) -> float:
    def likelihood(b: float) -> float:
        value = norm.pdf(b, scale=variance**0.5)
        for guess, patients, toxic in zip(skeleton, n, y, strict=True):
            chance = guess ** math.exp(b)
            value *= chance**toxic * (1 - chance) ** (patients - toxic)
        return float(value)

    options = {"epsabs": 0.0, "epsrel": 1e-10, "limit": 400}
    total = quad(likelihood, -8, 8, points=[-1, 0, 1], **options)[0]
    return float(quad(lambda b: b * likelihood(b), -8, 8, points=[-1, 0, 1], **options)[0] / total)


def test_crm_by_quadrature() -> None:
    skeleton = (0.05, 0.12, 0.25, 0.4)
    design = build("crm", target=0.25, skeleton=list(skeleton))
    checked = 0
    for history in walks(design, 12, 6)[:70]:
        n, y, _ = counts(history, 4)
        mean = crm_mean(skeleton, n, y)
        curve = [guess ** math.exp(mean) for guess in skeleton]
        best = min(range(4), key=lambda place: abs(curve[place] - 0.25))
        last = history[-1]
        here = int(last.node) - 1
        highest = here if last.dlts / last.patients >= 0.25 else here + 1
        assert design.decide(history).node == str(min(best, highest, 3) + 1), history
        tried = [place for place in range(4) if n[place]]
        assert design.selected(history) == str(min(tried, key=lambda place: abs(curve[place] - 0.25)) + 1)
        checked += 1
    assert checked > 30


def test_tite_crm_by_quadrature() -> None:
    skeleton = (0.05, 0.12, 0.25, 0.4)
    design = build("tite-crm", target=0.25, skeleton=list(skeleton), coherent=False, skip_up=True)
    weights = (0.2, 0.5, 0.9)

    def likelihood(b: float) -> float:
        value = norm.pdf(b, scale=1.34**0.5) * (1 - 0.05 ** math.exp(b)) ** 3
        middle, upper = 0.12 ** math.exp(b), 0.25 ** math.exp(b)
        return float(value * middle * (1 - weights[0] * middle) * (1 - weights[1] * upper) * (1 - weights[2] * upper))

    history = (
        Cohort("1", "NNN"),
        Cohort("2", "TN", follow_up=(1.0, weights[0])),
        Cohort("3", "NN", follow_up=weights[1:]),
    )
    mean = quad(lambda b: b * likelihood(b), -8, 8)[0] / quad(likelihood, -8, 8)[0]
    assert design.parameters(history)["beta"] == pytest.approx(mean, abs=1e-8)
    curve = [guess ** math.exp(mean) for guess in skeleton]
    assert design.decide(history).node == str(min(range(4), key=lambda place: abs(curve[place] - 0.25)) + 1)


def test_blrm_by_quadrature() -> None:
    doses, reference = (10.0, 20.0, 40.0), 40.0
    design = build("blrm", 3, doses=list(doses))

    def shares(n: Counts, y: Counts, place: int) -> tuple[float, float]:
        """Probabilities of the target interval and of overdosing at a dose."""

        def density(a: float, b: float) -> float:
            value = math.exp(-0.5 * (((a + 0.847) / 2.015) ** 2 + ((b - 0.381) / 1.027) ** 2))
            for dose, patients, toxic in zip(doses, n, y, strict=True):
                chance = 1 / (1 + math.exp(-a - math.exp(b) * math.log(dose / reference)))
                value *= chance**toxic * (1 - chance) ** (patients - toxic)
            return value

        def mass(low: float, high: float) -> float:
            """Integral over the intercepts at which the dose's toxicity lies between two values."""

            def edge(chance: float, b: float) -> float:
                limit = {0.0: -14.0, 1.0: 12.0}.get(chance)
                if limit is not None:
                    return limit
                return math.log(chance / (1 - chance)) - math.exp(b) * math.log(doses[place] / reference)

            return float(
                dblquad(density, -4.5, 4.0, lambda b: edge(low, b), lambda b: edge(high, b), epsabs=1e-9, epsrel=1e-6)[
                    0
                ]
            )

        total = mass(0.0, 1.0)
        return mass(0.16, 0.33) / total, mass(0.33, 1.0) / total

    for text in ("1NNN", "1NNN 2NNT"):
        state = design.fit(text)
        n, y, _ = counts(state.history, 3)
        both = [shares(n, y, place) for place in range(3)]
        found = design.estimates(state.history)
        for place, (target, over) in enumerate(both):
            assert found["probability_target"][str(place + 1)] == pytest.approx(target, abs=1e-4)
            assert found["probability_over"][str(place + 1)] == pytest.approx(over, abs=1e-4)
        allowed = [place for place in range(3) if both[place][1] < 0.25]
        best = max(allowed, key=lambda place: both[place][0])
        here = int(state.history[-1].node) - 1
        assert state.decision.node == str(min(best, here + 1) + 1)


def test_partial_order_crm_by_search() -> None:
    labels = ("1", "2", "3", "4")
    orders = [["1", "2", "3", "4"], ["1", "3", "2", "4"]]
    skeleton = (0.1, 0.2, 0.35, 0.5)
    from carwright.trial.record import design_of

    design = design_of(
        {"design": "pocrm", "doses": list(labels), "options": {"orders": orders, "skeleton": list(skeleton)}},
        stops=False,
    )
    checked = 0
    for history in walks(design, 25, 7):
        n, y, _ = counts(history, 4)
        if sum(y) in (0, sum(n)):
            continue
        fits = []
        for order in orders:
            guess = [skeleton[order.index(label)] for label in labels]

            def loss(a: float, guess: list[float] = guess, n: Counts = n, y: Counts = y) -> float:
                return -sum(
                    toxic * a * math.log(g) + (patients - toxic) * math.log(1 - g**a)
                    for g, patients, toxic in zip(guess, n, y, strict=True)
                )

            best = minimize_scalar(loss, bounds=(1e-6, 30), method="bounded", options={"xatol": 1e-10})
            fits.append((best.fun, [g**best.x for g in guess]))
        if abs(fits[0][0] - fits[1][0]) < 1e-8:
            continue
        curve = min(fits, key=lambda fit: fit[0])[1]
        given = {place for place in range(4) if n[place]}
        below_ = {0: set(), 1: {0}, 2: {0}, 3: {1, 2}}
        reach = [place for place in range(4) if place in given or place == 0 or below_[place] & given]
        expected = min(reach, key=lambda place: abs(curve[place] - 0.3))
        assert design.decide(history).node == labels[expected], history
        checked += 1
    assert checked > 20


def test_wages_tait_by_quadrature() -> None:
    toxic = (0.01, 0.08, 0.15, 0.22)
    models = [(0.6, 0.5, 0.4, 0.3), (0.4, 0.5, 0.6, 0.5), (0.3, 0.4, 0.5, 0.6)]
    design = build("wages-tait", toxicity_skeleton=list(toxic), efficacy_skeletons=[list(model) for model in models])
    for history in walks(design, 6, 4, active=0.4)[:16]:
        n, y, e = counts(history, 4)

        def evidence(skeleton: tuple[float, ...], n: Counts = n, e: Counts = e) -> float:
            def likelihood(b: float) -> float:
                value = norm.pdf(b, scale=1.34**0.5)
                for guess, patients, seen in zip(skeleton, n, e, strict=True):
                    chance = guess ** math.exp(b)
                    value *= chance**seen * (1 - chance) ** (patients - seen)
                return float(value)

            return float(quad(likelihood, -8, 8, points=[-1, 0, 1], epsabs=0.0, epsrel=1e-9, limit=300)[0])

        weights = [evidence(model) for model in models]
        model = max(range(3), key=lambda one: weights[one])
        found = design.parameters(history)
        assert found[f"efficacy_model_{model + 1}_probability"] == pytest.approx(
            weights[model] / sum(weights), abs=1e-7
        )
        estimates = design.estimates(history)
        tox_curve = [guess ** math.exp(crm_mean(toxic, n, y)) for guess in toxic]
        eff_curve = [guess ** math.exp(crm_mean(models[model], n, e)) for guess in models[model]]
        assert list(estimates["toxicity_at_estimate"].values()) == pytest.approx(tox_curve, abs=1e-7)
        assert list(estimates["efficacy_at_estimate"].values()) == pytest.approx(eff_curve, abs=1e-7)
        decision = design.decide(history)
        if decision.node is None:
            continue
        allowed = [place for place in range(4) if tox_curve[place] <= 0.33]
        best = max(allowed, key=lambda place: eff_curve[place])
        here = int(history[-1].node) - 1
        assert decision.node == str(min(best, here + 1) + 1), history


def test_efftox_follows_from_its_estimates() -> None:
    """Acceptability, exploration, reach and utility by hand, from the posterior that another test integrates."""
    design: Any = build("efftox", 4, doses=[1.0, 2.0, 4.0, 6.6])
    for history in walks(design, 15, 5, toxic=0.25, active=0.4):
        n, _, _ = counts(history, 4)
        found = {name: list(values.values()) for name, values in design.estimates(history).items()}
        if min(abs(value - 0.1) for name in found if name.endswith("acceptable") for value in found[name]) < 2e-3:
            continue
        highest = max(place for place in range(4) if n[place])
        here = int(history[-1].node) - 1
        allowed = []
        for place in range(4):
            if found["toxicity_acceptable"][place] < 0.1:
                break
            if found["efficacy_acceptable"][place] >= 0.1 or place == highest + 1:
                allowed.append(place)
        lowest = max((place for place in range(here) if n[place] == 0), default=0)
        reach = [place for place in allowed if lowest <= place <= highest + 1]
        decision = design.decide(history)
        if not reach:
            assert decision.node is None, history
            continue
        utility = sorted((found["utility"][place] for place in allowed), reverse=True)
        if len(utility) > 1 and utility[0] - utility[1] < 2e-3:
            continue
        best = max(allowed, key=lambda place: found["utility"][place])
        expected = best if best in reach else min(reach, key=lambda place: abs(place - best))
        assert decision.node == str(expected + 1), history


backfilled = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=6)


@settings(max_examples=200, deadline=None)
@given(first=st.integers(1, 3), filled=backfilled)
def test_bf_boin_pools_where_lower_doses_contradict(first: int, filled: list[tuple[int, int, int]]) -> None:
    """Zhao 2024: pool with the doses from the highest contradicting one up, then compare with the same bounds."""
    target = Fraction(3, 10)
    cohorts = [Cohort(str(dose), "T" * toxic + "N" * clear) for dose, toxic, clear in filled if toxic + clear]
    history = (
        Cohort(str(first), "NNN"),
        *(replace(one, backfill=int(one.node) < first) for one in cohorts if int(one.node) <= first),
    )
    n, y, _ = counts(history, 3)
    here = first - 1
    shut = [n[k] >= 3 and 1 - below(target, n[k], y[k]) > Fraction(19, 20) for k in range(3)]
    closed = shut.index(True) if True in shut else 3
    codes = ["D" if shut[k] else boin_code(n[k], y[k], target) if n[k] else "" for k in range(3)]
    code = codes[here]
    against = [k for k in range(here) if n[k] and (codes[k] != "E" if code == "E" else codes[k] == "D")]
    if against and not shut[here]:
        code = boin_code(sum(n[against[-1] : first]), sum(y[against[-1] : first]), target)
    step = {"E": 1, "S": 0, "D": -1}[code]
    decision = build("bf-boin", 3).decide(history)
    if closed == 0:
        assert decision.node is None
    else:
        assert decision.node == str(min(max(here + step, 0), 2, closed - 1) + 1), (history, codes)
