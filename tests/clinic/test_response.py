"""Kinetics, inhibitory molecules and antigen-low relapse."""

import numpy as np
import pytest

from carwright.clinic.antigen import RelapseRules, antigen_low_relapse, antigen_low_relapse_day
from carwright.clinic.inhibition import MOLECULES, BiopsyDay, inhibition_outcomes
from carwright.clinic.kinetics import KineticsAssay, kinetics_outcomes
from carwright.clinic.readings import censored, peak, unresolved_day, value_at, window

NAN = np.nan


def kinetics(times, copies):
    found = kinetics_outcomes(np.asarray(times, float), np.array([copies], float), KineticsAssay())
    return [float(found[name][0]) for name in ("cmax_copies_per_ug", "tmax_days", "persistence_days")]


def test_kinetics_of_the_stein_2019_curve():
    # R0 e^(rho t) to Tmax, then two exponentials; typical values of Stein 2019, doi 10.1002/psp4.12388.
    cmax, tmax, fold, alpha, beta, slow = 24_000.0, 9.3, 3_900.0, 0.16, 0.0032, 0.0079
    times = np.arange(-5.0, 3_000.0, 0.1)
    rise = cmax / fold * np.exp(np.log(fold) / tmax * np.minimum(times, tmax))
    fall = cmax * ((1 - slow) * np.exp(-alpha * (times - tmax)) + slow * np.exp(-beta * (times - tmax)))
    found = kinetics(times, np.where(times < 0, 0, np.where(times <= tmax, rise, fall)))
    last = tmax + np.log(cmax * slow / 25.0) / beta  # by then only the slow phase is left
    assert found == pytest.approx([cmax, tmax, last], rel=1e-2)


def test_cells_in_the_bag_are_no_peak_and_readings_below_the_limit_no_persistence():
    assert kinetics([-1, 0, 1, 2, 3], [900, 900, 24, 10, 0]) == [24, 1, 0]
    assert kinetics([0, 1, 2, 3], [0, 25, 24, 20]) == [25, 1, 1]
    assert np.isnan(kinetics([0, 1, 2], [NAN] * 3)).all()


def test_peak_stops_at_death():
    times, course = np.arange(4.0), np.array([[0.0, 1.0, 2.0, 9.0], [0.0, 1.0, 2.0, 9.0]])
    highest, day = peak(times, censored(times, course, np.array([2.5, NAN])))
    assert (highest.tolist(), day.tolist()) == ([2, 9], [2, 3])


def test_fold_of_the_second_biopsy_over_the_first():
    times = np.array([-7.0, 0.0, 20.0, 40.0])
    names = (*MOLECULES, "site_inhibition")
    courses = {name: np.array([[9.0, 0.2, 0.4, 0.8], [9.0, 0.0, 0.4, 0.8], [NAN] * 4]) for name in names}
    found = inhibition_outcomes(times, courses, BiopsyDay())
    assert found["inhibitory_index_baseline"] == pytest.approx([0.2, 0.0, NAN], nan_ok=True)
    assert found["inhibitory_index_day28"] == pytest.approx([0.56, 0.56, NAN], nan_ok=True)
    assert found["site_inhibition_day28"] == pytest.approx([0.56, 0.56, NAN], nan_ok=True)
    for name in MOLECULES:
        assert found[f"{name}_fold_day28"] == pytest.approx([2.8, NAN, NAN], nan_ok=True)


def relapse_day(tumour, low):
    times = np.array([-7.0, 0.0, 30.0, 60.0, 90.0])
    return float(antigen_low_relapse_day(times, np.array([tumour], float), np.array([low], float), RelapseRules())[0])


@pytest.mark.parametrize(
    ("why", "tumour", "low", "day"),
    [
        ("regrows as antigen-low", [5e10, 5e10, 1e10, 1.2e10, 2e10], [5e9, 5e9, 5e9, 1e10, 1.9e10], 60),
        (
            "regrows by less than a fifth",
            [5e10, 5e10, 1e10, 1.1e10, 1.1e10],
            [5e9, 5e9, 5e9, 1e10, 1e10],
            NAN,
        ),
        ("regrows with its antigen", [5e10, 5e10, 1e10, 2e10, 4e10], [5e9, 5e9, 1e9, 2e9, 4e9], NAN),
        ("was antigen-low before", [5e10, 5e10, 1e10, 2e10, 4e10], [4e10, 4e10, 9e9, 2e10, 4e10], NAN),
        ("regrowth too small to see", [5e10, 5e10, 1e6, 2e6, 9e8], [5e9, 5e9, 1e6, 2e6, 9e8], NAN),
        ("seen once it is large enough", [5e10, 5e10, 1e6, 2e6, 1e9], [5e9, 5e9, 1e6, 2e6, 1e9], 90),
        ("growth before the infusion", [1e10, 5e10, 4e10, 3e10, 2e10], [0, 5e9, 3e10, 3e10, 2e10], NAN),
    ],
)
def test_antigen_low_relapse(why, tumour, low, day):
    assert relapse_day(tumour, low) == pytest.approx(day, nan_ok=True), why


def test_relapse_of_a_failed_solve_is_unknown():
    empty = np.full((1, 5), NAN)
    found = antigen_low_relapse(np.array([-7.0, 0, 30, 60, 90]), empty, empty, RelapseRules())
    assert np.isnan(found).all()


def test_values_between_and_outside_the_times():
    times, course = np.array([0.0, 2.0]), np.array([[1.0, 3.0]])
    assert [value_at(times, course, day)[0] for day in (0.0, 0.5, 2.0)] == [1.0, 1.5, 3.0]
    assert np.isnan(value_at(times, course, 2.1))
    days, cut = window(times, course, 0.5, 1.5)
    assert (days.tolist(), cut.tolist()) == ([0.5, 1.5], [[1.5, 2.5]])


def test_unresolved_means_inside_from_the_beginning_to_the_limit():
    times = np.arange(10.0)
    states = np.zeros((4, 10), bool)
    states[0, 1:5] = True  # resolved by day 5: readings on days 1 to 4
    states[1, 1:4] = True  # three days: resolved on day 4
    states[2, [1, 2, 4, 5, 6]] = True  # interrupted, never three days
    states[3, 3:] = True
    assert unresolved_day(times, states, 3.0) == pytest.approx([4.0, NAN, NAN, 6.0], nan_ok=True)
