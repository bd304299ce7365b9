"""Gates over antigens: truth tables, bounds, and the mistakes that users make."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.construct import list_antigens, list_constructs, load_construct, parse_gate, recognised_share
from carwright.construct.recognition import STEEPNESS, seen_share
from carwright.errors import CarwrightError

SHARES = st.floats(0.0, 1.0)


def seen_by(text, **shares):
    """Share recognised, when ``shares`` of the cells are bright in an antigen and the rest lack it."""
    one = {name: np.array([value]) for name, value in shares.items()}
    return float(parse_gate(text).probability(one, one)[0])


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("A", lambda a, b: a),
        ("A OR B", lambda a, b: a or b),
        ("A AND B", lambda a, b: a and b),
        ("A NOT B", lambda a, b: a and not b),
        ("A AND NOT B", lambda a, b: a and not b),
        ("A AND NOT (A AND B)", lambda a, b: a and not b),
        ("(A OR B) NOT (A AND B)", lambda a, b: a != b),
    ],
)
def test_truth_tables(text, truth):
    gate = parse_gate(text)
    for a, b in itertools.product((False, True), repeat=2):
        assert gate.fires({"A": 2 * a, "B": 2 * b}) == bool(truth(a, b))


def test_if_better_kills_dim_cells_only_with_help_and_bright_ones_alone():
    gate = parse_gate("A IF-BETTER B")
    assert gate.fires({"A": 2, "B": 0})
    assert gate.fires({"A": 1, "B": 1})
    assert not gate.fires({"A": 1, "B": 0})
    assert not gate.fires({"A": 0, "B": 2})


@given(SHARES, SHARES)
def test_shares_are_those_of_independent_antigens(a, b):
    assert seen_by("A OR B", A=a, B=b) == pytest.approx(1 - (1 - a) * (1 - b))
    assert seen_by("A AND B", A=a, B=b) == pytest.approx(a * b)
    assert seen_by("A NOT B", A=a, B=b) == pytest.approx(a * (1 - b))
    assert seen_by("A OR (A AND B)", A=a, B=b) == pytest.approx(a)


@given(st.sampled_from(list_antigens()), st.sampled_from(list_antigens()), st.floats(0.05, 20.0), st.floats(0.05, 20.0))
def test_or_is_at_least_its_parts_and_the_others_at_most_the_first_in_every_population(first, second, factor, other):
    factors = {first: np.array([factor]), second: np.array([factor if first == second else other])}
    for population in (
        "aml_blasts",
        "aml_stem_cells",
        "stem_cells",
        "progenitors",
        "neutrophils",
        "monocytes",
        "t_cells",
    ):

        def share(text, population=population):
            return float(recognised_share(parse_gate(text), population, 1500.0, factors)[0])

        alone, partner = share(first), share(second)
        assert share(f"{first} OR {second}") >= max(alone, partner) - 1e-12
        assert share(f"{first} AND {second}") <= min(alone, partner) + 1e-12
        assert share(f"{first} IF-BETTER {second}") <= alone + 1e-12
        if first != second:
            assert share(f"{first} NOT {second}") <= alone + 1e-12


def test_the_closed_form_agrees_with_the_average_over_cells():
    generator = np.random.default_rng(1)
    for median, spread in ((300.0, 1.0), (1500.0, 0.7), (9000.0, 1.3)):
        density = median * np.exp(spread * generator.standard_normal(400_000))
        by_cells = np.mean(density**STEEPNESS / (density**STEEPNESS + 1500.0**STEEPNESS))
        assert float(seen_share(np.array([median]), spread, 1500.0)[0]) == pytest.approx(by_cells, abs=0.01)


def test_an_edited_antigen_is_not_seen_and_a_second_one_still_is():
    gate, factors = parse_gate("CD33 OR CLL-1"), {"CD33": np.ones(1), "CLL-1": np.ones(1)}
    with_both = recognised_share(gate, "neutrophils", 1500.0, factors)
    edited = recognised_share(gate, "neutrophils", 1500.0, factors, ("CD33",))
    only = recognised_share(parse_gate("CLL-1"), "neutrophils", 1500.0, factors)
    assert edited[0] == pytest.approx(only[0])
    assert edited[0] < with_both[0]
    assert recognised_share(gate, "neutrophils", 1500.0, factors, ("CD33", "CLL-1"))[0] == 0.0


def test_every_construct_of_the_catalogue_has_a_gate_over_known_antigens():
    for name in list_constructs():
        assert parse_gate(load_construct(name).gate, list_antigens()).can_fire


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("CD34", "did you mean 'CD38'"),
        ("CD33 NOT CD33", "can never fire"),
        ("CD33 CD123", "an operator is missing"),
        ("(CD33 OR CD123", "a bracket is not closed"),
        ("CD33 OR", "an antigen is missing"),
        ("CD33 OR NOT CD123", "an antigen is missing"),
        ("CD33 AND NOT", "an antigen is missing"),
        ("CD33)", "a bracket is not opened"),
        ("", "an antigen is missing"),
    ],
)
def test_a_bad_gate_is_one_clear_error(text, says):
    with pytest.raises(CarwrightError, match=says) as caught:
        parse_gate(text, list_antigens())
    assert len(caught.value.problems) == 1
