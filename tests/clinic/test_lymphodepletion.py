"""Regimens as data."""

import pytest

from carwright.clinic.lymphodepletion import REGIMENS, dosing_columns, find_regimen
from carwright.errors import CarwrightError


def test_the_seed_trial_gives_300_and_30_on_three_days():
    times, targets, amounts = dosing_columns("flu-cy-300-30x3", 4)
    doses = sorted(zip(times.tolist(), targets, amounts[3].tolist(), strict=True))
    assert doses == [
        (day, drug, amount)
        for day in (-5.0, -4.0, -3.0)
        for drug, amount in (("cyclophosphamide", 300.0), ("fludarabine", 30.0))
    ]
    assert amounts.shape == (4, 6)
    assert (amounts == amounts[0]).all()


def test_axicabtagene_gives_500():
    _, targets, amounts = dosing_columns("flu-cy-500-30x3", 1)
    total = dict.fromkeys(targets, 0.0)
    for drug, amount in zip(targets, amounts[0], strict=True):
        total[drug] += amount
    assert total == {"cyclophosphamide": 1_500.0, "fludarabine": 90.0}


def test_none_gives_nothing():
    times, targets, amounts = dosing_columns("none", 3)
    assert (times.size, targets, amounts.shape) == (0, (), (3, 0))


def test_every_regimen_has_a_source_and_ends_before_the_infusion():
    for name, regimen in REGIMENS.items():
        assert regimen.name == name
        assert regimen.source
        assert all(day < 0.0 for drug in regimen.drugs for day in drug.days)


def test_an_unknown_regimen_suggests_the_nearest():
    with pytest.raises(CarwrightError) as caught:
        find_regimen("flu-cy-300-30x4")
    assert "flu-cy-300-30x3" in caught.value.problems[0].fix
