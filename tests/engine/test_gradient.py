"""Gradients against closed forms, complex steps, central differences, and themselves."""

from __future__ import annotations

import cmath
import math
from functools import cache
from itertools import pairwise

import engine_models
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from carwright.engine import Dosing, Functional, Trigger, compile_gradients, read_sbml
from carwright.engine import expression as ex
from carwright.engine.tangent import direction, tangent
from carwright.errors import CarwrightError

DECAY = "model decay; a = 2; k = 0.3; A = a; A' = -k*A; square := A^2; end"
LOGISTIC = "model logistic; x0 = 0.1; r = 0.8; K = 5; x = x0; x' = r*x*(1 - x/K); end"
ORAL = """model oral; V = 12; ka = 1.1; CL = 2.4; limit = 3; unused = 1
  compartment body = V; substanceOnly species gut in body, blood in body; gut = 0; blood = 0
  J1: gut -> blood; ka*gut
  J2: blood -> ; CL/V*blood
  conc := blood/V
end"""
WAVE = "model wave; w = 1.3; b = 0.2; x = 0; x' = cos(w*time)*w; y := x + b; end"


@cache
def system_of(text):
    return read_sbml(engine_models.sbml(text))


def gradients(
    text, names, observables=(), functionals=(), dosing=None, parameters=None, triggers=(), dosed=None, **asked
):
    system = system_of(text)
    kernel = compile_gradients(system, names, observables, functionals, triggers, dosed)
    values = np.array([system.defaults]) if parameters is None else parameters
    found = kernel.solve(values, dosing, relative_tolerance=1e-10, **asked)
    assert not found.outcome.any()
    return found


def central(f, x, h=1e-4):
    """Derivative by central differences of fourth order, error of order h**4."""
    return (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)


# ------------------------------------------------------------------------------------------------ closed forms


def test_exponential_decay():
    times = np.linspace(0, 10, 11)
    kinds = [Functional("value_at", "A", end=4.0), Functional("integral", "square", 1.0, 6.0),
             Functional("first_day_below", "A", threshold=0.5), Functional("days_above", "A", threshold=0.5),
             Functional("maximum", "A"), Functional("minimum", "A"), Functional("time_of_minimum", "A"),
             Functional("last_day_above", "A", threshold=1e-9),
             Functional("first_day_above", "A", threshold=9.0)]  # fmt: skip
    parameters = np.array([[2.0, 0.3], [3.0, 0.7]])
    found = gradients(DECAY, ["k", "a"], ["A", "square"], kinds, parameters=parameters, end=10.0, times=times)
    for patient, (a, k) in enumerate(parameters):
        e = np.exp(-k * times)
        expected = np.stack([[-times * a * e, e], [-2 * times * (a * e) ** 2, 2 * a * e**2]])
        np.testing.assert_allclose(found.courses[patient], expected.transpose(2, 0, 1), rtol=2e-7, atol=1e-9)
        square = lambda k, a: a**2 * (math.exp(-2 * k) - math.exp(-12 * k)) / (2 * k)  # noqa: E731
        crossing = [-math.log(a / 0.5) / k**2, 1 / (a * k)]
        functionals = [
            [-4 * a * math.exp(-4 * k), math.exp(-4 * k)],
            [central(lambda x: square(x, a), k), 2 * square(k, a) / a],  # noqa: B023
            crossing, crossing, [0, 1], [-10 * a * e[-1], e[-1]], [0, 0], [0, 0], [np.nan, np.nan],
        ]  # fmt: skip
        np.testing.assert_allclose(found.functionals[patient], functionals, rtol=1e-6, atol=1e-12)


def test_logistic_growth():
    times = np.linspace(0, 12, 25)
    x0, r, K = 0.1, 0.8, 5.0
    found = gradients(LOGISTIC, ["x0", "r", "K"], ["x"], end=12.0, times=times)

    def solution(x0, r, K):
        return K * x0 / (x0 + (K - x0) * np.exp(-r * times))

    expected = [central(lambda v: solution(v, r, K), x0), central(lambda v: solution(x0, v, K), r),
                central(lambda v: solution(x0, r, v), K)]  # fmt: skip
    np.testing.assert_allclose(found.courses[0, :, 0], np.transpose(expected), rtol=1e-6, atol=1e-8)


