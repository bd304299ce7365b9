"""What commands print: the answer first for a human, exactly one JSON object for a program."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

import carwright

Call = Callable[..., subprocess.CompletedProcess[str]]
SMALL = ("--patients", "80", "--trials", "10")
HEAVY = ("numba", "polars", "scipy", "numpy", "plotly", "libsbml", "antimony", "jinja2")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"], ["model", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from carwright.cli import main\n"
        "try: main(sys.argv[1:])\n"
        f"except SystemExit: print(sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert result.stderr.strip() == "[]"
    assert result.stdout.strip()


def test_version(carwright: Call) -> None:
    assert carwright("--version").stdout.split() == ["carwright", "0.1.0"]


@pytest.fixture
def finished(carwright: Call, tmp_path: Path) -> Path:
    result = carwright("run", "psma-dntgfbr2", *SMALL, "--out", "a", "--quiet", "--json")
    assert result.returncode == 0, result.stderr
    return tmp_path / "a"


def test_run_tells_the_answer_and_ends_with_the_report(carwright: Call, tmp_path: Path) -> None:
    result = carwright("run", "psma-dntgfbr2", *SMALL)
    assert result.returncode == 0, result.stderr
    *text, last = result.stdout.strip().splitlines()
    report = Path(last)
    assert report.is_file()
    assert report.parent.parent == tmp_path / "runs"
    assert report.parent.name.startswith("psma-dntgfbr2-seed1-")
    (line,) = [line for line in text if line.startswith("PSA fall of 30 %")]
    cells = ["PSA fall of 30 % or more", "4 of 13 (31 %)", "31 % (28 % to 34 %)", "8 % to 60 %", "yes"]
    assert re.split(r"\s{2,}", line) == cells
    assert "Without the armour, difference in PSA fall of 30 % or more: -10 % (-15 % to -5 %)" in text
    assert any("1 of 320 patient courses FAILED (max_steps: 1)" in line for line in text)
    assert result.stderr.splitlines() == ["patients: 80", "report: 1"]


def test_run_json_is_the_summary_and_nothing_else(carwright: Call, finished: Path) -> None:
    again = carwright("run", "psma-dntgfbr2", *SMALL, "--out", "a", "--json")
    assert json.loads(again.stdout) == json.loads((finished / "summary.json").read_text())
    assert again.stderr.splitlines() == ["report: 1"]  # nothing was computed again


def test_run_writes_what_it_understood(finished: Path) -> None:
    given = (finished / "study.yaml").read_text()
    assert given.startswith("# The phase 1 trial")
    assert "patients: 80" in (finished / "resolved.yaml").read_text()
    record = json.loads((finished / "provenance.json").read_text())
    assert record["sessions"][0]["command"].startswith("carwright run psma-dntgfbr2 --patients 80")


def test_no_report(carwright: Call, tmp_path: Path) -> None:
    result = carwright("run", "psma-dntgfbr2", *SMALL, "--no-report", "--out", "a")
    assert result.stdout.splitlines()[-1] == str(tmp_path / "a")
    assert not (tmp_path / "a" / "report.html").exists()


def test_the_default_folder_depends_on_what_is_computed(carwright: Call) -> None:
    calls = [(), ("--set", "construct.armour=none"), ("--seed", "2"), ("--threads", "1", "--quiet")]
    folders = [carwright("run", "psma-dntgfbr2", *SMALL, *more).stdout.splitlines()[-1] for more in calls]
    assert folders[0] == folders[3]
    assert len(set(folders)) == 3


def test_the_python_api_does_the_same(finished: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    code = (
        "import carwright, json\n"
        "run = carwright.run('psma-dntgfbr2', {'population.patients': 80, 'trials': 10}, out='b', report=False)\n"
        "print(run.folder, run.table('patients').height)\n"
        "print(carwright.compare('a', run)['level'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines() == [f"{tmp_path / 'b'} 640", "0.9"]
    names = {"study.yaml", "resolved.yaml", "summary.json", "manifest.jsonl"}
    assert all((tmp_path / "b" / n).read_bytes() == (finished / n).read_bytes() for n in names)


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'rn'"):
        carwright.rn  # noqa: B018


def test_compare(carwright: Call, finished: Path) -> None:
    assert json.loads(carwright("compare", "a", "a", "--json").stdout)["level"] == 0.9
    text = carwright("compare", "a", "a").stdout
    assert "changed: construct.armour: None -> none" in text
    assert "10 % (5 % to 20 %)" in text


def test_explain_a_patient(carwright: Call, finished: Path) -> None:
    text = carwright("explain", "a", "--patient", "2", "--node", "1").stdout
    assert "Patient 2 (population 0, arm study)" in text
    assert "CRS grade 2 at worst, from day 2 for 4 days: grade 2 on days 2 to 3, 1 on days 4 to 4" in text
    assert "care: tocilizumab x2" in text
    assert "PSA 40 ng/mL, best change -45 %; progression on day 120" in text
    assert "no DLT by the study's rule (any-grade-3-crs: no DLT)" in text
    told = json.loads(carwright("explain", "a", "--patient", "4", "--json").stdout)
    assert [row["node"] for row in told["nodes"]] == ["1", "2", "3", "-3"]
    assert told["nodes"][0]["dlt_reason"] == "CRS grade 4"
    assert "never infused, manufacturing failure" in carwright("explain", "a", "--patient", "3").stdout


def test_explain_a_failed_patient_says_so_and_shows_no_result(carwright: Call, finished: Path) -> None:
    text = carwright("explain", "a", "--patient", "6", "--node", "3").stdout
    assert "FAILED (max_steps): the step limit was reached" in text
    assert "PSA" not in text
    assert "FAILED: patient 6 at node 3" in carwright("explain", "a").stdout


def test_explain_a_trial(carwright: Call, finished: Path) -> None:
    lines = carwright("explain", "a", "--trial", "0").stdout.splitlines()
    assert lines[1] == "4 enrolled, 3 infused, 2 evaluable, 2 DLT, 150 days; path 1TT"
    assert "  patient 10, enrolled on day 0, infused on day 60: DLT on day 6" in lines
    assert "  patient 12, enrolled on day 20, infused on day 62: not evaluable, off dose" in lines
    assert "  patient 13, enrolled on day 30: not infused (progression), replaced" in lines
    assert "Recommended: no node, because two DLTs at node 1" in lines
    assert lines[-1] == "By the rule any-grade-3-crs: path 1TT, recommended no node"


def test_explain_a_node(carwright: Call, finished: Path) -> None:
    text = carwright("explain", "a", "--node", "-3").stdout
    assert "Node -3 (arm study): 60 of 80 patients infused, 12 of them below the assigned dose" in text
    assert "PSA fall of 30 % or more: 30 % (20 % to 40 %) of infused" in text
    told = json.loads(carwright("explain", "a", "--node", "3", "--arm", "without-armour", "--json").stdout)
    assert told["failed"] == [6]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--patient", "999"),
        ("--patient", "-1"),
        ("--trial", "7"),
        ("--node", "9"),
        ("--patient", "1", "--node", "9"),
        ("--patient", "1", "--trial", "0"),
        ("--trial", "0", "--node", "1"),
        ("--design", "boin"),
        ("--arm", "without-armor"),
    ],
)
def test_explain_refuses_what_is_not_there(carwright: Call, finished: Path, arguments: tuple[str, ...]) -> None:
    result = carwright("explain", "a", *arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error[EXPLAIN00")
    assert result.stderr.count("error[") == 1


def test_model_commands(carwright: Call, tmp_path: Path) -> None:
    assert "mcrpc" in carwright("model", "list").stdout
    assert [row["model"] for row in json.loads(carwright("model", "list", "--json").stdout)["models"]] == [
        "aml",
        "b-all",
        "lbcl",
        "mcrpc",
    ]
    shown = carwright("model", "show", "mcrpc").stdout
    assert "published" in shown.splitlines()[-1]
    assert json.loads(carwright("model", "show", "mcrpc", "--json").stdout)["model"] == "mcrpc"
    factor = json.loads(carwright("model", "show", "aml", "--json").stdout)["uncertainty"]["factor"]
    assert f"multiplied by {factor:g} (fitted" in carwright("model", "show", "aml").stdout
    exported = carwright("model", "export", "mcrpc", "--format", "sbml")
    assert ElementTree.fromstring(exported.stdout).tag.endswith("sbml")  # noqa: S314  # our own output
    written = carwright("model", "export", "mcrpc", "--format", "antimony", "--out", "m.ant")
    assert written.stdout.strip() == "m.ant"
    assert "model mcrpc" in (tmp_path / "m.ant").read_text()


def test_model_check(carwright: Call) -> None:
    result = carwright("model", "check", "mcrpc", "--json")
    assert (result.returncode, json.loads(result.stdout)["errors"]) == (0, [])


def test_construct_antigens(carwright: Call) -> None:
    printed = carwright("construct", "antigens").stdout.splitlines()
    assert printed[0].split()[:3] == ["antigen", "aml", "blasts"]
    panel = json.loads(carwright("construct", "antigens", "--json").stdout)["antigens"]
    assert set(panel) <= {line.split()[0] for line in printed[2:]}
    assert panel["CD33"]["expression"]["aml_blasts"]["source"]


def test_construct_commands(carwright: Call) -> None:
    listed = json.loads(carwright("construct", "list", "--json").stdout)["constructs"]
    assert {"psma", "psma-dntgfbr2"} <= {entry["name"] for entry in listed}
    shown = json.loads(carwright("construct", "show", "psma-dntgfbr2", "--json").stdout)
    assert shown["gate"] == "PSMA"
    assert "tgfb_resistance" in shown["armour"]["effects"]
    assert "tgfb_resistance" in carwright("construct", "show", "psma-dntgfbr2").stdout


def test_study_commands(carwright: Call, tmp_path: Path) -> None:
    assert "psma-dntgfbr2" in carwright("study", "list").stdout
    shown = carwright("study", "show", "psma-dntgfbr2", "--set", "seed=5").stdout
    (tmp_path / "mine.yaml").write_text(shown)
    assert carwright("study", "check", "mine.yaml").stdout.strip() == "psma-dntgfbr2: no problem found"
    assert json.loads(carwright("study", "show", "mine.yaml", "--json").stdout)["seed"] == 5
