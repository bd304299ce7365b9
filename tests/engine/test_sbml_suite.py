"""A sample of the SBML semantic test suite, and the program that runs all of it."""

import os
import sys
import zipfile
from pathlib import Path

import pytest
from engine_models import sbml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks import sbml_models, sbml_suite  # noqa: E402

SHARED = Path(os.environ.get("CARWRIGHT_SHARED", ROOT.parent / "shared"))
ZIP = SHARED / "data" / "sbml-test-suite" / "semantic-even.zip"
MODELS = SHARED / "data" / "sbml-models"
SETTINGS = "start: 0\nduration: 2\nsteps: 2\nvariables: A\nabsolute: 1e-4\nrelative: 1e-4\namount: A\nconcentration:\n"


def needs(path):
    """Skip without the data; in CI they must be there."""
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path.name} is missing")
        pytest.skip(f"{path.name} is not here; set CARWRIGHT_SHARED to a folder that holds it")


def test_every_twentieth_case_is_right_or_refused():
    needs(ZIP)
    cases = [case for i, case in enumerate(sbml_suite.cases_in(ZIP)) if i % 20 == 0]
    verdicts = [sbml_suite.judge(*case) for case in cases]
    assert len(cases) > 40
    assert [v for v in verdicts if v.result == "wrong"] == []
    assert sum(v.result == "passed" for v in verdicts) >= 0.8 * len(verdicts)


def test_published_models_agree_with_libroadrunner():
    needs(MODELS)
    rows = [sbml_models.compare(path, 100.0, 21) for path in sorted(MODELS.rglob("*.xml"))[::3]]
    assert len(rows) >= 5
    assert {row["verdict"] for row in rows} == {"agrees"}


def judged(text, expected):
    results = "time,A\n" + "\n".join(f"{t},{a}" for t, a in expected)
    return sbml_suite.judge("00001", text, SETTINGS, results)


def test_verdicts():
    """The program tells right, wrong and refused apart."""
    text = sbml("substanceOnly species A; A = 3; J: -> A; 2 + 0*A")
    assert judged(text, [(0, 3), (1, 5), (2, 7)]).result == "passed"
    wrong = judged(text, [(0, 3), (1, 5.01), (2, 7)])
    assert wrong.result == "wrong"
    assert "amount(A) at 1" in wrong.why
    refused = judged(sbml("substanceOnly species A; A = 3; J: -> A; delay(A, 1)"), [(0, 3)])
    assert (refused.result, "delay" in refused.why) == ("refused", True)


def test_a_crash_or_a_case_without_end_does_not_stop_the_rest(tmp_path):
    good = sbml("substanceOnly species A; A = 3; J: -> A; 2 + 0*A")
    endless = "".join(f"X{i} = 0; X{i}' = 1e6*cos({1000000 + i}*time); " for i in range(50))
    stuck = sbml("substanceOnly species A; A = 3; J: -> A; 2 + 0*A; " + endless)
    results = "time,A\n0,3\n1,5\n2,7\n"
    path = tmp_path / "cases.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for case, model, table in (("1", good, results), ("2", stuck, results), ("3", good, "time,A\nnonsense,3\n")):
            for name, text in (("model.xml", model), ("settings.txt", SETTINGS), ("results.csv", table)):
                archive.writestr(f"{case}/{name}", text)
    found = sbml_suite.summary(sbml_suite.judge_all(path, 1, 5.0, set()))
    assert found["passed"] == 1
    assert set(found["wrong"]) == {"2", "3"}
    assert "no answer" in found["wrong"]["2"]
    assert "crash" in found["wrong"]["3"]
