"""Constructs of files: read once, kept in the study, with antigens of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carwright.construct import antigen_panel, load_construct
from carwright.errors import CarwrightError
from carwright.models import load_model
from carwright.population import draw, with_recognition
from carwright.study import load_study
from carwright.study.construct_files import read_construct
from carwright.yamlfile import write_yaml

TABLE = load_model("aml").table
PATIENTS = draw(TABLE, 200, seed=7, patients_per_population=20)
BUILT_IN = antigen_panel().antigens["CD33"].model_dump(mode="json")


def construct(**changes: Any) -> dict[str, Any]:
    return {**load_construct("cd33").model_dump(mode="json"), "name": "mine", **changes}


def write(path: Path, **changes: Any) -> Path:
    path.write_text(write_yaml(construct(**changes)), encoding="utf-8")
    return path


def shares(path: Path) -> np.ndarray:
    values = with_recognition(PATIENTS, TABLE, read_construct(path), seed=7).values
    return np.stack([values[name] for name in TABLE.recognition])


def with_positive(share: float) -> dict[str, Any]:
    rows = {name: {**row, "positive": share} for name, row in BUILT_IN["expression"].items()}
    return {**BUILT_IN, "expression": rows}


def test_a_row_that_overrides_is_used_and_one_that_does_not_is_only_kept(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    plain = shares(write(path))
    np.testing.assert_array_equal(shares(write(path, antigens={"CD33": {**BUILT_IN, "overrides": True}})), plain)
    faint = {"CD33": {**with_positive(0.05), "overrides": False}}
    np.testing.assert_array_equal(shares(write(path, antigens=faint)), plain)
    faint["CD33"]["overrides"] = True
    assert np.all(shares(write(path, antigens=faint))[plain > 0] < plain[plain > 0])
    assert antigen_panel().antigens["CD33"].model_dump(mode="json") == BUILT_IN


def test_an_antigen_that_the_table_lacks(tmp_path: Path) -> None:
    """The same row under a new name: patients draw other densities, but the same distribution of them."""
    new = shares(write(tmp_path / "new.yaml", gate="NEW", antigens={"NEW": BUILT_IN}))
    old = shares(write(tmp_path / "old.yaml"))
    assert not np.array_equal(new, old)
    np.testing.assert_allclose(np.median(new, axis=1), np.median(old, axis=1), atol=0.12)
    both = shares(write(tmp_path / "both.yaml", gate="NEW AND CD33", antigens={"NEW": BUILT_IN}))
    assert np.all(both <= np.minimum(new, old) + 1e-12)


def test_a_study_keeps_what_the_file_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    path = write(folder / "mine.yaml", gate="NEW", antigens={"NEW": BUILT_IN})
    study = load_study("aml-target-choice", {"construct": "mine.yaml"})
    assert study.construct.name == "mine"
    assert study.constructs[0].gate == "NEW"
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(study.to_yaml(), encoding="utf-8")
    path.unlink()
    again = load_study(resolved)
    assert again.digest == study.digest
    assert [label for _, label, _ in again.arms()] == [label for _, label, _ in study.arms()]


def test_comparators_name_files_beside_the_study(tmp_path: Path) -> None:
    write(tmp_path / "other.yaml", name="other", gate="NEW", antigens={"NEW": BUILT_IN})
    data = load_study("aml-target-choice", {"comparators": []}).model_dump(mode="json")
    data["comparators"] = [
        {"name": "one", "label": "one", "set": {"construct.name": "other.yaml"}},
        {"name": "two", "label": "two", "set": {"construct": "other.yaml"}},
        {"name": "three", "label": "three", "set": {"construct": {"name": "other.yaml", "gate": "NEW OR CD33"}}},
    ]
    (tmp_path / "study.yaml").write_text(write_yaml(data), encoding="utf-8")
    study = load_study(tmp_path / "study.yaml")
    assert [arm.construct.name for _, _, arm in study.arms()] == ["cd33", "other", "other", "other"]
    assert len(study.constructs) == 1
    assert "other.yaml" not in study.to_yaml()


NEW = {"NEW": {**BUILT_IN, "expression": {"stemcells": BUILT_IN["expression"]["stem_cells"]}}}


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"antigens": {"CD33": BUILT_IN}}, ["CONSTRUCT007"]),
        ({"antigens": NEW}, ["CONSTRUCT008"]),
        ({"effects": {"magic": {"value": 1, "kind": "assumed", "source": "none"}}}, ["CONSTRUCT009"]),
        ({"name": "cd33"}, ["CONSTRUCT010"]),
        ({"armour": "magic"}, ["CONSTRUCT001"]),
        ({"gate": "NEW"}, ["CONSTRUCT002"]),
        ({"gate": "CD33 AND"}, ["CONSTRUCT003"]),
        ({"antigens": NEW, "armour": "magic", "name": "cd33"}, ["CONSTRUCT008", "CONSTRUCT001", "CONSTRUCT010"]),
        ({"generation": 9}, ["STUDY006"]),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, changes: dict[str, Any], codes: list[str]) -> None:
    path = write(tmp_path / "mine.yaml", **changes)
    with pytest.raises(CarwrightError) as caught:
        load_study("aml-target-choice", {"construct": str(path), "comparators": []})
    assert [problem.code for problem in caught.value.problems] == codes


def test_a_file_that_is_not_there_and_a_name_that_is_not_known(tmp_path: Path) -> None:
    for name, code in ((str(tmp_path / "absent.yaml"), "YAML001"), ("cd333", "STUDY007")):
        with pytest.raises(CarwrightError) as caught:
            load_study("aml-target-choice", {"construct": name, "comparators": []})
        assert [problem.code for problem in caught.value.problems] == [code]
