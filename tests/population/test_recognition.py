"""The same patient has the same antigen densities in every arm."""

import numpy as np
import pytest

from carwright.construct import load_construct
from carwright.errors import CarwrightError
from carwright.models import list_models, load_model
from carwright.population import draw, with_recognition

TABLE = load_model("aml").table
PATIENTS = draw(TABLE, 300, seed=7, patients_per_population=30)


def shares(gate, **options):
    construct = load_construct("cd33").with_gate(gate)
    values = with_recognition(PATIENTS, TABLE, construct, seed=7, **options).values
    return {name: values[name] for name in (*TABLE.recognition, *TABLE.edited_recognition)}


@pytest.mark.parametrize(("first", "second"), [("CD33", "CLL-1"), ("CD123", "TIM-3"), ("CD38", "CD33")])
def test_gates_are_ordered_in_every_single_patient(first, second):
    one, other, either, both = (shares(g) for g in (first, second, f"{first} OR {second}", f"{first} AND {second}"))
    better = shares(f"{first} IF-BETTER {second}")
    for name in TABLE.recognition:
        assert np.all(either[name] >= np.maximum(one[name], other[name]) - 1e-12)
        assert np.all(both[name] <= np.minimum(one[name], other[name]) + 1e-12)
        assert np.all(better[name] <= one[name] + 1e-12)


def test_densities_differ_between_patients_and_agree_between_arms():
    one = shares("CD33")["recognition_blasts"]
    assert np.std(one) > 0.02
    np.testing.assert_array_equal(one, shares("CD33")["recognition_blasts"])
    part = draw(TABLE, 20, seed=7, patients_per_population=30, first=40)
    again = with_recognition(part, TABLE, load_construct("cd33"), seed=7).values["recognition_blasts"]
    np.testing.assert_array_equal(again, one[40:60])


def test_an_edit_protects_the_graft_alone():
    got = shares("CD33", edited=("CD33",))
    assert np.all(got["recognition_edited_stem_cells"] == 0)
    assert np.median(got["recognition_stem_cells"]) > 0.3


def test_unselected_patients_may_lack_the_target():
    all_comers, selected = (shares("CD7", selected=flag)["recognition_blasts"] for flag in (False, True))
    # About 30 % of patients carry CD7.
    assert np.mean(all_comers > 0.3) == pytest.approx(0.3, abs=0.08)
    assert np.mean(selected > 0.3) > 0.9


@pytest.mark.parametrize(
    ("gate", "edited", "says"),
    [("CD19", (), "can never fire in the model aml"), ("CD33", ("CD39",), "unknown antigen 'CD39'"),
     ("CD333", (), "did you mean 'CD33'")],
)  # fmt: skip
def test_a_mistake_is_one_clear_error(gate, edited, says):
    with pytest.raises(CarwrightError, match=says) as caught:
        shares(gate, edited=edited)
    assert len(caught.value.problems) == 1


def test_every_model_maps_its_recognition_to_known_populations():
    from carwright.construct.antigens import MALIGNANT, NORMAL

    for name in list_models():
        table = load_model(name).table
        assert set(table.recognition.values()) <= {*MALIGNANT, *NORMAL}
        assert set(table.edited_recognition.values()) <= set(NORMAL)
