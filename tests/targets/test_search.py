"""Every search gives exactly what trying all gates gives: the same gates, the same scores, the same order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carwright.targets.search.branch import search_quads
from carwright.targets.search.gate import BRIGHT, Gate, shapes
from carwright.targets.search.if_better import search_if_better
from carwright.targets.search.objective import Rule
from carwright.targets.search.pairs import search_pairs, search_singles
from carwright.targets.search.triples import search_triples

from .brute import laid_out, plain_score, ranked

KEEP = 25


def cells(seed: int, genes: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Random cells of random groups, with ties: some genes are copies, some empty, some full."""
    rng = np.random.default_rng(seed)
    patients, classes = int(rng.integers(1, 14)), int(rng.integers(0, 5))
    sizes = rng.integers(1, 90, patients + classes)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    chance = rng.beta(0.7, 1.5, (len(sizes), genes))
    positive = rng.random((len(groups), genes)) < chance[groups]
    positive[:, rng.integers(genes)] = positive[:, 0]
    positive[:, rng.integers(genes)] = rng.random() < 0.5
    return positive, groups, patients


def rule(seed: int) -> Rule:
    rng = np.random.default_rng([seed, 1])
    return Rule(
        quantile=float(rng.choice([0.0, 0.1, 0.5])),
        penalty=float(rng.choice([0.0, 1.0, 2.5])),
        minimum_coverage=float(rng.choice([0.0, 0.2])),
        weights={"class 0": float(rng.choice([0.0, 1.0, 3.0]))},
        limits={"class 1": float(rng.choice([0.3, 1.0]))},
    )


def same(found, expected) -> None:  # type: ignore[no-untyped-def]
    assert list(found.gates) == [gate for _, gate in expected]
    assert list(found.scores) == [score for score, _ in expected]
    certificate = found.certificate
    assert certificate.complete
    assert certificate.counted + certificate.excluded == certificate.gates


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_singles_and_pairs_equal_brute_force(seed: int) -> None:
    positive, groups, patients = cells(seed, 9)
    table, objective = laid_out(positive, groups, patients, rule(seed))
    names = [f"g{i}" for i in range(9)]
    same(search_singles(table, names, objective, KEEP), ranked(positive, groups, objective, (2,), 1, KEEP))
    every = shapes(2, ["all"])
    same(search_pairs(table, names, objective, every, KEEP), ranked(positive, groups, objective, every, 2, KEEP))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), prune=st.booleans(), warm=st.booleans(), everything=st.booleans())
def test_triples_equal_brute_force(seed: int, prune: bool, warm: bool, everything: bool) -> None:
    positive, groups, patients = cells(seed, 9)
    table, objective = laid_out(positive, groups, patients, rule(seed))
    tables = shapes(3, ["all"] if everything else None)
    found = search_triples(
        table, [f"g{i}" for i in range(9)], objective, tables, KEEP, prune=prune, warm=range(6) if warm else ()
    )
    same(found, ranked(positive, groups, objective, tables, 3, KEEP))
    if not prune:
        assert found.certificate.excluded == 0


def test_triples_over_several_panels_equal_brute_force() -> None:
    positive, groups, patients = cells(5, 40)
    table, objective = laid_out(positive, groups, patients, Rule())
    tables = shapes(3, ["A AND B AND C", "(A OR B) AND NOT C"])
    found = search_triples(table, [f"g{i}" for i in range(40)], objective, tables, KEEP, warm=range(0, 40, 4))
    same(found, ranked(positive, groups, objective, tables, 3, KEEP))
    assert found.certificate.excluded > 0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_quads_equal_brute_force(seed: int) -> None:
    positive, groups, patients = cells(seed, 8)
    table, objective = laid_out(positive, groups, patients, rule(seed))
    names = [f"g{i}" for i in range(8)]
    found = search_quads(table, names, objective, shapes(4), KEEP)
    same(found, ranked(positive, groups, objective, shapes(4), 4, KEEP))
    if len(found.scores) == KEEP:
        again = search_quads(table, names, objective, shapes(4), KEEP, threshold=found.scores[-1])
        assert again.gates == found.gates
        assert again.certificate.counted <= found.certificate.counted


def test_a_search_that_gives_up_says_so() -> None:
    positive, groups, patients = cells(11, 12)
    table, objective = laid_out(positive, groups, patients, Rule(penalty=0.0))
    found = search_quads(table, [f"g{i}" for i in range(12)], objective, shapes(4), KEEP, most_branches=20)
    assert not found.certificate.complete
    assert "not certified" in str(found.certificate)


@pytest.mark.parametrize("seed", range(8))
def test_if_better_equals_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive, groups, patients = cells(seed, 7)
    bright = positive & (rng.random(positive.shape) < 0.4)
    names = [f"g{i}" for i in range(7)]
    table, objective = laid_out(np.hstack([positive, bright]), groups, patients, rule(seed))
    found = search_if_better(table, [*names, *(name + BRIGHT for name in names)], objective, KEEP)
    expected = []
    for a in range(7):
        for b in set(range(7)) - {a}:
            killed = bright[:, a] | positive[:, a] & positive[:, b]
            counts = np.bincount(groups[killed], minlength=objective.groups)
            expected.append((-objective.score(objective.by_unit(counts)), a, b))
    expected = [entry for entry in sorted(expected) if entry[0] < np.inf][:KEEP]
    assert [str(gate) for gate in found.gates] == [f"g{a} IF-BETTER g{b}" for _, a, b in expected]
    assert [-score for score, _, _ in expected] == list(found.scores)


@pytest.mark.parametrize("seed", range(8))
def test_the_score_is_what_its_definition_says(seed: int) -> None:
    positive, groups, patients = cells(seed, 4)
    _, objective = laid_out(positive, groups, patients, rule(seed))
    for place in shapes(3):
        killed = Gate(("g0", "g1", "g2"), place).kills(positive[:, :3])
        counts = np.bincount(groups[killed], minlength=objective.groups)
        expected = plain_score(killed, groups, patients, rule(seed))
        assert objective.score(objective.by_unit(counts)) == pytest.approx(expected, abs=1e-12)


def test_more_cells_of_a_class_killed_never_raise_the_score() -> None:
    positive, groups, patients = cells(3, 4)
    _, objective = laid_out(positive, groups, patients, Rule())
    counts = np.concatenate([objective.patients // 2, objective.sizes // 3])
    for place in range(len(objective.patients), len(counts)):
        more = counts.copy()
        more[place] += 1
        assert objective.score(more) <= objective.score(counts)
