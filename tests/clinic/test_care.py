"""Care rules: their conditions against the grading scales, their limits against the guideline."""

import itertools

import numpy as np
import pytest

from carwright.clinic.care import CARE_RULES, Care, care_rules, dose_counts, orders
from carwright.clinic.crs import SignThresholds, support_grade
from carwright.clinic.icans import icans_course
from carwright.engine.evaluate import evaluate
from carwright.engine.formula import parse
from carwright.errors import CarwrightError

GRID = {
    "temperature": (36.8, 37.99, 38.01, 40.0),
    "arterial_pressure": (90.0, 65.1, 64.9, 57.1, 56.9, 45.1, 44.9, 30.0),
    "oxygen_saturation": (97.0, 92.1, 91.9, 85.1, 84.9, 75.1, 74.9),
    "encephalopathy": (0.0, 0.349, 0.351, 1.499, 1.501),
    "ferritin": (400.0, 10_000.0, 30_000.0),
    "tocilizumab": (0.0, 8.0, 15.0),
    "corticosteroid": (0.0, 20.0),
    "anakinra": (0.0,),
}


@pytest.fixture(scope="module")
def signs():
    """Every combination of the grid, and what the grading scales say of it."""
    values = np.array(list(itertools.product(*GRID.values()))).T
    state = dict(zip(GRID, values, strict=True))
    care = Care()
    support = support_grade(state["arterial_pressure"], state["oxygen_saturation"], care.crs)
    syndrome = (state["temperature"] >= 38.0) | (state["tocilizumab"] > 0.8) | (state["corticosteroid"] > 1.0)
    crs = np.where(syndrome, support, 0.0)
    icans = icans_course(np.array([1.0]), state["encephalopathy"][:, None], care.icans)[:, 0]
    return state, crs, icans, syndrome & (state["ferritin"] > care.hlh.ferritin)


def acts(name, state):
    return evaluate([parse(orders([name])[name].when)], state)[0] > 0.0


def test_conditions_hold_exactly_where_the_scales_say(signs):
    state, crs, icans, hlh = signs
    repeated = state["tocilizumab"] > 12.0
    assert (acts("tocilizumab", state) == (crs >= 2)).all()
    assert (acts("dexamethasone", state) == ((crs >= 3) | (icans >= 2))).all()
    assert (acts("methylprednisolone", state) == ((crs >= 4) | (icans >= 4))).all()
    assert (acts("anakinra", state) == (((crs >= 3) & repeated) | hlh)).all()


def test_changed_thresholds_move_the_conditions():
    care = Care(crs=SignThresholds(hypotension=70.0))
    state = {name: values[0] for name, values in GRID.items()} | {
        "temperature": 39.0,
        "arterial_pressure": 68.0,
    }
    found = orders(["tocilizumab"], care)["tocilizumab"].when
    assert evaluate([parse(found)], state)[0] > 0.0
    assert not acts("tocilizumab", state)


def test_doses_are_those_of_the_guideline():
    found = orders(tuple(CARE_RULES))
    tocilizumab = found["tocilizumab"]
    assert (tocilizumab.amount, tocilizumab.at_most) == (8.0, 4)
    assert tocilizumab.every_days * 24 == pytest.approx(8.0)
    assert np.floor(1.0 / tocilizumab.every_days - 1e-9) + 1 == 3  # doses in any 24 h, the first included
    assert found["dexamethasone"].amount / found["dexamethasone"].every_days == pytest.approx(40.0)
    # 500 mg of methylprednisolone twice a day for three days; 4 mg act like 0.75 mg of dexamethasone.
    pulse = found["methylprednisolone"]
    assert (pulse.amount, pulse.every_days * pulse.at_most) == (pytest.approx(93.75), pytest.approx(3.0))
    assert found["anakinra"].amount / found["anakinra"].every_days == pytest.approx(400.0)


def test_every_order_reads_states_and_observables_of_the_model_only():
    from carwright.engine.expression import symbols

    for order in orders(tuple(CARE_RULES)).values():
        assert symbols([parse(order.when)]) <= {*GRID, "neutrophils_per_ul"}
        assert order.drug in {*GRID, "gcsf"}


def test_triggers_add_the_dose_from_the_infusion_on():
    for trigger, (name, order) in zip(care_rules(), orders(tuple(CARE_RULES)).items(), strict=True):
        assert (trigger.name, trigger.start, trigger.at_most) == (name, order.start, order.at_most)
        assert order.start >= 0.0
        assert trigger.every_days == order.every_days
        ((state, text),) = trigger.assignments.items()
        assert state == order.drug
        assert evaluate([parse(text)], {state: 5.0})[0] == pytest.approx(5.0 + order.amount)


def test_growth_factor_is_given_in_severe_neutropenia_only():
    counts = np.array([0.0, 499.0, 500.0, 5_000.0])
    assert acts("g-csf", {"neutrophils_per_ul": counts}).tolist() == [True, True, False, False]
    order = orders(["g-csf"])["g-csf"]
    assert (order.amount, order.every_days, order.start) == (5.0, 1.0, 2.0)
    assert dose_counts(("g-csf",), np.array([[7]]))["gcsf_doses"].tolist() == [7]


def test_care_can_be_switched_off():
    assert care_rules(()) == ()


def test_all_unknown_rules_are_reported_with_the_nearest():
    with pytest.raises(CarwrightError) as caught:
        care_rules(["tocilizumap", "anakinra", "dexametasone"])
    found = [(problem.found, problem.fix) for problem in caught.value.problems]
    assert found == [
        ("tocilizumap", "did you mean 'tocilizumab'?"),
        ("dexametasone", "did you mean 'dexamethasone'?"),
    ]


def test_doses_are_counted_by_drug():
    names = ("dexamethasone", "tocilizumab", "methylprednisolone")
    found = dose_counts(names, np.array([[3, 1, 2], [0, 0, 0]]))
    assert {name: counts.tolist() for name, counts in found.items()} == {
        "tocilizumab_doses": [1, 0],
        "corticosteroid_doses": [5, 0],
        "anakinra_doses": [0, 0],
    }
