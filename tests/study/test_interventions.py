"""Interventions, gates and edited grafts in study files: every mistake at once, with its place and remedy."""

from __future__ import annotations

import pytest

from carwright.errors import CarwrightError
from carwright.study import list_studies, load_study

BLOOD = ["aml-cd123", "aml-cd33", "aml-cd33-edited-graft", "aml-cll1", "aml-target-choice", "axicabtagene-lbcl"]


def problems(study: str, *overrides: str) -> list[tuple[str, str]]:
    with pytest.raises(CarwrightError) as caught:
        load_study(study, list(overrides))
    return [(problem.code, f"{problem.what} | {problem.fix}") for problem in caught.value.problems]


@pytest.mark.parametrize("name", [*BLOOD, "tisagenlecleucel-ball"])
def test_shipped_studies_of_blood_are_sound(name: str) -> None:
    assert name in list_studies()
    study = load_study(name)
    assert all(fact.source for fact in study.published)


def test_an_intervention_before_the_infusion_that_needs_it() -> None:
    ((code, text),) = problems("aml-cd33", "interventions=[{name: suicide-switch, day: -3}]", "comparators=[]")
    assert code == "STUDY012"
    assert "before the infusion" in text
    ((_, text),) = problems(
        "aml-cd33", "interventions=[{name: transplant, day: 4, conditioning: true}]", "comparators=[]"
    )
    assert "give it 3 days later" in text


def test_an_edited_fraction_above_one() -> None:
    ((code, text),) = problems(
        "aml-cd33", "interventions=[{name: transplant, day: 30, edited_fraction: 1.2}]", "comparators=[]"
    )
    assert code == "STUDY006"
    assert "edited_fraction is out of range" in text


def test_an_unknown_intervention_names_the_nearest() -> None:
    ((code, text),) = problems("aml-cd33", "interventions=[{name: transplnt, day: 30}]", "comparators=[]")
    assert (code, "did you mean 'transplant'?" in text) == ("STUDY007", True)


def test_an_intervention_that_the_model_does_not_know() -> None:
    ((code, text),) = problems("psma-dntgfbr2", "interventions=[{name: transplant, day: 30}]")
    assert code == "STUDY012"
    assert "does not know the intervention transplant" in text
    ((_, text),) = problems("psma-dntgfbr2", "care=[g-csf]")
    assert "does not know the drug" in text


def test_an_unknown_antigen_and_a_gate_that_never_fires() -> None:
    ((code, text),) = problems("aml-cd33", "construct.gate=CD34 OR CD33")
    assert code == "CONSTRUCT002"
    assert "did you mean 'CD3" in text
    ((code, _),) = problems("aml-cd33", "construct.gate=CD19")
    assert code == "CONSTRUCT005"
    ((code, text),) = problems(
        "aml-cd33", "interventions=[{name: transplant, day: 30, edited_antigens: [CD333]}]", "comparators=[]"
    )
    assert (code, "did you mean 'CD33'?" in text) == ("STUDY012", True)


def test_all_mistakes_at_once() -> None:
    plans = (
        "{name: transplant}, {name: messenger-rna, day: 3}, {name: adapter, day: 20, until_day: 10},"
        " {name: depletion-antibody, day: 900}, {name: fractionated-infusion, day: 7, share: 0.6},"
        " {name: fractionated-infusion, day: 9, share: 0.6}"
    )
    found = problems("aml-cd33", f"interventions=[{plans}]", "comparators=[]")
    parts = ["needs day", "takes no day", "ends before", "beyond the follow-up", "more than all of the cells"]
    assert len(found) == len(parts)
    assert all(any(part in text for _, text in found) for part in parts)


def test_a_quantity_of_another_disease_is_refused() -> None:
    fact = "published=[{quantity: psa30, count: 1, of: 2, source: nowhere at all, certainty: published}]"
    ((code, text),) = problems("aml-cd33", fact)
    assert (code, "psa30 is not summarised for the model 'aml'" in text) == ("STUDY008", True)


def test_arms_may_change_what_is_done_but_not_who_is_treated() -> None:
    names = [name for name, _, _ in load_study("aml-target-choice").arms()]
    assert len(names) == len(set(names)) > 8
    study = load_study("aml-cd33-edited-graft")
    arms = {name: arm.interventions for name, _, arm in study.arms()}
    assert arms["study"][0].edited_fraction == 0.88
    assert (arms["unedited-graft"][0].edited_fraction, arms["no-graft"]) == (None, ())