def bateman(t, dose, V, ka, CL):
    return dose * ka / (V * (ka - CL / V)) * (np.exp(-CL / V * t) - np.exp(-ka * t))


def test_one_compartment_with_absorption():
    """Peak, time of peak and time above a level after an oral dose, with respect to parameters and to the dose."""
    dose, V, ka, CL, limit = 100.0, 12.0, 1.1, 2.4, 3.0
    kinds = [Functional("maximum", "conc"), Functional("time_of_maximum", "conc"), Functional("integral", "conc"),
             Functional("days_above", "conc", threshold="limit"),
             Functional("last_day_above", "conc", threshold="limit"),
             Functional("days_below", "conc", threshold="limit")]  # fmt: skip
    names = ["V", "ka", "CL", "limit", "milligrams", "unused"]
    found = gradients(
        ORAL, names, ["conc"], kinds, Dosing([0.0], ("gut",), [[dose]]), dosed={"milligrams": ["gut"]},
        end=24.0, times=[1.0, 2.0, 12.0], dose_slopes={"milligrams": [[1.0]]},
    )  # fmt: skip
    start = [V, ka, CL, limit, dose]

    def by_parameter(f, i):
        def moved(v):
            values = list(start)
            values[i] = v
            return f(*values)

        return central(moved, start[i], 1e-3 * start[i])

    def peak_time(V, ka, CL, limit, dose):
        return math.log(ka * V / CL) / (ka - CL / V)

    def crossing(V, ka, CL, limit, dose, late):
        t = peak_time(V, ka, CL, limit, dose)
        low, high = (t, 24.0) if late else (0.0, t)
        return brentq(lambda x: bateman(x, dose, V, ka, CL) - limit, low, high, xtol=1e-14, rtol=1e-15)

    def area(V, ka, CL, limit, dose):
        k = CL / V
        return dose * ka / (V * (ka - k)) * ((1 - math.exp(-24 * k)) / k - (1 - math.exp(-24 * ka)) / ka)

    def above(*v):
        return crossing(*v, late=True) - crossing(*v, late=False)

    functions = [
        lambda *v: bateman(peak_time(*v), v[4], *v[:3]), peak_time, area, above, lambda *v: crossing(*v, late=True),
        lambda *v: 24.0 - above(*v),
    ]  # fmt: skip
    for row, function in zip(found.functionals[0], functions, strict=True):
        np.testing.assert_allclose(row, [*(by_parameter(function, i) for i in range(5)), 0.0], rtol=2e-5, atol=1e-8)
    for row, t in zip(found.courses[0, :, 0], (1.0, 2.0, 12.0), strict=True):
        exact = [by_parameter(lambda V, ka, CL, limit, dose: bateman(t, dose, V, ka, CL), i) for i in range(5)]  # noqa: B023
        np.testing.assert_allclose(row, [*exact, 0.0], rtol=1e-6, atol=1e-9)


def test_a_dose_into_a_concentration_moves_with_the_volume():
    text = "model m; V = 4; k = 0.5; compartment c = V; species S in c; S = 1; J: S -> ; k*S*c; end"
    found = gradients(text, ["V"], ["S"], dosing=Dosing([1.0], ("S",), [[6.0]]), end=3.0, times=[0.5, 2.0])
    np.testing.assert_allclose(found.courses[0, :, 0, 0], [0.0, -6.0 / 4**2 * math.exp(-0.5)], rtol=1e-8, atol=1e-12)


