"""The same bytes for any order of patients, neighbours, threads and chunks; and the outcome codes."""

import numpy as np
import pytest
from engine_models import PATIENT, SAW
from engine_support import build, table
from test_against_others import ASKED, OBSERVED, TIMES
from test_closed_form import SAW_TRIGGERS

from carwright.engine import EXPLAIN, NEGATIVE_LIMIT, Dosing, Functional, Outcome

NUMBERS = ("outcome", "courses", "functionals", "trigger_counts", "trigger_days", "steps", "lowest")


def assert_same(one, other, order=slice(None)):
    for name in NUMBERS:
        assert getattr(one, name)[order].tobytes() == getattr(other, name).tobytes(), name


@pytest.mark.parametrize(
    "settings", [{"threads": 2, "chunk": 9}, {"threads": 3, "chunk": 1}, {"chunk": 63}, {"chunk": 8}]
)
def test_threads_and_chunks_change_nothing(patients, settings):
    _, parameters, dose = patients
    _, kernel = build(PATIENT, OBSERVED, ASKED)
    dosing = Dosing(np.array([0.0, 1.0, 2.0]), ("CE",) * 3, dose[:, None] * [0.1, 0.3, 0.6])
    seen = []
    once = kernel.solve(parameters, dosing, end=180.0, times=TIMES)
    again = kernel.solve(parameters, dosing, end=180.0, times=TIMES, progress=seen.append, **settings)
    assert_same(once, again)
    assert sum(seen) == 64
    assert np.all(once.outcome == Outcome.OK)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_and_company_change_nothing(patients, seed):
    _, parameters, dose = patients
    _, kernel = build(PATIENT, OBSERVED, ASKED)
    order = np.random.default_rng(seed).permutation(64)[: 64 - seed]

    def solve(chosen):
        doses = dose[chosen, None] * [0.1, 0.3, 0.6]
        dosing = Dosing(np.array([0.0, 1.0, 2.0]), ("CE",) * 3, doses)
        return kernel.solve(parameters[chosen], dosing, end=180.0, times=TIMES)

    assert_same(solve(np.arange(64)), solve(order), order)


def test_order_changes_nothing_where_triggers_fire():
    system, kernel = build(
        SAW, ("A", "M", "O", "I", "S"), (Functional("days_below", "A", threshold=60.0),), SAW_TRIGGERS
    )
    p = table(system, 40, k=np.geomspace(0.01, 30, 40))
    order = np.random.default_rng(5).permutation(40)
    solutions = [kernel.solve(p[o], end=20.0, times=np.arange(21.0)) for o in (np.arange(40), order)]
    assert_same(solutions[0], solutions[1], order)


def test_a_patient_who_cannot_be_solved_is_a_code_and_harms_no_neighbour(patients):
    system, parameters, dose = patients
    _, kernel = build(PATIENT, OBSERVED, ASKED)

    def solve(p, d, **settings):
        dosing = Dosing(np.array([0.0]), ("CE",), d[:, None])
        return kernel.solve(p, dosing, end=180.0, times=TIMES, **settings)

    spoilt, wrong = parameters.copy(), dose.copy()
    spoilt[3, system.parameters.index("KT")] = np.nan
    wrong[5] = np.inf
    spoilt[7, system.parameters.index("rL")] = -1e308
    spoilt[11, system.parameters.index("rT")] = 1e6
    solution, sound = solve(spoilt, wrong), solve(parameters, dose)
    assert list(solution.outcome[[3, 5]]) == [Outcome.BAD_INPUT] * 2
    assert solution.outcome[7] != Outcome.OK
    failed = solution.outcome != Outcome.OK
    for name in ("courses", "functionals", "trigger_counts", "trigger_days", "lowest"):
        assert np.all(np.isnan(getattr(solution, name)[failed]))
    kept = np.setdiff1d(np.arange(64), [3, 5, 7, 11])
    np.testing.assert_array_equal(solution.courses[kept], sound.courses[kept])
    assert np.all(solve(parameters, dose, max_steps=20).outcome == Outcome.MAX_STEPS)
    assert set(EXPLAIN) == set(Outcome)


HOSTILE = """
model hostile
  substanceOnly species Z, B, R, A
  blow = 0; shrink = 0; n = 0.5; Z = 0; B = 1; R = 1
  Z' = Z^n - Z
  B' = blow*B^2
  R' = -shrink/R
  A = 1; drain = 0; J: A -> ; drain
  log_ratio := ln(B - limit); limit = -1
end
"""


def test_hostile_models_end_in_codes_not_in_numbers():
    _, kernel = build(HOSTILE, ("Z", "B", "A"), (Functional("maximum", "log_ratio"),))
    system = kernel.system
    p = table(system, 5, blow=[0.0, 1.0, 0.0, 0.0, 0.0], shrink=[0.0, 0.0, 1.0, 0.0, 0.0], limit=[-1, -1, -1, 3, -1])
    p[4, system.parameters.index("n")] = 2.7
    solution = kernel.solve(p, end=2.0, times=[1.0, 2.0])
    assert solution.outcome[0] == solution.outcome[4] == Outcome.OK
    np.testing.assert_array_equal(solution.courses[0, :, 0], 0.0)  # an infinite slope at an exact zero is harmless
    assert solution.outcome[1] in {Outcome.STEP_TOO_SMALL, Outcome.NOT_FINITE}  # B = 1/(1 - t)
    assert solution.outcome[2] in {Outcome.STEP_TOO_SMALL, Outcome.NOT_FINITE}  # R = sqrt(1 - 2 t)
    assert solution.outcome[3] == Outcome.UNDEFINED_OBSERVABLE
    assert np.all(np.isnan(solution.functionals[1:4]))


def test_excursions_below_zero_are_reported():
    system, kernel = build(HOSTILE, ("Z", "B", "A"), (Functional("maximum", "log_ratio"),))
    solution = kernel.solve(table(system, 2, drain=[0.0, 1.0]), end=3.0, times=[3.0], absolute_tolerance=[1e-6] * 4)
    np.testing.assert_allclose(solution.courses[:, 0, 2], [1.0, -2.0])
    np.testing.assert_allclose(solution.lowest, [0.0, -2e6])


def test_excursions_below_the_limit_are_an_outcome():
    system, kernel = build(HOSTILE, ("Z", "B", "A"), (Functional("maximum", "log_ratio"),))
    asked = {"end": 3.0, "times": [3.0], "absolute_tolerance": [1e-6] * 4}
    solution = kernel.solve(table(system, 2, drain=[0.0, 1.0]), **asked, negative_limit=NEGATIVE_LIMIT)
    assert solution.outcome.tolist() == [Outcome.OK, Outcome.NEGATIVE]
    assert np.isnan(solution.courses[1]).all()
    assert np.isnan(solution.functionals[1]).all()
    np.testing.assert_allclose(solution.lowest, [0.0, -2e6])  # what happened stays visible
