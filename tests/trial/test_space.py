from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.trial.doses import doses_on
from carwright.trial.space import DoseNode, DoseSpace, grid

BAND = (1e7, 3e7)


def test_the_seed_trial_is_a_partial_order(seed_space):
    assert seed_space.below("3") == {"1", "2", "-3"}
    assert seed_space.above("1") == {"2", "3", "-3"}
    assert seed_space.below("1") == frozenset()
    assert "2" not in seed_space.above("-3") | seed_space.below("-3")
    assert seed_space.node("-3").lymphodepletion == "flu-cy-300-30x3"


@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)).filter(lambda pair: pair[0] < pair[1])))
def test_the_closure_is_reachability(steps):
    labels = [str(k) for k in range(6)]
    nodes = tuple(DoseNode(label, BAND, "none") for label in labels)
    space = DoseSpace(nodes, tuple(f"{low}<{high}" for low, high in steps))

    def reachable(low: int, high: int) -> bool:
        return (low, high) in steps or any(reachable(step, high) for start, step in steps if start == low)

    for low, high in itertools.product(range(6), repeat=2):
        assert (str(high) in space.above(str(low))) == reachable(low, high)
        assert (str(low) in space.below(str(high))) == reachable(low, high)


def test_all_problems_are_reported_at_once():
    nodes = (
        DoseNode("1", BAND, "none"),
        DoseNode("1", BAND, "none"),
        DoseNode("2T", BAND, "none"),
        DoseNode("3", (3e7, 1e7), "none"),
    )
    with pytest.raises(CarwrightError) as error:
        DoseSpace(nodes, ("1 < 4", "1 < ", "3 < 1 < 3"))
    codes = sorted(problem.code for problem in error.value.problems)
    # A repeated label makes circles that are none: these are looked for once the labels differ.
    assert codes == ["TRIAL011", "TRIAL011", "TRIAL012", "TRIAL014", "TRIAL015"]


def test_a_cycle_over_two_chains_is_refused():
    nodes = tuple(DoseNode(label, BAND, "none") for label in "123")
    with pytest.raises(CarwrightError, match="lies above itself"):
        DoseSpace(nodes, ("1 < 2 < 3", "3 < 1"))


@pytest.mark.parametrize("band", [(0.0, 1.0), (-1.0, 1.0), (float("nan"), 1.0), (1.0, float("inf")), (2.0, 1.0)])
def test_a_band_must_be_positive_finite_and_ordered(band):
    with pytest.raises(CarwrightError, match="cell band"):
        DoseSpace((DoseNode("1", band, "none"),), ())


def test_a_grid_orders_pairs_by_both_agents() -> None:
    space = grid(3, 4)
    pairs = [tuple(map(int, label.split("."))) for label in space.labels]
    assert len(pairs) == 12
    for one, low in zip(pairs, space.labels, strict=True):
        higher = {f"{a}.{b}" for a, b in pairs if (a, b) != one and a >= one[0] and b >= one[1]}
        assert space.above(low) == higher
    assert grid(1, 3).chain == ("1.1", "1.2", "1.3")


def test_doses_are_counted_once_and_alike():
    for nodes in (
        (DoseNode("1", (1e7, 3e7), cells=(1e8, 1e8)),),
        (DoseNode("1", (1e7, 3e7)), DoseNode("2", cells_per_kg=(1e6, 2e6))),
    ):
        with pytest.raises(CarwrightError, match="one measure"):
            DoseSpace(nodes, ())
    space = DoseSpace((DoseNode("1", cells_per_kg=(1e6, 4e6)), DoseNode("2", cells_per_kg=(4e6, 4e6))), ("1 < 2",))
    assert doses_on(space, ("1", "2")) == (2e6, 4e6)
