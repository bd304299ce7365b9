"""Nonsense given to ``carwright design``: one clear error each, no traceback, nothing that hangs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carwright.cli import main

LONG = "1" + "N" * 20_000
CASES: dict[str, tuple[list[str], str]] = {
    "impossible outcome": (["next", "--outcomes", "1NXN"], "TRIAL001"),
    "outcomes in small letters": (["next", "--outcomes", "1nnn"], "TRIAL001"),
    "a dose out of range": (["next", "--doses", "3", "--outcomes", "4NNN"], "TRIAL002"),
    "a fraction above one": (["next", "--design", "tite-crm", "--outcomes", "1N(1.5)"], "TRIAL003"),
    "a toxicity that is pending": (["next", "--design", "tite-crm", "--outcomes", "1T(0.5)"], "TRIAL004"),
    "adaptive without days": (
        ["next", "--design", "tite-crm", "--window", "28", "--weights", "adaptive", "--outcomes", "1T"],
        "TRIAL005",
    ),
    "an unknown weighting": (["next", "--window", "28", "--weights", "square", "--outcomes", "1N"], "TRIAL230"),
    "a window of no length": (["next", "--window", "0", "--outcomes", "1N"], "TRIAL231"),
    "a window that is no number": (["next", "--window", "nan", "--outcomes", "1N"], "TRIAL231"),
    "a toxicity after the window": (["next", "--window", "28", "--outcomes", "1T(40)"], "TRIAL233"),
    "too many patients": (["next", "--outcomes", LONG], "TRIAL066"),
    "cyclic order": (["next", "--doses", "1,2,3", "--order", "1 < 2 < 1"], "TRIAL013"),
    "order of unknown doses": (["next", "--doses", "1,2", "--order", "1 < 9"], "TRIAL015"),
    "order without chain": (["next", "--doses", "1,2", "--order", "1"], "TRIAL014"),
    "repeated labels": (["next", "--doses", "1,1"], "TRIAL011"),
    "labels that outcomes cannot show": (["next", "--doses", "aN,b"], "TRIAL011"),
    "no doses": (["next", "--doses", "0"], "TRIAL061"),
    "a million doses": (["next", "--doses", "1000000"], "TRIAL061"),
    "a path off the order": (
        ["next", "--doses", "1,2,3", "--order", "1 < 2", "--set", "path=[1, 3]"],
        "TRIAL022",
    ),
    "no path": (["next", "--doses", "1,2,3", "--order", "1 < 2"], "TRIAL020"),
    "target above one": (["table", "--set", "target=1.3"], "TRIAL031"),
    "target of zero": (["next", "--design", "crm", "--set", "target=0"], "TRIAL031"),
    "target not a number": (["table", "--set", "target=high"], "TRIAL031"),
    "target infinite": (["table", "--set", "target=.inf"], "TRIAL031"),
    "target outside its interval": (["table", "--set", "target=0.3", "--set", "p_toxic=0.2"], "TRIAL025"),
    "falling skeleton": (["next", "--design", "crm", "--set", "skeleton=[0.3, 0.2]"], "TRIAL202"),
    "skeleton of another length": (
        ["next", "--design", "crm", "--doses", "3", "--set", "skeleton=[0.1, 0.2]"],
        "TRIAL205",
    ),
    "half-width too wide": (["next", "--design", "crm", "--set", "halfwidth=0.9"], "TRIAL220"),
    "a table with a hole": (["table", "--design", "decision-table", "--set", "rows={3: ES}"], "TRIAL026"),
    "a table of other letters": (["table", "--design", "decision-table", "--set", "rows={3: ESQQ}"], "TRIAL031"),
    "no table": (["table", "--design", "decision-table"], "TRIAL033"),
    "a table of a design that has none": (["table", "--design", "crm"], "TRIAL062"),
    "unknown design": (["next", "--design", "boim"], "TRIAL030"),
    "unknown option": (["next", "--set", "tagret=0.3"], "TRIAL032"),
    "option without value": (["next", "--set", "target"], "CLI003"),
    "option that is no YAML": (["next", "--set", "target=[0.1"], "YAML004"),
    "unknown rule": (["next", "--rule", "stop_it n=3"], "TRIAL034"),
    "rule without value": (["next", "--rule", "stop_at n"], "CLI003"),
    "empty rule": (["next", "--rule", ""], "TRIAL034"),
    "rule with a wrong value": (["next", "--rule", "stop_at n=-3"], "TRIAL031"),
    "start off the path": (["next", "--doses", "3", "--set", "start=7"], "TRIAL024"),
    "fallback that is none": (["next", "--design", "3+3", "--doses", "3", "--set", "fallback={3: 2}"], "TRIAL023"),
    "doses that fall": (["next", "--design", "blrm", "--set", "doses=[3, 2, 1]"], "TRIAL214"),
    "doses that are missing": (["next", "--design", "blrm", "--doses", "3"], "TRIAL217"),
    "interval upside down": (
        ["next", "--design", "blrm", "--set", "doses=[1, 2]", "--set", "target_interval=[0.4, 0.2]"],
        "TRIAL216",
    ),
    "contour through nothing": (
        ["next", "--design", "efftox", "--set", "doses=[1, 2]", "--set", "contour=[0.9, 0.1, 0.5, 0.5]"],
        "TRIAL275",
    ),
    "utilities out of order": (["next", "--design", "boin12", "--set", "utilities=[0, 40, 60, 100]"], "TRIAL027"),
    "orders that are none": (["next", "--design", "pocrm", "--doses", "3", "--set", "orders=[[1, 2]]"], "TRIAL240"),
    "truth above one": (["simulate", "--truth", "0.1,1.2"], "TRIAL041"),
    "truth below zero": (["simulate", "--truth=-0.1,0.2"], "TRIAL041"),
    "truth not a number": (["simulate", "--truth", "nan,0.2"], "TRIAL041"),
    "truth in words": (["simulate", "--truth", "low,high"], "CLI004"),
    "truth of another length": (["simulate", "--doses", "3", "--truth", "0.1,0.2"], "TRIAL040"),
    "no truth": (["simulate"], "CLI005"),
    "response of another length": (["simulate", "--truth", "0.1,0.2", "--response", "0.1"], "TRIAL040"),
    "delivery that never comes": (["simulate", "--truth", "0.1,0.2", "--delivery", "1,0", "--trials", "9"], "TRIAL049"),
    "exact delivery": (["simulate", "--truth", "0.1,0.2", "--delivery", "1,0.5", "--exact"], "CLI008"),
    "exact trials": (["simulate", "--truth", "0.1,0.2", "--trials", "9", "--exact"], "CLI007"),
    "an exact result of a changing truth": (
        ["simulate", "--truth", "0.1", "--later", "0.2", "--change-after", "3", "--exact"],
        "CLI008",
    ),
    "held without the part's toxicity": (["simulate", "--truth", "0.1,0.2", "--hold", "0.1,0.2"], "TRIAL063"),
    "a part that is more toxic": (
        ["simulate", "--truth", "0.1,0.2", "--hold", "0.1,0.2", "--held-truth", "0.1,0.4"],
        "TRIAL059",
    ),
    "held and short of the dose": (
        ["simulate", "--truth", "0.1", "--hold", "0.1", "--held-truth", "0", "--delivery", "0.9"],
        "TRIAL063",
    ),
    "half a change": (["simulate", "--truth", "0.1,0.2", "--change-after", "3"], "TRIAL063"),
    "no trials": (["simulate", "--truth", "0.1,0.2", "--trials", "0"], "TRIAL063"),
    "too many trials": (["simulate", "--truth", "0.1,0.2", "--trials", "100000000"], "TRIAL063"),
    "a negative seed": (["simulate", "--truth", "0.1,0.2", "--seed", "-1"], "TRIAL063"),
    "no accrual": (["simulate", "--truth", "0.1,0.2", "--accrual", "0"], "TRIAL063"),
    "infinite accrual": (["simulate", "--truth", "0.1,0.2", "--accrual", "inf"], "TRIAL063"),
    "too many states": (["simulate", "--truth", ",".join(["0.3"] * 40), "--exact"], "TRIAL043"),
    "too many paths": (["paths", "--doses", "5"], "TRIAL042"),
    "counts of another length": (["next", "--doses", "3", "--patients", "3,3"], "TRIAL040"),
    "more toxic than treated": (["next", "--patients", "3,3", "--dlts", "0,4"], "TRIAL068"),
    "half a patient": (["next", "--patients", "3,2.5", "--dlts", "0,0"], "TRIAL067"),
    "a negative count": (["next", "--patients=3,-3", "--dlts", "0,0"], "TRIAL067"),
    "more with both than with either": (
        ["next", "--patients", "3", "--dlts", "1", "--responses", "1", "--both", "2"],
        "TRIAL068",
    ),
    "counts and outcomes": (["next", "--patients", "3", "--outcomes", "1NNN"], "TRIAL064"),
    "a last dose that was not given": (["next", "--patients", "3,0", "--last", "2"], "TRIAL069"),
    "limits that fall": (["next", "--limits", "0.5,0.2"], "TRIAL063"),
    "limits beyond one": (["next", "--limits", "0.5,1.2"], "TRIAL063"),
    "no grid": (["next", "--grid", "three"], "CLI006"),
    "a huge grid": (["next", "--design", "boin-combination", "--grid", "900x900"], "TRIAL061"),
    "a ragged matrix": (["next", "--design", "boin-combination", "--patients", "3,3;3"], "TRIAL040"),
    "no file": (["next", "--file", "missing.yaml"], "YAML001"),
    "stages out of order": (["two-stage", "--stages", "5/3,2/9"], "CLI009"),
    "stages in words": (["two-stage", "--stages", "few/many"], "CLI004"),
    "rates out of order": (["two-stage", "--uninteresting", "0.5", "--interesting", "0.3"], "TRIAL250"),
    "no design is small enough": (
        ["two-stage", "--uninteresting", "0.30", "--interesting", "0.31", "--largest", "20"],
        "TRIAL251",
    ),
    "looks that fall": (["toxicity-boundary", "--looks", "9,6,3"], "TRIAL261"),
    "looks in words": (["bop2", "--looks", "soon"], "CLI004"),
    "toxicities out of order": (["bop2", "--toxic", "0.2", "--safe", "0.4"], "TRIAL253"),
    "a plan beyond the doses": (["skeleton", "--plan", "1,2,9"], "CLI009"),
    "a selection no better than chance": (["sample-size", "--levels", "4", "--correct", "0.25"], "TRIAL222"),
    "an odds ratio of one": (["sample-size", "--odds-ratio", "1"], "TRIAL222"),
    "a skeleton for no doses": (["skeleton", "--levels", "0"], "CLI009"),
    "a model that does not exist": (["skeleton", "--model", "probit"], "TRIAL200"),
    "a target that is none": (["skeleton", "--target", "2", "--skeleton", "0.1,0.2"], "CLI009"),
}


@pytest.mark.parametrize("name", CASES)
def test_one_clear_error(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: object) -> None:
    arguments, code = CASES[name]
    with pytest.raises(SystemExit) as end:
        main(["design", *arguments, "--json"])
    printed = capsys.readouterr()
    assert end.value.code == 2, printed.err
    assert "Traceback" not in printed.err
    errors = json.loads(printed.out)["errors"]
    assert [error["code"] for error in errors] == [code], printed.err
    assert all(len(str(error["found"])) < 2000 for error in errors)


FILES = {
    "unknown key": ("design: boin\ndosis: 3\n", "TRIAL060"),
    "a list": ("- boin\n", "YAML005"),
    "design of the wrong kind": ("design: [boin]\ndoses: 3\n", "TRIAL061"),
    "options of the wrong kind": ("design: boin\ndoses: 3\noptions: 7\n", "TRIAL061"),
    "rules of the wrong kind": ("design: boin\ndoses: 3\nrules: {stop_at: {n: 3}}\n", "TRIAL061"),
    "a rule of two": ("design: boin\ndoses: 3\nrules: [{stop_at: {n: 3}, coherent: {}}]\n", "TRIAL035"),
    "order of the wrong kind": ("design: boin\ndoses: 3\norder: 7\n", "TRIAL061"),
    "grid and doses": ("design: boin-combination\ndoses: 3\ngrid: [2, 2]\n", "TRIAL061"),
    "outcomes of the wrong kind": ("design: boin\ndoses: 3\noutcomes: [1, 2]\n", "TRIAL065"),
    "counts of the wrong kind": ("design: boin\ndoses: 2\npatients: 3\n", "TRIAL040"),
    "counts in words": ("design: boin\ndoses: 2\npatients: [3, b]\n", "TRIAL067"),
    "truth by unknown label": ("design: boin\ndoses: 2\ntruth: {1: 0.1, 9: 0.2}\n", "TRIAL040"),
    "seed in words": ("design: boin\ndoses: 2\nseed: many\n", "TRIAL063"),
    "another record": ("record: other/1\ndesign: boin\ndoses: 2\n", "TRIAL061"),
    "limits of the wrong kind": ("design: boin\ndoses: 2\nlimits: 0.3\n", "TRIAL063"),
    "halt_on_death in words": ("design: boin\ndoses: 2\noptions: {halt_on_death: maybe}\n", "TRIAL031"),
    "doses of the wrong kind": ("design: boin\ndoses: {a: 1}\n", "TRIAL061"),
    "a null label": ("design: boin\ndoses: [1, null]\n", "TRIAL061"),
    "nested doses": ("design: boin\ndoses: [[1], [2]]\n", "TRIAL061"),
}


@pytest.mark.parametrize("name", FILES)
def test_one_clear_error_for_a_file(name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    text, code = FILES[name]
    path = tmp_path / "design.yaml"
    path.write_text(text)
    with pytest.raises(SystemExit) as end:
        main(["design", "next", "--file", str(path), "--json"])
    printed = capsys.readouterr()
    assert end.value.code == 2, printed.err
    assert [error["code"] for error in json.loads(printed.out)["errors"]] == [code], printed.err


def test_all_mistakes_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["design", "simulate", "--set", "target=2", "--rule", "stop_it", "--seed", "-3", "--truth", "0.1,7"])
    shown = capsys.readouterr().err
    assert all(f"error[{code}]" in shown for code in ("TRIAL031", "TRIAL034", "TRIAL063"))


def test_a_record_and_a_file_in_either_format_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {
        "design": "crm",
        "doses": ["low", "high"],
        "options": {"target": 0.25, "skeleton": [0.1, 0.3]},
        "rules": [{"stop_at": {"n": 9}}],
        "outcomes": "lowNNN highNTN",
    }
    (tmp_path / "a.json").write_text(json.dumps(asked))
    answers = []
    for source in ("a.json", "b.yaml"):
        if source == "b.yaml":
            with pytest.raises(SystemExit):
                main(["design", "protocol", "--file", str(tmp_path / "a.json"), "--out", str(tmp_path / source)])
            capsys.readouterr()
        seen = ["--outcomes", str(asked["outcomes"])] if source == "b.yaml" else []
        with pytest.raises(SystemExit) as end:
            main(["design", "next", "--file", str(tmp_path / source), *seen, "--json"])
        printed = capsys.readouterr()
        assert not end.value.code, printed.err
        answers.append(json.loads(printed.out))
    assert answers[0] == answers[1]
