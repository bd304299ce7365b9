"""The expression graph: simplification keeps the value, derivatives agree with differences, printing with
evaluation.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carwright.engine import expression as ex
from carwright.engine import mathematics
from carwright.engine.derivative import derivatives
from carwright.engine.evaluate import evaluate
from carwright.engine.formula import parse
from carwright.engine.printer import constant_nodes, group_constants, statements
from carwright.errors import CarwrightError

x, y, z = map(ex.symbol, "xyz")
POINTS = {"x": np.array([0.3, 1.7, 2.2]), "y": np.array([1.1, 0.4, 3.0]), "z": np.array([0.9, 2.5, 0.2])}

leaf = st.sampled_from([x, y, z]) | st.floats(0.25, 4.0).map(lambda v: ex.number(round(v, 2)))


def _grow(inner):
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda p: p[0] + p[1]),
        pair.map(lambda p: p[0] - p[1]),
        pair.map(lambda p: p[0] * p[1]),
        pair.map(lambda p: p[0] / (1.5 + p[1] * p[1])),
        inner.map(lambda a: a**2),
        inner.map(lambda a: (0.5 + a * a) ** 1.3),
        inner.map(lambda a: ex.unary("tanh", a)),
        inner.map(lambda a: ex.unary("ln", 2.0 + a * a)),
        inner.map(lambda a: ex.unary("exp", ex.unary("tanh", a))),
        inner.map(lambda a: ex.unary("sqrt", 1.0 + a * a)),
        pair.map(lambda p: ex.extreme("max", *p)),
        pair.map(lambda p: ex.extreme("min", *p)),
        st.tuples(inner, inner, inner).map(lambda p: ex.select(ex.compare("lt", p[0], p[1]), p[1], p[2])),
    )


expressions = st.recursive(leaf, _grow, max_leaves=12)


def _run(node, constant=()):
    """Value by printing the node as Python and running that text (the test's own, not a user's)."""
    node = group_constants([node], lambda n: not (ex.symbols([n]) - set(constant)))[0]
    names = {ex.symbol(s): s for s in "xyz"}
    held = constant_nodes([node], lambda n: not (ex.symbols([n]) - set(constant)))
    lines = statements([(f"h{i}", e) for i, e in enumerate(held)], names)
    lines += statements([("out", node)], {**names, **{e: f"h{i}" for i, e in enumerate(held)}})
    results = []
    for i in range(3):
        scope = {"np": np, **{n: getattr(mathematics, n) for n in mathematics.__all__}}
        scope |= {k: v[i] for k, v in POINTS.items()}
        exec("\n".join(lines), scope)  # noqa: S102
        results.append(float(scope["out"]))
    return results


@given(expressions)
@settings(max_examples=150, deadline=None)
def test_printed_code_computes_what_the_graph_says(node):
    expected = np.broadcast_to(evaluate([node], POINTS)[0], 3)
    np.testing.assert_allclose(_run(node), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(_run(node, constant="yz"), expected, rtol=1e-9, atol=1e-9)


@given(expressions)
@settings(max_examples=150, deadline=None)
def test_derivatives_agree_with_differences(node):
    slope = np.broadcast_to(evaluate(derivatives([node], "x"), POINTS)[0], 3)
    h = 1e-6
    sides = [evaluate([node], {**POINTS, "x": POINTS["x"] + d})[0] for d in (-h, 0.0, h)]
    left, right = (sides[1] - sides[0]) / h, (sides[2] - sides[1]) / h
    smooth = np.abs(left - right) < 1e-3 * (1 + np.abs(left))  # no kink within the step
    scale = 1 + np.abs(slope) + np.abs(sides[1])
    assert np.all((np.abs((left + right) / 2 - slope) < 1e-4 * scale) | ~smooth)


def test_equal_expressions_are_one_object_and_simplify():
    assert x + y is x + y
    assert x - x is ex.ZERO
    assert x * 0.0 is ex.ZERO
    assert 1.0 * x is x
    assert x / x is ex.ONE
    assert (2.0 * x) * (3.0 * y) is ex.mul(6.0, x, y)
    assert ex.unary("sqrt", x) ** 2 is x
    assert parse("2^3 + 1").number == 9.0
    assert derivatives([x**2], "x")[0] is 2.0 * x


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x^y^z", 0.3 ** (1.1**0.9)), ("-x^2", -0.09), ("1 - 2 - 3", -4.0), ("log10(x)", math.log10(0.3)),
        ("piecewise(1, x > y, 2, z > x, 3)", 2.0), ("x < y && !(z < x)", 1.0), ("max(x, y, z)", 1.1),
        ("7 % 4", 3.0), ("quotient(-7, 2)", -3.0), ("xor(true, x < y)", 0.0), ("root(3, 8)", 2.0),
        ("pi*exponentiale", math.pi * math.e),
        ("arctan(x) + sinh(y) - ceil(z)", math.atan(0.3) + math.sinh(1.1) - 1),
    ],
)  # fmt: skip
def test_formulas_mean_what_sbml_says(text, expected):
    values = {name: POINTS[name][:1] for name in "xyz"}
    assert float(np.ravel(evaluate([parse(text)], values)[0])[0]) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["x +", "delay(x, 2)", "nonsense(x)", "__import__('os')"])
def test_bad_formulas_are_refused(text):
    with pytest.raises(CarwrightError):
        parse(text)


def test_deep_nesting_is_refused_or_read_but_never_a_crash():
    for depth in (100, 3000):
        try:
            parse("(" * depth + "x" + ")" * depth)
            parse("+".join(["x*y"] * depth))
        except CarwrightError:
            assert depth == 3000


@given(st.floats(-745.0, 709.0))
def test_exponential(value):
    assert mathematics.exponential(np.float64(value)) == pytest.approx(math.exp(value), rel=3e-16, abs=1e-323)


@given(st.floats(5e-324, 1.7e308))
def test_logarithm(value):
    assert mathematics.logarithm(np.float64(value)) == pytest.approx(math.log(value), rel=3e-16, abs=1e-16)


@given(st.floats(-30.0, 30.0))
def test_hyperbolic_tangent(value):
    assert mathematics.hyperbolic_tangent(np.float64(value)) == pytest.approx(math.tanh(value), rel=8e-16)


@given(st.floats(1e-30, 1e30), st.floats(-10.0, 10.0))
def test_real_power(base, exponent):
    error = (2 + abs(exponent * math.log(base))) * 2.0**-52
    assert mathematics.real_power(np.float64(base), np.float64(exponent)) == pytest.approx(base**exponent, rel=error)


def test_special_cases_of_the_elementary_functions():
    inf, nan = math.inf, math.nan
    with np.errstate(all="ignore"):
        pairs = [
            ([mathematics.exponential(np.float64(v)) for v in (-inf, -800.0, 0.0, 800.0, inf, nan)], [0, 0, 1,
            inf, inf, nan]),
            ([mathematics.logarithm(np.float64(v)) for v in (-1.0, 0.0, 1.0, inf, nan)], [nan, -inf, 0, inf,
            nan]),
            (
                [mathematics.real_power(np.float64(a), np.float64(b)) for a, b in
                 ((0, 0), (0, 0.7), (0, -1), (-2, 3), (-2, 2), (-2, 0.5), (nan, 0), (1, nan), (nan, 2))],
                [1, 0, inf, -8, 4, nan, 1, 1, nan],
            ),
        ]  # fmt: skip
    for found, expected in pairs:
        np.testing.assert_allclose(found, expected, rtol=1e-15)