def test_days_above_counts_every_crossing():
    """x + b = sin(w t) + b: crossings at known times, several in the window."""
    level = 0.6
    kinds = [Functional(kind, "y", 0.5, 19.0, level) for kind in ("days_above", "days_below")]
    found = gradients(WAVE, ["w", "b"], ["y"], kinds, end=20.0)

    def days(w, b):
        s = math.asin(level - b)
        ups = [(s + 2 * math.pi * j) / w for j in range(20)]
        downs = [(math.pi - s + 2 * math.pi * j) / w for j in range(20)]
        return sum(max(0.0, min(d, 19.0) - max(u, 0.5)) for u, d in zip(ups, downs, strict=True))

    expected = [central(lambda w: days(w, 0.2), 1.3), central(lambda b: days(1.3, b), 0.2)]
    np.testing.assert_allclose(found.solution.functionals[0, 0], days(1.3, 0.2), rtol=1e-8)
    np.testing.assert_allclose(found.functionals[0], [expected, np.negative(expected)], rtol=1e-5)


def test_jumps_at_doses():
    """A level passed by a dose, and a peak made by one: the day stays, the height moves."""
    text = "model m; k = 0.5; substanceOnly species S in c; compartment c = 1; S = 1; J: S -> ; k*S; end"
    kinds = [Functional("first_day_above", "S", threshold=3.0), Functional("maximum", "S"),
             Functional("time_of_maximum", "S"), Functional("minimum", "S"),
             Functional("days_above", "S", threshold=3.0)]  # fmt: skip
    found = gradients(text, ["k"], [], kinds, Dosing([2.0], ("S",), [[6.0]]), end=5.0)
    low, high = math.exp(-1.0), 6.0 + math.exp(-1.0)
    days = math.log(high / 3) / 0.5
    np.testing.assert_allclose(found.solution.functionals[0], [2.0, high, 2.0, low, days], rtol=1e-8)
    fall = -days / 0.5 + (-2.0 * low / high) / 0.5
    np.testing.assert_allclose(
        found.functionals[0, :, 0], [0.0, -2.0 * low, 0.0, -2.0 * low, fall], rtol=1e-6, atol=1e-12
    )


def test_a_summit_at_a_kink_has_no_derivative():
    """min(x, 2 - b x) peaks where its branches meet; the envelope theorem would give a wrong number."""
    text = "model m; b = 1; x = 0; x' = 2 - x; v := min(x, 2 - b*x); end"
    found = gradients(text, ["b"], [], [Functional("maximum", "v"), Functional("time_of_maximum", "v")], end=2.0)
    assert found.solution.functionals[0, 0] == pytest.approx(1.0, abs=1e-2)
    assert np.isnan(found.functionals).all()


def test_a_trigger_moves_with_its_parameters():
    """x rises, and falls to a part f of itself when it reaches h; y is the area under x."""
    text = "model m; r = 0.7; h = 2; f = 0.25; x = 0.1; y = 0; x' = r*(1 + 0.1*time); y' = x; end"
    trigger = Trigger("fall", "x - h", {"x": "f*x"})
    found = gradients(text, ["r", "h", "f"], ["x", "y"], triggers=[trigger], end=4.0, times=[1.0, 3.5])

    def solution(t, r, h, f):
        def x(s):
            return 0.1 + r * (s + 0.05 * s * s)

        def area(s):
            return 0.1 * s + r * (0.5 * s * s + 0.05 / 3 * s**3)

        # x(s) = h
        at = (-1 + math.sqrt(1 + 0.2 * (h - 0.1) / r)) / 0.1
        if t <= at:
            return np.array([x(t), area(t)])
        drop = x(at) - f * h
        return np.array([x(t) - drop, area(t) - drop * (t - at)])

    for row, t in zip(found.courses[0], (1.0, 3.5), strict=True):
        start = [0.7, 2.0, 0.25]
        expected = [
            central(lambda v: solution(t, *start[:i], v, *start[i + 1 :]), start[i])  # noqa: B023
            for i in range(3)
        ]
        np.testing.assert_allclose(row, np.transpose(expected), rtol=1e-6, atol=1e-8)


# ------------------------------------------------------------------------------------- complex step and differences


