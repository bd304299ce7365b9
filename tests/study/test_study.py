"""Reading studies: the shipped one, overrides, comparators, and every mistake with its place and remedy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from carwright.errors import CarwrightError, Problem
from carwright.models import load_model
from carwright.study import QUANTITIES, list_studies, load_study, trial_settings
from carwright.study.overrides import override_path
from carwright.study.units import in_unit
from carwright.yamlfile import key_text

Write = Callable[[dict[str, Any]], Path]


def problems(study: str | Path, overrides: object = ()) -> tuple[Problem, ...]:
    with pytest.raises(CarwrightError) as caught:
        load_study(study, overrides)  # type: ignore[arg-type]
    return caught.value.problems


def test_shipped_study_is_the_published_trial() -> None:
    study = load_study("psma-dntgfbr2")
    assert "psma-dntgfbr2" in list_studies()
    space = trial_settings(study).space
    assert space.labels == ("1", "2", "3", "-3")
    assert space.below("3") == {"1", "2", "-3"}
    assert space.node("-3").cells_per_m2 == (1e7, 3e7)
    assert "2" not in space.above("-3") | space.below("-3")
    assert study.design.fallback == {"3": "-3"}
    counts = {fact.quantity: (fact.count, fact.of) for fact in study.published}
    assert counts == {
        "infused_fraction": (13, 18),
        "crs_grade_ge2": (5, 13),
        "crs_grade_ge3": (3, 13),
        "crs_grade_ge4": (1, 13),
        "crs_death": (1, 13),
        "psa30": (4, 13),
        "psa98": (1, 13),
    }
    assert {fact.quantity for fact in study.published if fact.certainty == "inferred"} == {
        "crs_grade_ge3",
        "psa30",
    }


def test_arms_share_everything_but_the_change() -> None:
    study = load_study("psma-dntgfbr2", {"population.patients": 80})
    (name, _, own), (other, label, without) = study.arms()
    assert (name, other, label) == ("study", "without-armour", "Without the armour")
    assert own is study
    assert without.construct.armour == "none"
    assert without.population.patients == 80
    changed = {"construct", "comparators"}
    assert own.model_dump(exclude=changed) == without.model_dump(exclude=changed)


def labels(study: str | Path, *overrides: str) -> dict[str, str]:
    return {name: label for name, label, _ in load_study(study, overrides).arms()}


def test_no_label_names_a_construct_that_an_override_took_away() -> None:
    before = labels("aml-target-choice")
    after = labels("aml-target-choice", "construct=cll1")
    assert before["study"] == "CD33"
    kept = {name: label for name, label in before.items() if not label.startswith("CD33") or name == "cd33-and-cll1"}
    assert kept.items() <= after.items()
    assert {after[name] for name in before if name not in kept} == {
        "cll1", "cll1, transplant", "cll1, edited graft", "cll1, transplant if aplastic", "cll1, suicide switch"
    }  # fmt: skip
    by_hand = labels("aml-target-choice", "construct.name=cll1", "label=Ours")
    assert (by_hand["study"], by_hand["cd33-transplant"]) == ("Ours", "Ours, transplant")
    assert labels("aml-target-choice", "construct=cll1", "label=CD33") == before
    assert labels("aml-target-choice", "construct=cd33", "seed=7") == before
    assert labels("psma-dntgfbr2", "construct.armour=none") == {
        "study": "psma-dntgfbr2, armour none", "without-armour": "Without the armour",
    }  # fmt: skip
    assert labels("aml-cd33", "construct.gate=CD33 OR CLL-1")["study"] == "cd33, gate CD33 OR CLL-1"


def test_a_label_that_follows_the_construct_is_that_of_the_resolved_study(tmp_path: Path) -> None:
    path = tmp_path / "resolved.yaml"
    path.write_text(load_study("aml-target-choice", ["construct=cll1"]).to_yaml(), encoding="utf-8")
    assert labels(path) == labels("aml-target-choice", "construct=cll1")


def test_resolved_text_gives_the_same_study(tmp_path: Path) -> None:
    study = load_study("psma-dntgfbr2", ["seed=7", "horizon_days=26 weeks", "design=3+3"])
    path = tmp_path / "resolved.yaml"
    path.write_text(study.to_yaml(), encoding="utf-8")
    again = load_study(path)
    assert again.model_dump() == study.model_dump()
    assert again.digest == study.digest
    assert again.horizon_days == 182
    assert study.digest != load_study("psma-dntgfbr2").digest


def test_the_source_of_a_section_follows_its_numbers() -> None:
    ours = load_study("psma-dntgfbr2").attrition
    assert (ours.kind, "PMC8427697" in ours.source) == ("fitted", True)
    changed = load_study("psma-dntgfbr2", ["attrition.median_days=30"]).attrition
    assert (changed.kind, changed.source) == ("assumed", "the study file")
    assert changed.loss_beta == ours.loss_beta


def test_text_as_given_is_kept() -> None:
    assert load_study("psma-dntgfbr2").as_given.startswith("# The phase 1 trial")


@pytest.mark.parametrize(
    ("override", "code", "words"),
    [
        ("construct.armor=none", "STUDY002", "did you mean 'armour'?"),
        ("populaton.patients=3", "STUDY002", "did you mean 'population'?"),
        ("dose_space.nodes[9].id=x", "STUDY002", "0 to 3"),
        ("seed.x=1", "STUDY002", "no key below it"),
        ("population.patients=0", "STUDY006", "1 or more"),
        ("population.patients=-5", "STUDY006", "1 or more"),
        ("population.patients=2.5", "STUDY004", "population.patients"),
        ("population.patients=true", "STUDY004", "whole number"),
        ("population.patients=50", "STUDY008", "40 or 80"),
        ("trials=0", "STUDY006", "1 or more"),
        ("seed=-1", "STUDY006", "0 or more"),
        ("seed=9223372036854775808", "STUDY006", "less than"),
        ("dose_space.nodes[0].cells_per_m2=[-1e7, 3e7]", "STUDY006", "more than 0"),
        ("dose_space.nodes[0].cells_per_m2=[3e7, 1e7]", "STUDY004", "write [1e+07, 3e+07]"),
        ("dose_space.nodes[0].cells_per_m2=[1e7]", "STUDY003", "cells_per_m2"),
        ("dose_space.nodes[0].cells_per_m2=1e7", "STUDY004", "list"),
        ("dose_space.nodes[0].cells_per_m2=[1e999, 1e999]", "STUDY004", "finite"),
        ("dose_space.nodes[0].cells_per_m2=[10 days, 20 days]", "STUDY005", "measures days"),
        ("dose_space.nodes[0].cells_per_m2=[1e7 cells/kg, 2e7 cells/kg]", "STUDY005", "cells/m2"),
        ("horizon_days=28 cells/m2", "STUDY005", "measures cells/m2"),
        ("horizon_days=28 dayz", "STUDY005", "did you mean"),
        ("horizon_days=soon", "STUDY004", "quantity"),
        ("dose_space.nodes[0].lymphodepletion=flu-cy-300", "STUDY007", "did you mean 'flu-cy-300-30x3'?"),
        ("design=3+4", "STUDY007", "did you mean '3+3'?"),
        ("model=mcrcp", "STUDY007", "did you mean 'mcrpc'?"),
        ("construct=psma-dntgfbr", "STUDY007", "did you mean 'psma-dntgfbr2'?"),
        ("construct.armour=dntgfbr", "STUDY007", "did you mean"),
        ("adjudication.rule=protocoll", "STUDY007", "did you mean 'protocol'?"),
        ("adjudication.ctcae=4.3", "STUDY007", "4.03"),
        ("adjudication.window_days=400", "STUDY008", "365 days or less"),
        ("care=[tocilizumap]", "STUDY007", "did you mean 'tocilizumab'?"),
        ("care=[tocilizumab, tocilizumab]", "STUDY008", "twice"),
        ("design.path=['1', '2', '4']", "TRIAL021", "4"),
        ("design.path=['2', '1']", "TRIAL023", "2"),
        ("design.path=[]", "TRIAL020", "no ladder"),
        ("dose_space.nodes[0].cells_per_m2=[1e7, 1e30]", "STUDY006", "1e+12 or less"),
        ("dose_space.nodes=[]", "STUDY004", "0 entries"),
        ("dose_space.nodes[0].cells_per_m2=3", "STUDY004", "not a list"),
        ("dose_space.nodes[0].cells=[1e8, 2e8]", "STUDY004", "one of cells_per_m2, cells_per_kg, cells"),
        ("dose_space.nodes[0].cells_per_m2=null", "STUDY004", "no cells"),
        ("dose_space.nodes[0].cells_per_kg=[1e6 cells/m2, 2e6]", "STUDY005", "cells/kg"),
        ("dose_space.nodes[0].cells_per_kg=[1e6, 1e12]", "STUDY006", "1e+10 or less"),
        ("design=boun", "STUDY007", "boin"),
        ("design=decision-table", "TRIAL033", "rows"),
        ("design={name: crm, path: ['1', '2', '3'], options: {targt: 0.2}}", "TRIAL032", "target"),
        ("compare_designs=[boun]", "STUDY007", "did you mean"),
        ("compare_designs=[3+3, boin, boin]", "STUDY008", "twice"),
        ("compare_designs=[7]", "STUDY007", "not a design"),
        ("compare_designs=[{label: x}]", "STUDY003", "name"),
        ("compare_designs=[{name: crm, options: {skeleton: [0.1, 0.2]}}]", "TRIAL205", "2 doses"),
        ("compare_designs=boin", "STUDY004", "list"),
        ("target_toxicity=1.5", "STUDY006", "target_toxicity"),
        ("dose_space.order=['1 < 2 < 3', '3 < 1']", "TRIAL013", "above itself"),
        ("dose_space.order=['1 > 2']", "TRIAL014", "such as"),
        ("attrition.withdrawal_share=150 %", "STUDY006", "1 or less"),
        ("attrition.median_days=0", "TRIAL050", "median_days"),
        ("attrition.log_sd=1 day", "STUDY005", "plain number"),
        ("accrual.accrual_per_month=0", "STUDY006", "more than 0"),
        ("product.median_cells=1e9 cells/m2", "STUDY005", "measures cells/m2"),
        ("comparators=[{name: study, label: x, set: {seed: 2}}]", "STUDY008", "twice"),
        ("comparators=[{name: a, label: x, set: {construct.armor: none}}]", "STUDY002", "armour"),
        ("comparators=[{name: a, label: x, set: {care: [nothing]}}]", "STUDY007", "comparators[0]"),
        ("published[0].count=19", "STUDY006", "19 of 18"),
        ("published[0].count=null", "STUDY008", "'count' and 'of'"),
        ("published[0].quantity=psa3", "STUDY007", "did you mean"),
        ("published[0].quantity=tmax_days", "STUDY008", "no share"),
        ("parameters.no_such_rate=1", "STUDY007", "no parameter"),
        ("parameters=3", "STUDY004", "mapping"),
        ("nonsense", "STUDY009", "KEY=VALUE"),
        (".=1", "STUDY009", "KEY=VALUE"),
        ("seed=[1", "YAML004", "seed"),
        ("population=3", "STUDY004", "patients_per_population"),
    ],
)
def test_each_mistake_has_its_message(override: str, code: str, words: str) -> None:
    found = problems("psma-dntgfbr2", [override])
    assert code in {problem.code for problem in found}
    text = "\n".join(map(str, found))
    assert words in text
    if override[0] != ".":
        assert override.split("=")[0].split(".")[0].split("[")[0] in text


def test_all_mistakes_at_once_with_file_and_line(shipped: dict[str, Any], written: Write) -> None:
    data = copy.deepcopy(shipped)
    data["titel"] = data.pop("title")
    data["population"]["patients"] = 0
    data["dose_space"]["nodes"][1]["cells_per_m2"] = [-1e8, 3e8]
    data["care"][0] = "tocilizumap"
    path = written(data)
    lines = path.read_text(encoding="utf-8").splitlines()
    found = {problem.code: problem for problem in problems(path)}
    assert set(found) == {"STUDY002", "STUDY003", "STUDY006", "STUDY007"}
    assert len(problems(path)) == 5
    line = 1 + next(i for i, text in enumerate(lines) if "tocilizumap" in text)
    assert f"mine.yaml, line {line}, key care[0]" in found["STUDY007"].where
    assert found["STUDY002"].fix == "did you mean 'title'?"


def test_unknown_study_suggests_the_nearest() -> None:
    (problem,) = problems("psma-dntgfbr")
    assert (problem.code, problem.fix) == ("STUDY001", "did you mean 'psma-dntgfbr2'?")


def test_a_path_is_never_taken_for_a_name(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "psma-dntgfbr2")
    assert problem.code == "YAML001"


def test_parameter_overrides_stay_inside_the_table() -> None:
    row = next(row for row in load_model("mcrpc").table.parameters if row.distribution != "uniform")
    key = f"parameters.{row.name}"
    assert load_study("psma-dntgfbr2", {key: row.high}).parameters == {row.name: row.high}
    with_unit = load_study("psma-dntgfbr2", [f"{key}={row.high!r} {row.unit}"])
    assert with_unit.parameters == {row.name: row.high}
    (_, _, own), (_, _, other) = with_unit.arms()
    assert own.parameters == other.parameters
    outside = row.high * 1.01 if row.high > 0 else 1.0
    (problem,) = problems("psma-dntgfbr2", {key: outside})
    assert problem.code == "STUDY010"
    assert f"{row.low:g} to {row.high:g}" in problem.allowed
    assert problem.where == f"--set {key}={outside}"
    assert problems("psma-dntgfbr2", [f"{key}=1 parsec"])[0].code == "STUDY005"
    assert problems("psma-dntgfbr2", [f"{key}=1e999"])[0].code == "STUDY004"


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("4 weeks", "days", 28.0),
        ("48 h", "days", 2.0),
        ("1 year", "days", 365.25),
        ("1e7 cells/m2", "cells/m2", 1e7),
        ("12 patients/year", "patients/month", 1.0),
        ("25 %", "fraction", 0.25),
        ("0.25", "fraction", 0.25),
        (3, "days", 3.0),
    ],
)
def test_units(value: object, unit: str, expected: float) -> None:
    assert in_unit(value, unit) == pytest.approx(expected, rel=1e-15)


@given(st.floats(0, 1e9), st.sampled_from(["days", "weeks", "hours", "years"]))
def test_a_quantity_reads_the_same_in_every_unit(number: float, unit: str) -> None:
    factor = {"days": 1, "weeks": 7, "hours": 1 / 24, "years": 365.25}[unit]
    assert in_unit(f"{number!r} {unit}", "days") == pytest.approx(number * factor, rel=1e-15)


@given(st.text(max_size=12))
def test_no_text_gets_past_the_units(text: str) -> None:
    try:
        value = in_unit(text, "days")
    except PydanticCustomError:
        return
    assert value == value  # not NaN
    assert abs(value) != float("inf")


@given(st.lists(st.text("abc_", min_size=1, max_size=4) | st.integers(0, 99), min_size=1, max_size=5))
def test_key_paths_round_trip(steps: list[str | int]) -> None:
    path = ("top", *steps)
    assert override_path(key_text(path)) == path


def test_quantities_are_those_that_the_documentation_promises() -> None:
    promised = """infused_fraction dlt_rate crs_grade_ge1 crs_grade_ge2 crs_grade_ge3 crs_grade_ge4 crs_death
        icans_grade_ge1 icans_grade_ge3 hlh_mas psa30 psa50 psa90 psa98 cmax_copies_per_ug tmax_days
        persistence_days tumour_site_peak_cells il6_peak ifng_peak ferritin_peak crp_peak
        inhibitory_index_fold_day28 antigen_low_relapse anc_below_500_days progression_free_days
        recommended_node""".split()  # noqa: SIM905  # a list would fill a page
    assert set(promised) <= set(QUANTITIES)
    assert all(name == quantity.name for name, quantity in QUANTITIES.items())


@pytest.mark.parametrize(
    "overrides",
    [["seed=1", "seed=2"], ["design=boin", "design.name=crm"], ["trials=5", "population.patients=80", "trials=5"]],
)
def test_a_key_set_twice_is_refused(overrides: list[str]) -> None:
    with pytest.raises(CarwrightError, match="given two values"):
        load_study("psma-dntgfbr2", overrides)


def test_an_invalid_entry_does_not_make_its_list_too_short():
    with pytest.raises(CarwrightError) as caught:
        load_study("axicabtagene-lbcl", {"dose_space.nodes[0].cells_per_kg": None})
    assert [problem.code for problem in caught.value.problems] == ["STUDY004"]
