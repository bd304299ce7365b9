"""Comparison of two runs on the same patients."""

import pytest

from carwright.errors import CarwrightError
from carwright.pipeline import compare_runs

from .conftest import compute


def test_differences_equal_those_of_the_comparator_inside_one_run(small_run, bare_run):
    compared = compare_runs(small_run, bare_run)
    inside = small_run.summary["comparators"]["without-armour"]["differences"]
    for name, difference in inside.items():
        assert compared["quantities"][name]["difference"] == difference, name
    assert compared["changed"] == ["construct.armour: None -> none"]
    assert compared["quantities"]["psa30"]["difference"]["estimate"] < 0
    assert compared["quantities"]["site_inhibition_day28"]["difference"]["estimate"] > 0


def test_a_run_does_not_differ_from_itself(small_run):
    compared = compare_runs(small_run, small_run)
    for name, quantity in compared["quantities"].items():
        assert quantity["difference"]["estimate"] in (0.0, None), name
        assert quantity["first"] == quantity["second"]


def test_swapping_the_runs_turns_the_sign_node_by_node(small_run, bare_run):
    forth, back = compare_runs(small_run, bare_run), compare_runs(bare_run, small_run)
    for node in forth["nodes"]:
        there = forth["quantities"]["psa30"]["by_node"][node]
        again = back["quantities"]["psa30"]["by_node"][node]
        assert there["estimate"] == pytest.approx(-again["estimate"])
        assert there["lo"] == pytest.approx(-again["hi"])


def test_runs_under_other_rules_are_compared_and_say_so(small_run, tmp_path):
    """The rule changes verdicts, not patients: only quantities that depend on it move."""
    strict = compute(tmp_path / "strict", "adjudication.rule=any-grade-3-crs", "adjudication.compare=[]")
    compared = compare_runs(small_run, strict)
    assert "adjudication.rule: protocol -> any-grade-3-crs" in compared["changed"]
    assert compared["quantities"]["dlt_rate"]["difference"]["estimate"] >= 0
    assert compared["quantities"]["psa30"]["difference"]["estimate"] == 0


def test_other_software_is_named_among_the_changes(small_run, tmp_path):
    import json
    import shutil

    folder = shutil.copytree(small_run.folder, tmp_path / "older")
    record = json.loads((folder / "provenance.json").read_text())
    record["software"]["numpy"] = "1.0.0"
    (folder / "provenance.json").write_text(json.dumps(record))
    changed = compare_runs(type(small_run).read(folder), small_run)["changed"]
    assert len(changed) == 1
    assert changed[0].startswith("software.numpy: 1.0.0 -> ")


def test_other_patients_are_refused_with_every_reason(small_run, tmp_path):
    other = compute(tmp_path / "run", "seed=2", "population.patients=80", "comparators=[]")
    with pytest.raises(CarwrightError, match="cannot be paired") as caught:
        compare_runs(small_run, other)
    assert {problem.what.split(",")[0].split()[-1] for problem in caught.value.problems} == {"seed", "population"}