def complex_value(node, known):
    """An expression of complex numbers; comparisons look at real parts."""
    functions = {"exp": cmath.exp, "ln": cmath.log, "sqrt": cmath.sqrt, "tanh": cmath.tanh,
                 "positive": lambda x: x if x.real > 0 else 0.0, "floor": lambda x: math.floor(x.real)}  # fmt: skip
    args = [known[arg] for arg in node.args]
    if node.op == "number":
        return node.value
    if node.op == "add":
        return sum(args)
    if node.op == "mul":
        return math.prod(args)
    if node.op == "pow":
        return args[0] ** args[1] if args[0] != 0 else 0.0
    if node.op == "select":
        return args[1] if args[0] else args[2]
    if node.op in ex.COMPARISONS:
        a, b = (complex(x).real for x in args)
        return {"lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b, "eq": a == b, "ne": a != b}[node.op]
    return bool(args[0] and args[1]) if node.op == "and" else functions[node.op](args[0])


def complex_step(system, parameters, name, doses, end):
    """d(state at end)/d(name) by an imaginary step far below rounding, through SciPy's explicit solver."""
    h = 1e-30 * parameters[system.parameters.index(name)]
    values = {p: complex(v) for p, v in zip(system.parameters, parameters, strict=True)}
    values[name] += 1j * h
    order = ex.topological(system.rates)

    def evaluated(roots, nodes, extra):
        known = {}
        for node in nodes:
            known[node] = {**values, **extra}[node.value] if node.op == "symbol" else complex_value(node, known)
        return np.array([known[root] for root in roots], dtype=complex)

    def rates(t, y):
        return evaluated(system.rates, order, {"time": t, **dict(zip(system.states, y, strict=True))})

    y = evaluated(system.initial, ex.topological(system.initial), {"time": 0.0})
    stops = sorted({0.0, end, *doses})
    for a, b in pairwise(stops):
        y[system.states.index("CE")] += doses.get(a, 0.0)
        y = solve_ivp(rates, (a, b), y, method="DOP853", rtol=1e-11, atol=1e-13 * np.maximum(1.0, abs(y))).y[:, -1]
    return y.real, y.imag / h


NAMES = ("rhoE", "kinf", "gam")


@pytest.fixture(scope="module")
def kernel(patients):
    """Gradients of the 18-state patient model, compiled once."""
    system = patients[0]
    kinds = [Functional("maximum", "CE"), Functional("days_below", "ANC", threshold=2.0), Functional("integral", "IL6")]
    return compile_gradients(system, NAMES, list(system.states), kinds)


def test_complex_step_on_the_patient_model(patients, kernel):
    system, table, doses = patients
    dosing = Dosing([0.0, 1.0], ("CE", "CE"), np.stack([0.1 * doses[:2], 0.3 * doses[:2]], axis=1))
    found = kernel.solve(table[:2], dosing, end=20.0, times=[20.0], relative_tolerance=1e-9)
    for q in range(2):
        for i, name in enumerate(NAMES):
            y, slope = complex_step(system, table[q], name, {0.0: 0.1 * doses[q], 1.0: 0.3 * doses[q]}, 20.0)
            np.testing.assert_allclose(found.solution.courses[q, 0], y, rtol=1e-6)
            size = np.abs(y / table[q, system.parameters.index(name)])
            np.testing.assert_allclose(found.courses[q, 0, :, i] / size, slope / size, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tolerance", [1e-5, 1e-7])
def test_error_follows_the_tolerance(patients, kernel, tolerance):
    """Derivatives with respect to the logarithm of a parameter are about as accurate as the states themselves."""
    system, table, doses = patients
    dosing = Dosing([0.0], ("CE",), doses[:16, None])
    times = np.linspace(2.0, 100.0, 15)
    exact = kernel.solve(table[:16], dosing, end=100.0, times=times, relative_tolerance=1e-11)
    found = kernel.solve(table[:16], dosing, end=100.0, times=times, relative_tolerance=tolerance)
    for i, name in enumerate(NAMES):
        scale = table[:16, system.parameters.index(name), None, None]
        size = np.abs(exact.courses[..., i] * scale).max(axis=1, keepdims=True)
        error = np.abs(found.courses[..., i] - exact.courses[..., i]) * scale / np.where(size > 0.0, size, 1.0)
        assert np.median(error.max(axis=(1, 2))) < 10 * tolerance


# ---------------------------------------------------------------------------------------------------- properties


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4), st.floats(-2, 2), st.floats(-2, 2))
def test_tangents_are_linear_in_the_direction(flat, a, b):
    system = system_of(ORAL)
    kernel = compile_gradients(system, ["ka", "CL", "V"], ["conc"], dosed={}).followed
    rows = np.zeros((3, len(kernel.system.parameters)))
    rows[:, : len(system.parameters)] = system.defaults
    u, v = np.array(flat[:2]), np.array(flat[2:])
    for row, step in enumerate((u, v, a * u + b * v)):
        for name, value in zip(("ka", "CL"), step, strict=True):
            rows[row, kernel.system.parameters.index(direction(name, 0))] = value
    dosing = Dosing([0.0], ("gut",), np.full((3, 1), 50.0))
    solution = kernel.solve(rows, dosing, end=8.0, times=[1.0, 4.0, 8.0], relative_tolerance=1e-9)
    found = solution.courses[:, :, kernel.observables.index(tangent("conc", 0))]
    np.testing.assert_allclose(found[2], a * found[0] + b * found[1], rtol=1e-6, atol=1e-6)


