"""Coin tosses and virtual patients share one protocol; designs meet the same ones."""

from __future__ import annotations

import numpy as np
import pytest

from carwright.errors import CarwrightError
from carwright.trial.calendar import Calendar
from carwright.trial.exact import exact
from carwright.trial.patients import BernoulliPatients, VirtualPatients
from carwright.trial.registry import build_design
from carwright.trial.replay import replay
from carwright.trial.simulate import simulate

CHANCES = [0.1, 0.25, 0.45]


def test_virtual_patients_in_both_simulators_take_the_same_course(ladder, bernoulli):
    """Where nobody is lost or dies, the replay on a calendar treats the same patients in the same order."""
    design = build_design("boin", ladder("1", "2", "3"), {"cohort_size": 1}, [{"stop_at": {"n": 12}}])
    potential = bernoulli(CHANCES)
    together = simulate(design, VirtualPatients(potential), 200, 4)
    one_by_one = replay(200, design, potential, Calendar(), 4, arm="study", adjudication="protocol").trials
    labels = np.array(["1", "2", "3", None], dtype=object)
    np.testing.assert_array_equal(labels[together.recommended], one_by_one["recommended_node"])
    np.testing.assert_array_equal(together.dlts.sum(axis=1), one_by_one["dlts"])


def test_many_virtual_patients_give_the_exact_characteristics(ladder, bernoulli):
    design = build_design("crm", ladder("1", "2", "3"), {}, [{"stop_at": {"n": 9}}])
    potential = bernoulli(CHANCES, patients=9 * 4000, blocks=4000)
    found = simulate(design, VirtualPatients(potential), 4000, 1).characteristics()
    expected = exact(design, dict(zip("123", CHANCES, strict=True)))
    for label, share in expected.recommended.items():
        assert found.recommended[label] == pytest.approx(share, abs=4 * (share * (1 - share) / 4000) ** 0.5 + 1e-9)


@pytest.mark.parametrize("kind", ["coins", "virtual"])
def test_designs_are_compared_on_the_same_patients(ladder, bernoulli, kind):
    """The pair's difference varies less than that of independent trials."""
    patients = BernoulliPatients(CHANCES) if kind == "coins" else VirtualPatients(bernoulli(CHANCES))
    one, two = (
        simulate(build_design(name, ladder("1", "2", "3"), {}, [{"stop_at": {"n": 12}}]), patients, 1500, seed)
        for name, seed in (("boin", 1), ("keyboard", 1))
    )
    other = simulate(build_design("keyboard", ladder("1", "2", "3"), {}, [{"stop_at": {"n": 12}}]), patients, 1500, 2)
    paired = (one.dlts.sum(axis=1) - two.dlts.sum(axis=1)).std()
    apart = (one.dlts.sum(axis=1) - other.dlts.sum(axis=1)).std()
    assert paired < 0.7 * apart


def test_a_patient_sick_at_a_dose_is_sick_above_it() -> None:
    panel = BernoulliPatients((0.1, 0.4, 0.8)).panel(1, 500)
    trial, seat = np.arange(500), np.zeros(500, dtype=np.int64)
    sick = np.stack([panel.outcomes(trial, seat, np.full(500, node))[0] for node in range(3)])
    assert (sick[:-1] <= sick[1:]).all()
    assert sick.mean(axis=1) == pytest.approx([0.1, 0.4, 0.8], abs=0.07)


def test_patients_who_cannot_take_part(ladder, bernoulli):
    none = bernoulli(CHANCES, patients=40, blocks=2, on_dose=np.zeros((40, 3), dtype=bool))
    with pytest.raises(CarwrightError, match="no patient who is infused on dose"):
        simulate(build_design("boin", ladder("1", "2", "3"), {}), VirtualPatients(none), 3, 1)
    with pytest.raises(CarwrightError, match="different numbers of nodes"):
        simulate(build_design("boin", ladder("1", "2"), {}), BernoulliPatients(CHANCES), 3, 1)
    with pytest.raises(CarwrightError, match="hardly ever reached"):
        BernoulliPatients((0.1,), delivery=(0.01,))
    with pytest.raises(CarwrightError, match="not the probabilities"):
        BernoulliPatients((0.1,), later=(0.1, 0.2))
