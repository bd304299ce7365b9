"""Constructs act through named effects on parameters that exist."""

import pytest

from carwright.construct import (
    EFFECTS,
    list_armours,
    list_constructs,
    load_armour,
    load_construct,
    parameter_medians,
)
from carwright.errors import CarwrightError
from carwright.models import list_models, load_model


def test_every_construct_loads_and_its_armour_exists():
    for name in list_constructs():
        construct = load_construct(name)
        assert construct.name == name
        assert construct.armour in list_armours()


def test_effects_name_parameters_of_a_model_within_their_range():
    tables = [load_model(model).table for model in list_models()]
    effects = [load_armour(armour).effects for armour in list_armours()]
    effects += [load_construct(name).effects for name in list_constructs()]
    for group in effects:
        rows = [{row.name: row for row in table.parameters} for table in tables]
        for effect in group:
            assert any(EFFECTS[effect] in table for table in rows), effect
        # What a product does is measured in one disease; a table made for another may end before it.
        assert any(
            all(table[EFFECTS[effect]].low <= strength.value <= table[EFFECTS[effect]].high
                for effect, strength in group.items() if EFFECTS[effect] in table)
            for table in rows
        ), group  # fmt: skip


def test_an_armour_can_be_taken_off():
    construct = load_construct("psma-dntgfbr2")
    assert parameter_medians(construct)["tgf_beta_resistance"] > 0
    assert parameter_medians(construct, "none") == {}
    assert parameter_medians(load_construct("psma"), "dntgfbr2") == parameter_medians(construct)


@pytest.mark.parametrize("load", [load_construct, load_armour])
def test_an_unknown_name_is_one_clear_error(load):
    with pytest.raises(CarwrightError, match="psma-dntgfbr3") as caught:
        load("psma-dntgfbr3")
    assert len(caught.value.problems) == 1
