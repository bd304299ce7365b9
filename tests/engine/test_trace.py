"""The plain tracer against the kernels: same steps, same ends, and what it says about them."""

from __future__ import annotations

import engine_models
import numpy as np
import pytest
from engine_support import build

from carwright.engine import Dosing, Outcome, Trigger, compile_kernel, read_sbml
from carwright.engine.kernel import default_tolerances
from carwright.engine.tableau import METHODS
from carwright.engine.trace import Solve, trace
from carwright.errors import CarwrightError

ROBERTSON = """model robertson; x = 1; y = 0; z = 0; k = 0.04
  x' = -k*x + 1e4*y*z; y' = k*x - 1e4*y*z - 3e7*y^2; z' = 3e7*y^2; end"""


def asked(system, end, dosing=None, triggers=(), relative=1e-6, method="rodas5p"):
    absolute = default_tolerances(system, relative)
    dosing = dosing or Dosing.none(1)
    return Solve(system, system.defaults, dosing, 0.0, end, relative, absolute, triggers, method=method)


def compared(solve, kernel):
    """Trace, and the kernel's solution of the same."""
    found = trace(solve)
    solution = kernel.solve(
        solve.parameters[None], solve.dosing, end=solve.end, times=[solve.end], absolute_tolerance=solve.absolute
    )
    return found, solution


@pytest.mark.parametrize("method", METHODS)
def test_a_stiff_model(method):
    system, _ = build(ROBERTSON, ("x", "y", "z"))
    kernel = compile_kernel(system, ("x", "y", "z"), method=method)
    found, solution = compared(asked(system, 1e4, method=method), kernel)
    assert found.outcome == Outcome.OK
    assert len(found.times) == pytest.approx(solution.steps[0], abs=2)
    # The kernel rounds the power that chooses a step to 0.2 %, so steps differ a little.
    np.testing.assert_allclose(found.state, solution.courses[0, 0], rtol=1e-6)
    assert sum(h for h, e in zip(found.sizes, found.errors, strict=True) if e <= 1.0) == pytest.approx(1e4)
    rates = np.abs(np.linalg.eigvals(found.slopes))
    assert rates.max() == pytest.approx(1e4 * found.state[2] + 6e7 * found.state[1], rel=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_doses_and_triggers(method):
    """The saw: x rises, and is cut whenever it reaches 1; a dose in between."""
    system = read_sbml(engine_models.sbml("model m; species S in c; compartment c = 1; S = 0.2; k = 1; -> S; k; end"))
    triggers = (Trigger("cut", "S - 1", {"S": "S/4"}, at_most=9), Trigger("note", "time - 2.5", {}))
    kernel = compile_kernel(system, ("S",), triggers=triggers, path="interpreted", method=method)
    solve = asked(system, 4.0, Dosing([1.0, 2.0], ("S", "S"), [[0.25, 2.0]]), triggers, method=method)
    found, solution = compared(solve, kernel)
    np.testing.assert_allclose(found.state, solution.courses[0, 0], rtol=1e-6)
    names = [name for _, name in found.fired]
    assert [names.count("cut"), names.count("note")] == solution.trigger_counts[0].tolist()
    first = [min(t for t, name in found.fired if name == own) for own in ("cut", "note")]
    np.testing.assert_allclose(first, solution.trigger_days[0], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "end", "undefined"),
    [("x = 1; x' = x^2", 1.0, ()), ("x = 1; y = 1; n = 0.5; x' = -1; y' = x^n - y", 1.0, ("y",))],
)
def test_models_that_end_badly(text, end, undefined):
    system = read_sbml(engine_models.sbml(f"model m; {text}; end"))
    kernel = compile_kernel(system, system.states, path="interpreted")
    found, solution = compared(asked(system, 40.0), kernel)
    assert found.outcome in {Outcome.STEP_TOO_SMALL, Outcome.NOT_FINITE}
    assert solution.outcome[0] in {Outcome.STEP_TOO_SMALL, Outcome.NOT_FINITE}
    assert found.time == pytest.approx(end, abs=1e-5)
    assert found.undefined == undefined
    assert len(found.times) == pytest.approx(solution.steps[0], rel=0.15)


def test_limits():
    system = read_sbml(engine_models.sbml(ROBERTSON))
    short = trace(asked(system, 1e4), most=20)
    assert (short.outcome, len(short.times)) == (None, 20)
    events = read_sbml(engine_models.sbml("model m; x = 1; x' = -x; at x < 0.5: x = 1; end"))
    with pytest.raises(CarwrightError, match="ENGINE041"):
        trace(asked(events, 1.0))
