"""Truth tables, their text and their counts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.targets.search.gate import BRIGHT, Gate, coefficients, parse, project, receptors, shapes, tables, write

GENES = ("A1", "B2", "C3", "D4")


@settings(max_examples=200, deadline=None)
@given(inputs=st.integers(1, 4), table=st.integers(0, 2**16 - 1), seed=st.integers(0, 1000))
def test_counts_of_a_gate_follow_from_intersections(inputs: int, table: int, seed: int) -> None:
    table &= (1 << (1 << inputs)) - 1
    positive = np.random.default_rng(seed).random((200, inputs)) < 0.5
    intersections = [
        positive[:, [i for i in range(inputs) if subset >> i & 1]].all(axis=1).sum() for subset in range(1 << inputs)
    ]
    expected = Gate(GENES[:inputs], table).kills(positive).sum()
    assert np.dot(coefficients(table, inputs), intersections) == expected


@settings(max_examples=200, deadline=None)
@given(inputs=st.integers(1, 4), pick=st.integers(0, 10**9))
def test_what_is_written_reads_back(inputs: int, pick: int) -> None:
    every = tables(inputs) if inputs < 4 else shapes(4)
    table = every[pick % len(every)]
    gate = parse(write(table, GENES[:inputs]))
    order = [GENES.index(gene) for gene in gate.genes]
    positive = np.array([[bool(r >> i & 1) for i in range(inputs)] for r in range(1 << inputs)])
    assert (gate.kills(positive[:, order]) == Gate(GENES[:inputs], table).kills(positive)).all()


def test_numbers_of_gates() -> None:
    """Functions that need all of n inputs: 2, 10, 218 (OEIS A000371); half of them spare what has no gene."""
    assert [len(tables(n)) for n in (1, 2, 3)] == [1, 5, 109]
    assert len(shapes(2)) == 4


@pytest.mark.parametrize(("inputs", "kept"), [(3, (0, 2)), (4, (1, 2)), (4, (0, 1, 3))])
def test_a_part_bounds_the_gate_from_both_sides(inputs: int, kept: tuple[int, ...]) -> None:
    for table in shapes(inputs):
        upper, lower = project(table, inputs, kept)
        for r in range(1 << inputs):
            part = sum((r >> place & 1) << i for i, place in enumerate(kept))
            assert lower >> part & 1 <= table >> r & 1 <= upper >> part & 1


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("CD33 AND CLEC12A", "CD33 AND CLEC12A"),
        ("CD33 OR (IL3RA AND NOT CD34)", "CD33 OR IL3RA AND NOT CD34"),
        ("NOT CD34 AND (CD33 OR IL3RA)", "(CD33 OR IL3RA) AND NOT CD34"),
        ("(((FOLH1)))", "FOLH1"),
        ("HLA-DRA AND NOT PECAM1", "HLA-DRA AND NOT PECAM1"),
    ],
)
def test_reading(text: str, expression: str) -> None:
    assert parse(text).expression == expression


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "TARGETS010"),
        ("A AND B AND C AND D AND E", "TARGETS010"),
        ("A AND (B OR NOT B)", "TARGETS011"),
        ("NOT A", "TARGETS012"),
        ("A OR NOT B", "TARGETS012"),
        ("A AND", "TARGETS013"),
        ("A B", "TARGETS013"),
        ("(A OR B", "TARGETS013"),
        ("A AND )", "TARGETS013"),
    ],
)
def test_mistakes(text: str, code: str) -> None:
    with pytest.raises(CarwrightError) as caught:
        parse(text)
    assert caught.value.problems[0].code == code


def test_if_better() -> None:
    gate = parse("ADGRE2 IF-BETTER CLEC12A")
    assert gate.genes == ("ADGRE2" + BRIGHT, "ADGRE2", "CLEC12A")
    assert gate.expression == "ADGRE2 IF-BETTER CLEC12A"
    positive = np.array([[h, a, b] for h in (0, 1) for a in (0, 1) for b in (0, 1)], bool)
    assert gate.kills(positive).tolist() == [h or (a and b) for h, a, b in positive.tolist()]
    assert receptors(gate.expression, {"CLEC12A": "CLL-1"}) == "ADGRE2 IF-BETTER CLL-1"
    for text in ("A IF-BETTER", "A IF-BETTER A", "A AND B IF-BETTER C"):
        with pytest.raises(CarwrightError) as caught:
            parse(text)
        assert caught.value.problems[0].code == "TARGETS014"


def test_shapes_are_closed_under_exchange_of_genes() -> None:
    for inputs in (2, 3, 4):
        found = set(shapes(inputs))
        for i, j in combinations(range(inputs), 2):
            for table in found:
                swapped = 0
                for r in range(1 << inputs):
                    other = r & ~(1 << i | 1 << j) | (r >> i & 1) << j | (r >> j & 1) << i
                    swapped |= (table >> other & 1) << r
                assert swapped in found