def test_same_bytes_for_any_order_and_number_of_threads(patients, kernel):
    _, table, doses = patients

    def solve(order, threads):
        dosing = Dosing([0.0], ("CE",), doses[order, None])
        found = kernel.solve(table[order], dosing, end=60.0, times=[10.0, 59.0], threads=threads)
        back = np.argsort(order)
        return [
            a[back].tobytes() for a in (found.courses, found.functionals, found.solution.functionals, found.outcome)
        ]

    straight = solve(np.arange(64), 1)
    assert straight == solve(np.arange(64), 3)
    assert straight == solve(np.random.default_rng(5).permutation(64), 2)


def test_a_patient_who_fails_has_no_derivatives():
    system = system_of("model m; p = 1; x = 1; x' = p*x^2; end")
    kernel = compile_gradients(system, ["p"], ["x"], [Functional("maximum", "x")])
    found = kernel.solve(np.array([[1.0], [0.1], [np.nan]]), end=2.0, times=[0.5])
    assert (found.outcome > 0).tolist() == [True, False, True]
    assert np.isnan(found.courses[[0, 2]]).all()
    assert np.isnan(found.functionals[[0, 2]]).all()
    assert found.functionals[1, 0, 0] == pytest.approx(2.0 / 0.8**2, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model m; a = 2; x = 1; x' = -floor(a)*x; end", "floor of a"),
        ("model m; a = 2; x = 1; x' = -piecewise(1, x > a, 2)*x; end", "a condition on a, x"),
        ("model m; a = 2; x = ceil(a); x' = -x; end", "ceil of a"),
        ("model m; a = 2; x = 1; x' = -a*x; at x < 0.5: x = 1; end", "an event"),
        ("model m; a = 2; x = 1; x' = -piecewise(1, time < a, 2)*x; end", "a condition on a"),
    ],
)  # fmt: skip
def test_what_has_no_derivative_is_refused_by_name(text, said):
    with pytest.raises(CarwrightError, match=r"ENGINE040") as caught:
        compile_gradients(system_of(text), ["a"], ["x"])
    assert said in str(caught.value)


def test_steps_that_do_not_move_are_no_obstacle():
    """A pulse between fixed days, and a choice between values that meet."""
    text = "model m; a = 2; K = 3; x = 1; x' = -piecewise(a, time < 1, 2)*x + piecewise(x, x < K, K)*0; end"
    found = gradients(text, ["a"], ["x"], end=2.0, times=[2.0])
    np.testing.assert_allclose(found.courses[0, 0, 0, 0], -math.exp(-4.0), rtol=1e-7)


def test_mistakes_in_one_error():
    with pytest.raises(CarwrightError) as caught:
        compile_gradients(system_of(DECAY), ["kk", "k"], ["B"], triggers=[Trigger("t", "A > 1", {"A": "0"})])
    said = str(caught.value)
    assert "did you mean 'k'?" in said
    assert "passes smoothly" in said
