"""The methods converge with their orders, on both paths and with the same steps."""

import numpy as np
import pytest
from engine_models import MIXED, sbml
from engine_support import build, table

from carwright.engine import Dosing, compile_kernel, read_sbml
from carwright.engine.tableau import METHODS
from carwright.errors import CarwrightError

# Non-linear and driven by time, with known solutions: A = 1/(1 + t^2), and B = sin(t) whatever s is.
KNOWN = "A = 1; A' = -2*time*A^2; s = 5; B = 0; B' = cos(time) - s*(B - sin(time))*A"


@pytest.mark.parametrize("path", ["compiled", "interpreted"])
@pytest.mark.parametrize("method", METHODS)
def test_errors_fall_with_the_order_of_the_method(method, path):
    system = read_sbml(sbml(KNOWN))
    kernel = compile_kernel(system, ("A", "B"), path=path, method=method)
    errors, inside = [], []
    for count in (24, 48, 96):
        edges = np.linspace(0.0, 2.0, count + 1)
        # Doses of nothing stop every step at an edge, and no step is refused: steps of one size.
        dosing = Dosing(edges[1:-1], ("A",) * (count - 1), np.zeros((1, count - 1)))
        times = np.linspace(0.0, 2.0, 2 * count + 1)  # edges, and the middles between them
        solution = kernel.solve(
            table(system), dosing, end=2.0, times=times, relative_tolerance=0.5, absolute_tolerance=[1e3] * 2
        )
        exact = np.stack([1 / (1 + times**2), np.sin(times)], axis=1)
        difference = np.abs(solution.courses[0] - exact)
        errors.append(difference[::2].max())
        inside.append(difference[1::2].max())
    order = METHODS[method].order
    rates, dense = np.log2(np.divide(errors[:-1], errors[1:])), np.log2(np.divide(inside[:-1], inside[1:]))
    assert rates[-1] > order - 0.3
    assert dense[-1] > order - 0.3  # a step's dense output is of one order less, as is its local error
    assert errors[-1] < 1e-8


@pytest.mark.parametrize("method", METHODS)
def test_both_paths_take_the_same_steps(method):
    system, _ = build(MIXED, ("A", "D", "M", "R2", "X"))
    request = {"end": 50.0, "times": np.linspace(0, 50, 26)}
    one, two = (
        compile_kernel(system, ("A", "D", "M", "R2", "X"), path=path, method=method).solve(table(system), **request)
        for path in ("compiled", "interpreted")
    )
    assert one.steps == two.steps
    np.testing.assert_allclose(two.courses, one.courses, rtol=1e-8, atol=1e-10)


def test_an_unknown_method_is_refused():
    system, _ = build(MIXED, ("A", "D", "M", "R2", "X"))
    with pytest.raises(CarwrightError, match="rodas5p, rodas4"):
        compile_kernel(system, method="euler")
