"""Solutions, functionals and triggers against formulas on paper."""

import numpy as np
import pytest
from engine_models import SAW, TOYS
from engine_support import build, table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from carwright.engine import Dosing, Functional, Outcome, Trigger, compile_kernel

TIMES = np.linspace(0.0, 10.0, 41)

FUNCTIONALS = (
    Functional("integral", "A", 1.0, 9.0),
    Functional("first_day_below", "A", threshold=50.0),
    Functional("days_below", "half", 2.0, 8.0, threshold="limit"),
    Functional("value_at", "A", end=4.0),
    Functional("last_day_above", "A", threshold=20.0),
    Functional("first_day_above", "A", threshold=200.0),
    Functional("maximum", "A", 3.0, 5.0),
    Functional("time_of_minimum", "A", 3.0, 5.0),
    Functional("first_day_above", "N", threshold=500.0),
    Functional("minimum", "X", -2.0, 3.0),
    Functional("time_of_minimum", "X", -2.0, 3.0),
)
OBSERVED = ("A", "half", "C", "P", "N", "X", "Q")


@pytest.fixture(scope="module")
def toys():
    return build(TOYS, OBSERVED, FUNCTIONALS)


@given(rates=st.lists(st.floats(0.05, 20.0), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_decay_for_any_rate_and_number_of_patients(toys, rates):
    system, kernel = toys
    k = np.array(rates)
    solution = kernel.solve(table(system, len(k), k=k), start=-2.0, end=10.0, times=TIMES, relative_tolerance=1e-8)
    exact = 100 * np.exp(-np.outer(k, TIMES + 2))
    np.testing.assert_allclose(solution.courses[:, :, 0], exact, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(solution.courses[:, :, 1], exact / 2, rtol=2e-6, atol=1e-6)
    integral, first, days, value, last, never, top, bottom = solution.functionals[:, :8].T
    np.testing.assert_allclose(integral, 100 / k * (np.exp(-3 * k) - np.exp(-11 * k)), rtol=1e-5, atol=1e-6)
    crossed = np.log(2) / k < 12
    np.testing.assert_allclose(first[crossed], np.log(2) / k[crossed] - 2, atol=1e-5)
    assert np.all(np.isnan(first[~crossed]))
    np.testing.assert_allclose(days, np.clip(10 - np.log(5) / k, 0, 6), atol=1e-4)
    np.testing.assert_allclose(value, 100 * np.exp(-6 * k), rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(last, np.minimum(np.log(5) / k - 2, 10), atol=1e-5)
    assert np.all(np.isnan(never))
    np.testing.assert_allclose(top, 100 * np.exp(-5 * k), rtol=2e-6, atol=1e-6)
    # Below the tolerance the course is noise, and so is the place of its minimum.
    np.testing.assert_allclose(bottom[k < 2], 5.0)


def test_superposition_and_doses_at_one_instant(toys):
    system, kernel = toys
    p = table(system)

    def solve(times, amounts):
        dosing = Dosing(np.array(times), ("C",) * len(times), np.array([amounts]))
        solution = kernel.solve(p, dosing, start=-2.0, end=10.0, times=TIMES, relative_tolerance=1e-9)
        return solution.courses[0, :, 2:4]

    values, vectors = np.linalg.eig(np.array([[-0.9, 0.4], [0.6, -0.4]]))

    def exact(dose_time, amount):
        weights = np.linalg.solve(vectors, [amount, 0.0])
        late = dose_time <= TIMES
        return late[:, None] * ((np.exp(np.outer(TIMES - dose_time, values)) * weights) @ vectors.T)

    both = solve([0.0, 3.0], [10.0, 5.0])
    np.testing.assert_allclose(both, exact(0.0, 10.0) + exact(3.0, 5.0), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(solve([2.0, 2.0], [4.0, 4.0]), solve([2.0], [8.0]))
    np.testing.assert_array_equal(solve([3.0, 0.0], [5.0, 10.0]), both)


def test_a_dose_to_a_concentration_is_divided_by_the_volume(toys):
    system, kernel = toys
    dosing = Dosing(np.array([0.0]), ("Q",), np.array([[8.0], [8.0]]))
    solution = kernel.solve(table(system, 2, V=[4.0, 16.0]), dosing, start=-2.0, end=10.0, times=[0.0, 2.0])
    before = np.exp(-1)
    expected = [[before + 2, before**2 + 2 * before], [before + 0.5, before**2 + 0.5 * before]]
    np.testing.assert_allclose(solution.courses[:, :, 6], expected, rtol=1e-5)


def test_logistic_growth(toys):
    system, kernel = toys
    solution = kernel.solve(table(system), start=-2.0, end=10.0, times=TIMES, relative_tolerance=1e-9)
    exact = 1000 / (1 + (1000 / 3 - 1) * np.exp(-1.2 * (TIMES + 2)))
    np.testing.assert_allclose(solution.courses[0, :, 4], exact, rtol=1e-7)
    np.testing.assert_allclose(solution.functionals[0, 8], np.log(1000 / 3 - 1) / 1.2 - 2, atol=1e-6)


def test_rates_that_depend_on_time(toys):
    system, kernel = toys
    w, b = 3.0, 0.7

    def exact(t):
        def particular(t):
            wave = b * (2 * np.sin(w * t) - w * np.cos(w * t)) / (4 + w * w)
            return wave + t**2 / 2 - t / 2 + 0.25

        return particular(t) - particular(-2.0) * np.exp(-2 * (t + 2))

    for tolerance, error in ((1e-5, 2e-4), (1e-7, 2e-6), (1e-9, 2e-8)):
        solution = kernel.solve(table(system), start=-2.0, end=10.0, times=TIMES, relative_tolerance=tolerance)
        np.testing.assert_allclose(solution.courses[0, :, 5], exact(TIMES), atol=error)
    fine = np.linspace(-2.0, 3.0, 2_000_001)
    reference = exact(fine)
    expected = [reference.min(), fine[reference.argmin()]]
    np.testing.assert_allclose(solution.functionals[0, 9:], expected, atol=1e-5)


SAW_TRIGGERS = (
    Trigger("refill", "50 - A", {"A": "A + 50"}, at_most=1000),
    Trigger("pulse", "A > 60 && B < 1e9", {"B": "B + A"}, every_days=0.8, at_most=4, start=3.0, end=19.0),
    Trigger("swap", "time - 1", {"M": "O", "O": "M"}),
    Trigger("double", "time - 1", {"M": "2*M"}),
    Trigger("count", "X - 1", {"I": "I + 1"}, at_most=100),
    Trigger("dosed", "S > 500", {"S": "S + 1000"}, every_days=0.5, at_most=3),
)


@pytest.fixture(scope="module")
def saw():
    return build(SAW, ("A", "M", "O", "I", "S"), (Functional("days_below", "A", threshold=60.0),), SAW_TRIGGERS)


@pytest.mark.parametrize(("tolerance", "error"), [(1e-5, 1e-2), (1e-7, 1e-4), (1e-9, 3e-6)])
def test_triggers_fire_when_they_should(saw, tolerance, error):
    system, kernel = saw
    k = np.linspace(0.5, 2.0, 9)
    solution = kernel.solve(table(system, 9, k=k), end=20.0, times=np.arange(21.0), relative_tolerance=tolerance)
    period = np.log(2) / k
    np.testing.assert_allclose(solution.trigger_days[:, 0], period, atol=1e-5)
    np.testing.assert_array_equal(solution.trigger_counts[:, 0], np.floor(20 / period))
    # A saw tooth of falling exponentials.
    exact = 100 * np.exp(-k[:, None] * np.mod(np.arange(21.0), period[:, None]))
    np.testing.assert_allclose(solution.courses[:, :, 0], exact, atol=error)
    teeth = np.floor(20 / period)
    rest = np.maximum(0, 20 - teeth * period - np.log(100 / 60) / k)
    np.testing.assert_allclose(solution.functionals[:, 0], teeth * np.log(60 / 50) / k + rest, atol=error)
    # The pulse waits for its window and the level.
    above = np.mod(3.0, period) < np.log(100 / 60) / k
    first = np.where(above, 3.0, period * np.ceil(3.0 / period))
    np.testing.assert_allclose(solution.trigger_days[:, 1], first, atol=1e-4)
    np.testing.assert_array_equal(solution.trigger_counts[:, 1], 4)


def test_a_trigger_sees_the_state_before_it_and_assigns_all_at_once(saw):
    system, kernel = saw
    solution = kernel.solve(table(system), end=20.0, times=[0.5, 2.0])
    np.testing.assert_array_equal(solution.courses[0, :, 1:3], [[1.0, 5.0], [10.0, 1.0]])


def test_a_trigger_re_arms_only_at_or_below_its_level(saw):
    system, kernel = saw
    solution = kernel.solve(table(system), end=20.0, times=[20.0], relative_tolerance=1e-8)
    first = np.arcsin(0.5) / 3  # X = 0.5 + sin(3 t) rises through 1
    expected = len(np.arange(first, 20.0, 2 * np.pi / 3))
    assert solution.courses[0, 0, 3] == solution.trigger_counts[0, 4] == expected
    np.testing.assert_allclose(solution.trigger_days[0, 4], first, atol=1e-6)


def test_a_dose_that_makes_a_condition_true_fires_the_trigger_at_once(saw):
    system, kernel = saw
    dosing = Dosing(np.array([4.0]), ("S",), np.array([[501.0]]))
    solution = kernel.solve(table(system), dosing, end=20.0, times=np.arange(3.95, 6.0, 0.2))
    assert solution.trigger_days[0, 5] == 4.0
    assert solution.trigger_counts[0, 5] == 3
    expected = [0, 1501, 1501, 2501, 2501, 2501, 3501, 3501, 3501, 3501, 3501]
    np.testing.assert_allclose(solution.courses[0, :, 4], expected)
    assert solution.outcome[0] == Outcome.OK


@pytest.mark.parametrize("path", ["compiled", "interpreted"])
def test_the_summit_of_an_observable_with_corners(path):
    """Rates are constant, so steps are as long as the solve and no sample falls on the corner."""
    tent = """
    model tent
      up = 0.0; up' = 1; down = 3.7; down' = -1.3; low := min(up, down); size := abs(up - 2.1)
    end
    """
    asked = [
        Functional("maximum", "low"), Functional("time_of_maximum", "low"),
        Functional("minimum", "size"), Functional("time_of_minimum", "size"),
    ]  # fmt: skip
    system, _ = build(tent, ("low",))
    kernel = compile_kernel(system, (), asked, path=path)
    found = kernel.solve(table(system), end=10.0).functionals[0]
    np.testing.assert_allclose(found, [3.7 / 2.3, 3.7 / 2.3, 0.0, 2.1], atol=1e-7)


@pytest.mark.parametrize("path", ["compiled", "interpreted"])
def test_the_integral_of_an_observable_with_corners(path):
    """Rates are constant, so steps are as long as the solve; corners and jumps fall between samples."""
    corners = """
    model corners
      t = 0.0; t' = 1; u = 3.7; u' = -1.3
      low := min(t, u); late := max(t - 7.3, 0); size := abs(t - 2.1); square := max(t - 3.3, 0)^2
      on := piecewise(1, t > 4.4, 0); both := max(t - 1.1, 0) + max(t - 8.8, 0); smooth := t^2
    end
    """
    names = ("low", "late", "size", "square", "on", "both", "smooth")
    system, _ = build(corners, ("low",))
    kernel = compile_kernel(system, (), [Functional("integral", name) for name in names], path=path)
    cross = 3.7 / 2.3
    expected = [
        cross**2 / 2 + 3.7 * (10 - cross) - 0.65 * (100 - cross**2),
        2.7**2 / 2,
        (2.1**2 + 7.9**2) / 2,
        6.7**3 / 3,
        5.6,
        8.9**2 / 2 + 1.2**2 / 2,
        1000 / 3,
    ]
    found = kernel.solve(table(system), end=10.0, relative_tolerance=1e-8).functionals[0]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_corners_without_end_leave_the_rule_of_few_points_on_both_paths():
    saw = "model saw; t = 0.0; t' = 1; teeth := abs(sin(4000 * t)); end"
    system, _ = build(saw, ("teeth",))
    asked = [Functional("integral", "teeth")]
    kernels = [compile_kernel(system, (), asked, path=path) for path in ("compiled", "interpreted")]
    found = [kernel.solve(table(system), end=10.0).functionals[0, 0] for kernel in kernels]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
