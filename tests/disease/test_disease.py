"""Every registered disease fits its model, the clinic, the summary and the report."""

from __future__ import annotations

import libsbml
import pytest

from carwright.clinic.grade import Settings, courses_needed
from carwright.disease import DISEASES, find_disease
from carwright.errors import CarwrightError
from carwright.models import list_models, load_model
from carwright.report.figures import find_figure
from carwright.study import QUANTITIES

pytestmark = pytest.mark.parametrize("model", [model for model in DISEASES if model in list_models()])


def test_its_courses_are_those_that_grading_reads_and_the_model_computes(model: str) -> None:
    disease = find_disease(model)
    assert set(courses_needed(Settings(panel=disease.panel))) <= set(disease.observables)
    sbml = libsbml.readSBMLFromString(load_model(model).sbml).getModel()
    assert {name for name in disease.observables if sbml.getElementBySId(name) is None} == set()
    assert len(set(disease.observables)) == len(disease.observables)


def test_its_quantities_are_known_and_none_is_named_twice(model: str) -> None:
    disease = find_disease(model)
    assert set(disease.quantities) <= set(QUANTITIES)
    assert len(set(disease.quantities)) == len(disease.quantities)
    assert set(disease.headlines) <= set(disease.quantities)
    assert disease.response in disease.panel.flags
    assert disease.model == model


def test_its_figures_exist_and_none_is_drawn_twice(model: str) -> None:
    names = [name for section in find_disease(model).sections for name in section.figures]
    assert [find_figure(name).name.replace("-", "_") for name in names] == names
    assert len(set(names)) == len(names)


def test_an_unknown_disease_is_a_problem_that_names_the_nearest(model: str) -> None:
    with pytest.raises(CarwrightError) as caught:
        find_disease(model + "c")
    (problem,) = caught.value.problems
    assert problem.code == "DISEASE001"
    assert model in problem.fix
