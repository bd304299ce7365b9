"""Single precision: elementary functions to the last place, solves close to those in double precision, refusals."""

import ctypes
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.measure import errors
from benchmarks.problems import problems
from engine_models import PATIENT, SAW, sbml
from engine_support import table
from test_closed_form import SAW_TRIGGERS

from carwright.engine import Dosing, Functional, Outcome, compile_kernel, read_sbml
from carwright.engine.compiled import aligned, library
from carwright.engine.machine_code import Code, assemble
from carwright.engine.precision import SHAPES, TOLERANCE
from carwright.engine.vector import translate
from carwright.errors import CarwrightError

SHAPE = SHAPES["single"]
FUNCTIONS = {
    "exponential": (np.exp, -80.0, 80.0, 1.0),
    "logarithm": (np.log, 1e-44, 1e38, 1.0),
    "hyperbolic_tangent": (np.tanh, -9.0, 9.0, 3.0),
}


def computed(name, *arguments):
    """Values of an elementary function, a register at a time."""
    places = ", ".join(f"W[{SHAPE.lanes * i} + lane]" for i in range(len(arguments)))
    line = f"W[{SHAPE.lanes * len(arguments)} + lane] = {name}({places})"
    text = f"def f(W):\n    for lane in range(16):\n        {line}\n"
    code = Code(assemble(translate(text, library(SHAPE.bits), SHAPE)))
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(code.addresses(["f"])[0])
    given = [np.asarray(a, np.float32).reshape(-1, SHAPE.lanes) for a in np.broadcast_arrays(*arguments)]
    W, found = aligned(SHAPE.lanes * (len(given) + 1), SHAPE.number), np.empty_like(given[0])
    for i in range(len(found)):
        W[: -SHAPE.lanes] = np.concatenate([values[i] for values in given])
        call(W.ctypes.data)
        found[i] = W[-SHAPE.lanes :]
    return found.ravel()


