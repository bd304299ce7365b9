from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carwright.errors import CarwrightError
from carwright.trial.fractionation import fractionate

chances = st.floats(0.0, 0.95)


@given(chances, chances, chances)
def test_by_a_million_patients(whole: float, share: float, hold: float) -> None:
    """Patients evenly spaced over the unit interval, held and sick one by one."""
    part = whole * share
    patient = (np.arange(100_000) + 0.5) / 100_000
    held = patient < hold
    sick = np.where(held, patient < part, patient < whole)
    everybody = fractionate({"1": whole}, {"1": part}, {"1": hold}, all_count=True)
    assert everybody.toxicity["1"] == pytest.approx(sick.mean(), abs=3e-5)
    assert everybody.delivery["1"] == 1.0
    replaced = fractionate({"1": whole}, {"1": part}, {"1": hold}, all_count=False)
    assert replaced.toxicity["1"] == pytest.approx(sick[~held].mean(), abs=1e-3)
    assert replaced.delivery["1"] == pytest.approx(1 - held.mean(), abs=2e-5)


def test_without_holding_nothing_changes() -> None:
    found = fractionate({"1": 0.3}, {"1": 0.1}, {"1": 0.0}, all_count=False)
    assert (found.toxicity, found.delivery) == ({"1": 0.3}, {"1": 1.0})


def test_replacing_who_was_held_hides_toxicity() -> None:
    """The bias that the module is about: the sickest are held and replaced, so the dose looks harmless."""
    whole, part, hold = {"1": 0.4}, {"1": 0.2}, {"1": 0.3}
    assert fractionate(whole, part, hold, all_count=False).toxicity["1"] == pytest.approx(1 / 7)
    assert fractionate(whole, part, hold, all_count=True).toxicity["1"] == pytest.approx(0.3)


def test_a_part_is_no_more_toxic_than_the_whole() -> None:
    with pytest.raises(CarwrightError, match="more toxic than all of it"):
        fractionate({"1": 0.2}, {"1": 0.3}, {"1": 0.1}, all_count=True)
