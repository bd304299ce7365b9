"""Agreement with SciPy and libroadrunner, and convergence with the tolerance."""

from itertools import pairwise

import numpy as np
import roadrunner
from engine_models import MIXED, PATIENT, SCALES, sbml
from engine_support import build, table
from scipy.integrate import solve_ivp

from carwright.engine import Dosing, Functional, read_sbml
from carwright.engine.evaluate import evaluate

TIMES = np.unique(np.r_[np.arange(0, 14, 0.5), np.arange(14, 28), np.linspace(28, 180, 20)])
STATES = (
    "CE",
    "CM",
    "CX",
    "CI",
    "L",
    "Tp",
    "Tn",
    "G",
    "PD",
    "MA",
    "IL6",
    "IFN",
    "IL15",
    "CRP",
    "PSA",
    "P1",
    "P2",
    "ANC",
)
ASKED = tuple(
    Functional(kind, of, 0.0, 60.0, threshold)
    for of, level in (("CE", 10.0), ("ANC", 3.0))
    for kind, threshold in (
        ("maximum", None), ("time_of_maximum", None), ("minimum", None), ("time_of_minimum", None),
        ("integral", None),
        ("days_below", level), ("days_above", level), ("first_day_above", level), ("first_day_below", level),
        ("last_day_above", level), ("value_at", None),
    )
)  # fmt: skip
OBSERVED = (*STATES, "ifs")


def scipy_solution(system, parameters, doses, times, tolerance=1e-10):
    values = dict(zip(system.parameters, parameters, strict=True))

    def rates(t, y):
        point = dict(zip(system.states, y, strict=True))
        return np.array([float(r) for r in evaluate(system.rates, {**values, **point, "time": t})])

    y = system.initial_values(parameters[None])[0]
    stops = sorted({times[0], *doses, times[-1]})
    rows = []
    for a, b in pairwise(stops):
        for name, amount in doses.get(a, ()):
            y[system.states.index(name)] += amount
        inside = times[(times >= a) & (times < b)]
        run = solve_ivp(rates, (a, b), y, "Radau", np.r_[inside, b], rtol=tolerance, atol=tolerance * 1e-4)
        rows.append(run.y.T[:-1])
        y = run.y[:, -1].copy()
    return np.vstack([*rows, y])


def test_the_patient_model_agrees_with_radau_and_errors_shrink_with_the_tolerance(patients):
    system, parameters, dose = patients
    _, kernel = build(PATIENT, OBSERVED, ASKED)
    amounts = dose[:, None] * [0.1, 0.3, 0.6]
    dosing = Dosing(np.array([0.0, 1.0, 2.0]), ("CE",) * 3, amounts[:2])
    doses = {day: [("CE", amounts[0, day])] for day in range(3)}
    reference = scipy_solution(system, parameters[0], doses, TIMES)
    order = [system.states.index(name) for name in STATES]
    size = np.abs(reference[:, order]) + 1e-3 * np.abs(reference[:, order]).max(0)
    scale = np.array(SCALES)[[STATES.index(name) for name in system.states]]
    errors = []
    for tolerance in (1e-4, 1e-6, 1e-8):
        solution = kernel.solve(
            parameters[:2], dosing, end=180.0, times=TIMES, relative_tolerance=tolerance,
            absolute_tolerance=tolerance * 1e-3 * scale,
        )  # fmt: skip
        errors.append(np.max(np.abs(solution.courses[0, :, :18] - reference[:, order]) / size))
    assert errors[0] < 5e-3
    assert errors[1] < 1e-5
    assert errors[2] < 1e-7


def test_libroadrunner_agrees():
    system = read_sbml(sbml(MIXED))
    _, kernel = build(MIXED, system.states)
    times = np.linspace(0.0, 40.0, 21)
    solution = kernel.solve(
        table(system),
        end=40.0,
        times=times,
        relative_tolerance=1e-9,
        absolute_tolerance=np.full(len(system.states), 1e-14),
    )
    other = roadrunner.RoadRunner(sbml(MIXED))
    other.integrator.relative_tolerance, other.integrator.absolute_tolerance = 1e-11, 1e-15
    concentrations = {"A", "D"}
    other.timeCourseSelections = [f"[{name}]" if name in concentrations else name for name in system.states]
    expected = np.array(other.simulate(0, 40, 21))
    np.testing.assert_allclose(solution.courses[0], expected, rtol=1e-6, atol=1e-12)


def test_functionals_agree_with_a_dense_course(patients):
    _, parameters, dose = patients
    _, kernel = build(PATIENT, OBSERVED, ASKED)
    dosing = Dosing(np.array([0.0, 1.0, 2.0]), ("CE",) * 3, dose[:16, None] * [0.1, 0.3, 0.6])
    step = 0.001
    times = np.arange(0.0, 60.0 + step / 2, step).clip(max=60.0)
    run = kernel.solve(
        parameters[:16],
        dosing,
        end=60.0,
        times=times,
        relative_tolerance=1e-7,
    )
    for column, level in enumerate((10.0, 3.0)):
        course = run.courses[:, :, OBSERVED.index(("CE", "ANC")[column])]
        found = run.functionals[:, column * 11 : column * 11 + 11].T
        scale = np.ptp(course, axis=1) + np.abs(course).max(1)
        assert np.all(np.abs(found[0] - course.max(1)) < 1e-5 * scale)
        assert np.all(
            np.abs(np.array([np.interp(t, times, c) for t, c in zip(found[1], course, strict=True)]) - course.max(1))
            < 1e-4 * scale
        )
        assert np.all(np.abs(found[2] - course.min(1)) < 1e-5 * scale)
        area = np.trapezoid(course, times, axis=1)
        np.testing.assert_allclose(found[4], area, rtol=1e-3)
        np.testing.assert_allclose(found[5], step * np.sum(course < level, 1), atol=0.02)
        np.testing.assert_allclose(found[5] + found[6], 60.0, atol=1e-6)
        for i in range(16):
            above = np.flatnonzero(course[i] > level)
            below = np.flatnonzero(course[i] < level)
            expected = [times[above[0]] if len(above) else np.nan, times[below[0]] if len(below) else np.nan,
                        times[above[-1]] if len(above) else np.nan]  # fmt: skip
            np.testing.assert_allclose(found[7:10, i], expected, atol=0.003)
        np.testing.assert_allclose(found[10], course[:, -1], rtol=1e-9)
