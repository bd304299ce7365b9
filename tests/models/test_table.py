"""Every number has a source, a kind and a sane range; table and equations name the same things."""

import pytest
from pydantic import ValidationError

from carwright.errors import CarwrightError
from carwright.models import ParameterTable, check_model, list_models, load_model
from carwright.models.check import check_sbml
from carwright.models.compose import antimony_to_sbml


@pytest.mark.parametrize("name", list_models())
def test_a_model_is_sound_for_libsbml_units_included(name):
    assert check_model(name) == []


def test_a_wrong_unit_is_noticed():
    model = load_model("mcrpc")
    broken = model.antimony.replace("psa_elimination has per_day;", "psa_elimination has cells;")
    assert broken != model.antimony
    problems = check_sbml(antimony_to_sbml(broken, "mcrpc"), "mcrpc")
    assert any("units" in problem.found for problem in problems)


def test_a_name_without_a_row_is_noticed(monkeypatch):
    model = load_model("mcrpc")
    rows = tuple(row for row in model.table.parameters if row.name != "homing_rate")
    monkeypatch.setattr(
        "carwright.models.check.load_model",
        lambda name: type(model)(name, model.table.model_copy(update={"parameters": rows})),
    )
    codes = {problem.code for problem in check_model("mcrpc")}
    assert "MODEL010" in codes


def test_every_parameter_names_a_listed_reference():
    table = load_model("mcrpc").table
    for row in (*table.parameters, *table.covariates):
        key = row.source.split(":")[0].split(",")[0].strip()
        assert key in table.references, row.name
        assert row.low <= row.value <= row.high
    assert sum(table.kinds().values()) == len(table.parameters) + len(table.covariates)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"source": "nobody2020: page 1"}, "not among the references"),
        ({"range": [2.0, 3.0]}, "outside its range"),
        ({"kind": "guessed"}, "Input should be"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_bad_row_is_refused(change, message):
    from carwright.models.assemble import FOLDER, table_data

    raw = table_data(FOLDER / "mcrpc.yaml")
    raw["parameters"]["homing_rate"] |= change
    with pytest.raises(ValidationError, match=message):
        ParameterTable.model_validate(raw)


def test_an_unknown_model_names_the_known_ones():
    with pytest.raises(CarwrightError, match="mcrpc"):
        load_model("crpc")


def test_what_is_known_of_a_whole_disease_narrows_every_row():
    aml, other = load_model("aml").table, load_model("b-all").table
    assert other.uncertainty is None
    assert aml.uncertainty is not None
    for name in ("encephalopathy_cytokine_half", "macrophage_decay"):  # rows that neither disease replaces
        want = aml.uncertainty.factor * other.parameter(name).population
        assert aml.parameter(name).population == pytest.approx(want)