def units(found, exact):
    """Errors in units in the last place of the exact values."""
    return np.abs(found - exact) / np.spacing(np.abs(exact).astype(np.float32)).astype(float)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementary_functions_are_right_to_the_last_place(name):
    function, low, high, most = FUNCTIONS[name]
    rng = np.random.default_rng(1)
    spread = np.exp(rng.uniform(np.log(1e-44), np.log(1e38), 16_000))
    x = np.concatenate([rng.uniform(low, high, 16_000), spread[(spread > low) & (spread < high)]]).astype(np.float32)
    x = x[: len(x) // 16 * 16]
    assert units(computed(name, x), function(x.astype(float))).max() < most


def test_powers_are_right_to_a_few_places():
    rng = np.random.default_rng(2)
    base = np.exp(rng.uniform(-20, 20, 16_000)).astype(np.float32)
    exponent = rng.uniform(-4, 4, 16_000).astype(np.float32)
    logarithms = exponent.astype(float) * np.log(base.astype(float))
    found = units(computed("real_power", base, exponent), np.exp(logarithms))
    assert np.max(found / (2.0 + 2.0 * np.abs(logarithms))) < 1.0
    rough = computed("rough_power", base, np.float32(-0.1))
    np.testing.assert_allclose(rough, base.astype(float) ** -0.1, rtol=3e-3)


def test_special_values():
    inf, nan = np.inf, np.nan
    x = np.array([-inf, -200.0, 0.0, 200.0, inf, nan, -1.0, 1.0] * 2)
    np.testing.assert_array_equal(computed("exponential", x)[:6], np.float32([0, 0, 1, inf, inf, nan]))
    logarithms = computed("logarithm", x)[[0, 2, 4, 5, 6, 7]]
    np.testing.assert_array_equal(logarithms, np.float32([nan, -inf, inf, nan, nan, 0]))
    base = np.array([-2.0, -2.0, -2.0, 0.0, 0.0, inf, 1.0, nan] * 2)
    exponent = np.array([3.0, 2.0, 0.5, 2.0, -1.0, 2.0, nan, 0.0] * 2)
    expected = np.float32([-8, 4, nan, 0, inf, inf, 1, 1])
    np.testing.assert_array_equal(computed("real_power", base, exponent)[:8], expected)


@pytest.mark.parametrize(("name", "median", "most"), [("cart18", 4e-4, 2e-3), ("mcrpc", 5e-4, 4e-3)])
def test_patients_agree_with_double_precision(name, median, most):
    (problem,) = problems((name,), 64)

    def solved(precision, relative):
        kernel = compile_kernel(problem.system, problem.system.states, precision=precision)
        return kernel.solve(
            problem.parameters, problem.dosing, start=problem.start, end=problem.times[-1], times=problem.times,
            relative_tolerance=relative, absolute_tolerance=relative * 1e-3 * problem.scales,
        )  # fmt: skip

    exact, single, double = solved("double", 1e-10), solved("single", 1e-4), solved("double", 1e-4)
    assert (single.outcome == Outcome.OK).all()
    found = errors(single.courses, exact.courses, problem.resolution)
    assert np.median(found) < median
    assert np.quantile(found, 0.95) < most
    # The error is that of the method, not of rounding.
    assert np.median(found) < 1.3 * np.median(errors(double.courses, exact.courses, problem.resolution))
    assert np.median(single.steps) == pytest.approx(np.median(double.steps), rel=0.05)
    tight = errors(solved("single", TOLERANCE).courses, exact.courses, problem.resolution)
    assert np.median(tight) < median / 4


def test_functionals_and_triggers_agree_with_double_precision():
    system = read_sbml(sbml(SAW))
    asked = tuple(Functional(kind, "O") for kind in ("maximum", "time_of_maximum", "integral"))
    one, other = (
        compile_kernel(system, ("A",), asked, SAW_TRIGGERS, precision=precision).solve(
            table(system), end=9.0, relative_tolerance=1e-4
        )
        for precision in ("single", "double")
    )
    assert one.trigger_counts.tolist() == other.trigger_counts.tolist()
    np.testing.assert_allclose(one.trigger_days, other.trigger_days, atol=1e-3)
    np.testing.assert_allclose(one.functionals, other.functionals, rtol=1e-3)


def test_time_does_not_drift():
    """A phase that depends on the clock after a thousand forced steps."""
    system = read_sbml(sbml("model m; A = 0; A' = cos(time); end"))
    kernel = compile_kernel(system, ("A",), precision="single")
    edges = np.linspace(0.0, 300.0, 1001)[1:-1]
    dosing = Dosing(edges, ("A",) * len(edges), np.zeros((1, len(edges))))
    times = np.linspace(0.0, 300.0, 3001)
    found = kernel.solve(table(system), dosing, end=300.0, times=times, relative_tolerance=1e-5)
    # 300 days are told apart to 3e-5 of a day.
    np.testing.assert_allclose(found.courses[0, :, 0], np.sin(times), atol=2e-4)


@pytest.mark.parametrize("settings", [{"threads": 2, "chunk": 7}, {"chunk": 1}, {"chunk": 1000}])
def test_threads_and_chunks_change_nothing(settings):
    (problem,) = problems(("cart18",), 41)
    kernel = compile_kernel(problem.system, ("CE",), (Functional("maximum", "CE"),), precision="single")
    asked = {"end": 60.0, "times": [1.0, 60.0], "relative_tolerance": 1e-4}
    one = kernel.solve(problem.parameters, problem.dosing, **asked)
    other = kernel.solve(problem.parameters, problem.dosing, **asked, **settings)
    for name in ("outcome", "courses", "functionals", "steps", "lowest"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_what_leaves_the_range_is_a_code_and_harms_no_neighbour():
    system = read_sbml(sbml("model m; A = 1; k = 1; A' = k*A; end"))
    kernel = compile_kernel(system, ("A",), precision="single")
    rates = np.array([1.0, 20.0, 0.5, np.nan, 1e300, -1.0])  # e**200 is a double, but no float
    found = kernel.solve(table(system, len(rates), k=rates), end=10.0, times=[10.0], relative_tolerance=1e-4)
    sound = np.array([True, False, True, False, False, True])
    assert ((found.outcome == Outcome.OK) == sound).all()
    assert np.isnan(found.courses[~sound]).all()
    np.testing.assert_allclose(found.courses[sound, 0, 0], np.exp(10 * rates[sound]), rtol=2e-3)


def test_what_single_precision_cannot_do_is_refused():
    system = read_sbml(sbml(PATIENT))
    for wish, words in (
        ({"precision": "half"}, "double, single"),
        ({"precision": "single", "path": "interpreted"}, "only compiled code"),
    ):
        with pytest.raises(CarwrightError, match=words):
            compile_kernel(system, **wish)
    kernel = compile_kernel(system, ("CE",), precision="single")
    close = Dosing([100.0, 100.0 + 1e-6], ("CE", "CE"), np.ones((1, 2)))
    with pytest.raises(CarwrightError) as caught:
        kernel.solve(table(system), close, end=180.0, relative_tolerance=1e-6, max_steps=2**25)
    found = [problem.where for problem in caught.value.problems]
    assert found == ["relative_tolerance", "dosing", "max_steps, at_most"]
