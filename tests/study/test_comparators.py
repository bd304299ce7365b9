"""A comparator may change the cells and their care, never who is compared."""

import pytest

from carwright.errors import CarwrightError
from carwright.study import load_study


def study_with(tmp_path, changes):
    text = load_study("psma-dntgfbr2").as_given
    file = tmp_path / "study.yaml"
    file.write_text(text.replace("set: {construct.armour: none}", f"set: {changes}"), encoding="utf-8")
    return load_study(file)


@pytest.mark.parametrize(
    "changes",
    [
        "{seed: 3}",
        "{trials: 7}",
        "{population.patients: 400}",
        "{comparators: []}",
        "{published: []}",
        "{study: other}",
        "{adjudication.rule: grade-4}",
        "{horizon_days: 100}",
        "{'dose_space.nodes[0].id': '7'}",
    ],
)
def test_what_would_change_the_patients_is_refused(tmp_path, changes):
    with pytest.raises(CarwrightError, match="cannot change"):
        study_with(tmp_path, changes)


@pytest.mark.parametrize("changes", ["{construct.name: psma}", "{care: []}", "{parameters.psa_elimination: 0.2}"])
def test_what_leaves_them_as_they_are_is_allowed(tmp_path, changes):
    assert [name for name, _, _ in study_with(tmp_path, changes).arms()] == ["study", "without-armour"]
