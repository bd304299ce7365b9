"""Interventions: what they do to a patient, by hand and by property."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.clinic.interventions import INTERVENTIONS, KEYS, Amounts, Plan, effects_of, intervention_triggers
from carwright.clinic.numbers import listed
from carwright.engine.evaluate import evaluate
from carwright.engine.formula import parse


def effects(name, **plan):
    return effects_of([(name, Plan(**plan))])


def doses(found):
    return [(dose.day, dose.state, dose.amount) for dose in found.doses]


def test_a_planned_transplant_follows_its_conditioning():
    found = effects("transplant", day=30.0, conditioning=True, edited_fraction=0.88)
    assert doses(found) == [(24.0, "conditioning", 1.0), (30.0, "graft_stem_cells", 5e6)]
    assert found.parameters == {"edited_fraction": 0.88}
    assert intervention_triggers(found) == ()
    assert doses(effects("transplant", day=30.0, amount=7.6e6)) == [(30.0, "graft_stem_cells", 7.6e6)]


def test_a_rescue_is_given_to_the_aplastic_once_and_after_its_conditioning():
    prepare, graft = intervention_triggers(effects("transplant", day=30.0, conditioning=True, if_aplastic=True))
    assert (prepare.start, prepare.at_most, graft.start, graft.at_most) == (24.0, 1, 30.0, 1)

    def fires(trigger, **state):
        return evaluate([parse(trigger.when)], {name: np.array([value]) for name, value in state.items()})[0] > 0

    assert fires(prepare, neutrophils_per_ul=499.0)
    assert not fires(prepare, neutrophils_per_ul=501.0)
    assert not fires(graft, conditioning=0.0)  # nobody was prepared
    assert not fires(graft, conditioning=1.0)  # conditioning still acts
    assert fires(graft, conditioning=0.03)
    (boost,) = intervention_triggers(effects("transplant", day=30.0, if_aplastic=True))
    assert fires(boost, neutrophils_per_ul=100.0)
    assert not fires(boost, neutrophils_per_ul=600.0)


def test_repeated_doses_stop_on_the_last_day():
    weekly = effects("depletion-antibody", day=10.0, until_day=24.0)
    assert [dose.day for dose in weekly.doses] == [10.0, 17.0, 24.0]
    assert [dose.day for dose in effects("depletion-antibody", day=10.0).doses] == [10.0]
    adapter = effects("adapter", day=0.0, until_day=3.0)
    assert [dose.day for dose in adapter.doses] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert adapter.parameters == {"adapter_dependence": 1.0}


def test_a_switch_is_one_dose_and_messenger_rna_none():
    assert doses(effects("suicide-switch", day=20.0)) == [(20.0, "suicide_switch", 1.0)]
    found = effects("messenger-rna")
    assert (found.doses, found.parameters) == ((), {"car_transience": 1.0})
    assert found.first_day == np.inf


@given(st.lists(st.floats(0.0, 0.3), max_size=3))
def test_fractions_neither_make_nor_lose_cells(shares):
    plans = [("fractionated-infusion", Plan(day=float(10 + i), share=share)) for i, share in enumerate(shares)]
    later = effects_of(plans).later_cells
    first = 1.0 - sum(share for _, share in later)
    assert first + sum(share for _, share in later) == pytest.approx(1.0)
    assert [day for day, _ in later] == [10.0 + i for i in range(len(shares))]


def test_several_interventions_add_up():
    both = effects_of([("suicide-switch", Plan(day=20.0)), ("transplant", Plan(day=28.0, edited_antigens=("CD33",)))])
    assert [dose.state for dose in both.doses] == ["suicide_switch", "graft_stem_cells"]
    assert both.edited_antigens == ("CD33",)
    assert both.first_day == 20.0


def test_every_intervention_says_what_it_takes_and_every_number_its_source():
    for known in INTERVENTIONS.values():
        assert known.needs <= known.takes <= set(KEYS)
        assert len(known.text) > 30
    for entry in listed(Amounts()):
        assert entry.unit
        assert len(entry.source) > 20
