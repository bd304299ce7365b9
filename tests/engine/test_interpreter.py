"""The interpreter does what compiled code does, and is taken where code cannot be compiled."""

import numpy as np
import pytest
from engine_models import MIXED, SAW, TOYS, sbml
from engine_support import build, table

from carwright.engine import Dosing, Functional, Trigger, compile_kernel, read_sbml
from carwright.errors import CarwrightError

FUNCTIONALS = (
    Functional("maximum", "P"), Functional("time_of_maximum", "P"), Functional("minimum", "X"),
    Functional("time_of_minimum", "X", 1.0, 9.0), Functional("integral", "A", 1.0, 7.0),
    Functional("days_above", "A", threshold="limit"), Functional("days_below", "X", threshold=0.5),
    Functional("first_day_above", "N", threshold=500.0), Functional("first_day_below", "A", threshold=20.0),
    Functional("last_day_above", "half", threshold=5.0), Functional("value_at", "N", end=5.0),
    Functional("value_at", "N"), Functional("first_day_above", "A", threshold=1e9),
)  # fmt: skip
TRIGGERS = (
    Trigger("refill", "2 - A", {"A": "A + 30"}, at_most=3),
    Trigger("cull", "N > 900", {"N": "N/2", "P": "P + 1"}, every_days=1.5, at_most=4, start=1.0, end=11.0),
)


def test_every_result_agrees_with_compiled_code():
    system, compiled = build(TOYS, ("A", "C", "P", "N", "X", "half"), FUNCTIONALS, TRIGGERS)
    interpreted = compile_kernel(system, compiled.observables, FUNCTIONALS, TRIGGERS, path="interpreted")
    parameters = table(system, 5, k=np.linspace(0.3, 0.9, 5), r=np.linspace(0.8, 1.6, 5))
    dosing = Dosing([0.0, 2.0, 12.0], ("C", "Q", "A"), np.tile([50.0, 3.0, 7.0], (5, 1)))
    request = {"start": 0.0, "end": 12.0, "times": np.linspace(0, 12, 49), "relative_tolerance": 1e-7}
    one, two = compiled.solve(parameters, dosing, **request), interpreted.solve(parameters, dosing, **request)
    assert (one.path, two.path) == ("compiled", "interpreted")
    np.testing.assert_array_equal(one.outcome, two.outcome)
    assert np.all(one.outcome == 0)
    np.testing.assert_allclose(two.courses, one.courses, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(two.trigger_counts, one.trigger_counts)
    assert one.trigger_counts.sum() > 5
    np.testing.assert_allclose(two.trigger_days, one.trigger_days, atol=1e-6)
    np.testing.assert_allclose(two.functionals, one.functionals, rtol=1e-6, atol=3e-6)


def test_without_jumps_the_steps_are_the_same():
    system, compiled = build(MIXED, ("A", "D", "M", "R2", "X"))
    interpreted = compile_kernel(system, compiled.observables, path="interpreted")
    request = {"end": 50.0, "times": np.linspace(0, 50, 26)}
    one, two = (kernel.solve(table(system), **request) for kernel in (compiled, interpreted))
    assert one.steps == two.steps
    np.testing.assert_allclose(two.courses, one.courses, rtol=1e-8, atol=1e-10)


def test_the_same_bytes_for_any_chunks_threads_and_order():
    system = read_sbml(sbml(SAW))
    triggers = [Trigger("saw", "A < 20", {"A": "A + 50", "B": "time"}, at_most=9)]
    kernel = compile_kernel(system, ("A", "B"), [Functional("integral", "A")], triggers, path="interpreted")
    parameters = table(system, 23, k=np.linspace(0.2, 2.0, 23))
    whole = kernel.solve(parameters, end=20.0, times=np.linspace(0, 20, 11))
    parts = kernel.solve(parameters[::-1], end=20.0, times=np.linspace(0, 20, 11), threads=2, chunk=3)
    assert whole.courses.tobytes() == parts.courses[::-1].tobytes()
    assert whole.functionals.tobytes() == parts.functionals[::-1].tobytes()
    assert whole.trigger_days.tobytes() == parts.trigger_days[::-1].tobytes()


def chain(length):
    """Decay through a chain of compartments, whose last member is a gamma distribution."""
    text = "model chain\n substanceOnly species " + ", ".join(f"S{i}" for i in range(length)) + "\n k = 2; S0 = 1\n"
    text += "".join(f" S{i} = 0\n" for i in range(1, length))
    text += "".join(f" J{i}: S{i} -> S{i + 1}; k*S{i}\n" for i in range(length - 1)) + "end\n"
    return sbml(text)


def test_large_models_are_interpreted_and_right():
    system = read_sbml(chain(100))
    kernel = compile_kernel(system, ("S0", "S40"))
    times = np.linspace(0, 40, 9)
    solution = kernel.solve(table(system), end=40.0, times=times, absolute_tolerance=np.full(100, 1e-12))
    assert (kernel.path, solution.path) == ("interpreted", "interpreted")
    x = 2 * times
    log_factorial = np.sum(np.log(np.arange(1, 41)))
    poisson = np.where(x > 0, np.exp(40 * np.log(np.maximum(x, 1e-300)) - x - log_factorial), 0.0)
    np.testing.assert_allclose(solution.courses[0, :, 0], np.exp(-x), atol=1e-7)
    np.testing.assert_allclose(solution.courses[0, :, 1], poisson, atol=1e-7)


def test_outcomes_are_those_of_compiled_code():
    blow_up = "X = 1; X' = X^2; p = 1; Y = 0; Y' = p"
    kernel = compile_kernel(read_sbml(sbml(blow_up)), ("X",), path="interpreted")
    found = kernel.solve([[1.0], [np.nan]], end=2.0, times=[0.5], max_steps=5000)
    assert found.outcome[0] in {1, 2, 3}
    assert found.outcome[1] == 4
    assert np.all(np.isnan(found.courses))


def test_events_cannot_be_compiled():
    system = read_sbml(sbml("X = 0; X' = 1; at (X > 1): X = 0"))
    with pytest.raises(CarwrightError, match="path"):
        compile_kernel(system, ("X",), path="compiled")
    assert compile_kernel(system, ("X",)).path == "interpreted"
