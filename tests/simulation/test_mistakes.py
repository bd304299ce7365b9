"""One error lists every mistake with its place; no traceback, nothing half-written."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import carwright
from carwright.errors import CarwrightError

Command = Callable[..., subprocess.CompletedProcess[str]]


def mistakes(model: Path, **asked: Any) -> list[tuple[str, str]]:
    """Code and place of every mistake that is found."""
    with pytest.raises(CarwrightError) as caught:
        carwright.simulate(model, **{"days": 5.0, **asked}, out=model.parent / "none")
    assert not (model.parent / "none").exists()
    return [(problem.code, problem.where) for problem in caught.value.problems]


def test_everything_at_once(command: Command, chain: Path, tmp_path: Path) -> None:
    rows = "k,mm,given\n0.5,1,1\nnan,1,1\n0.5,1,inf\n0.5,1,ten\n,1,1\n"
    (tmp_path / "rows.csv").write_text(rows)
    asked = ["--population", "rows.csv", "--patients", "-2", "--dose", "Q=1@0", "--dose", "A=givn@0,9",
             "--at", "0,x", "--days", "5", "--functional", "maximal:A", "--functional", "max:Z",
             "--functional", "days_below:A<kk", "--observe", "A,W", "--set", "kk=1", "--rtol", "-1",
             "--out", "o"]  # fmt: skip
    done = command("simulate", "chain.ant", *asked, "--json")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    found = [(error["code"], error["where"], error["found"]) for error in json.loads(done.stdout)["errors"]]
    assert found == [
        ("SIMULATE009", "--at", "x"),
        ("SIMULATE010", "--functional maximal:A", "maximal"),
        ("SIMULATE005", "--set kk", "kk"),
        ("SIMULATE007", "rows.csv, row 2, column k", "nan"),
        ("SIMULATE007", "rows.csv, row 3, column given", "inf"),
        ("SIMULATE007", "rows.csv, row 4, column given", "ten"),
        ("SIMULATE007", "rows.csv, row 5, column k", "nothing"),
        ("SIMULATE012", "--patients", "-2"),
        ("SIMULATE012", "--rtol", "-1"),
        ("SIMULATE008", "--dose A", "9"),
        ("SIMULATE011", "--observe", "W"),
        ("SIMULATE011", "--functional max:Z", "Z"),
        ("SIMULATE005", "--functional days_below:A<kk", "kk"),
        ("SIMULATE008", "--dose Q", "Q"),
        ("SIMULATE006", "--dose A", "givn"),
        ("SIMULATE005", "rows.csv, mm", "mm"),
        ("SIMULATE005", "rows.csv, given", "given"),
    ]
    assert "did you mean 'given'?" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chain.ant", "rows.csv"]


def test_a_broken_model_and_a_broken_population(command: Command, tmp_path: Path) -> None:
    (tmp_path / "broken.ant").write_text("model b()\n  A = 1; A' = -k*(A\nend\n")
    (tmp_path / "mine.yaml").write_text("k: {value: -1, sd: 0.2}\n")
    done = command("simulate", "broken.ant", "--population", "mine.yaml", "--days", "5")
    assert done.returncode == 2
    assert "ENGINE050" in done.stderr
    assert "broken.ant" in done.stderr
    assert "line 2" in done.stderr
    assert "mine.yaml, line 1, key k.value" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("no-such-model", None, "SIMULATE001", "no such model"),
        ("mcrp", None, "SIMULATE001", "did you mean 'mcrpc'?"),
        ("none.xml", None, "SIMULATE002", "no such file"),
        ("model.txt", b"model a()\nend", "SIMULATE001", ".xml, .sbml, .ant"),
        ("model.xml", b" \n", "SIMULATE002", "empty"),
        ("model.xml", b"\xff\xfe\x00", "SIMULATE002", "UTF-8"),
        ("model.xml", b"<sbml", "ENGINE010", "model.xml, line"),
        ("model.xml", b"<!DOCTYPE a []><sbml/>", "ENGINE051", "document type"),
        ("model.ant", b"model a()\n k = 1\nend\n", "SIMULATE002", "nothing in the model changes"),
        ("model.ant", b"model a(\n A = ;", "ENGINE050", "model.ant"),
    ],
)
def test_models_that_cannot_be_read(tmp_path: Path, name: str, content: bytes | None, code: str, words: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    model = tmp_path / name if content is not None or name.endswith("xml") else name
    with pytest.raises(CarwrightError, match=r".+") as caught:
        carwright.simulate(model, days=1.0, out=tmp_path / "out")
    assert {problem.code for problem in caught.value.problems} == {code}
    assert words in str(caught.value)


def test_a_model_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carwright.simulation.source.SIZE_LIMIT", 100)
    (tmp_path / "large.xml").write_text("<sbml>" + " " * 200)
    assert mistakes(tmp_path / "large.xml") == [("SIMULATE002", str(tmp_path / "large.xml"))]


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("none.csv", None, "SIMULATE003", "no such population"),
        ("rows.xlsx", b"x", "SIMULATE003", ".parquet, .csv"),
        ("rows.csv", b"", "SIMULATE003", "empty"),
        ("rows.csv", b"k,m\n", "SIMULATE003", "empty CSV"),
        ("rows.csv", b"k,k\n1,2\n", "SIMULATE003", "same name"),
        ("rows.csv", b"k,m\n1,2,3\n", "SIMULATE003", "rows.csv"),
        ("rows.csv", b"\xff\xfe,k\n1,2\n", "SIMULATE003", "rows.csv"),
        ("rows.parquet", b"no parquet", "SIMULATE003", "parquet"),
        ("rows.csv", b"patient,k\n1,1\n1,2\n", "SIMULATE007", "column patient"),
        ("rows.csv", b"patient,k\n1.5,1\n2,2\n", "SIMULATE007", "column patient"),
        ("rows.csv", b"k\n" + b"x\n" * 40, "SIMULATE007", "30 more cells"),
        ("mine.yaml", b"", "YAML005", "empty"),
        ("mine.yaml", b"k: [1\n", "YAML004", "line"),
        ("mine.yaml", b"{}\n", "SIMULATE004", "names nothing"),
        ("mine.yaml", b"k: !!python/name:os.system x\n", "YAML006", "tag"),
    ],
)
def test_populations_that_cannot_be_read(
    chain: Path, tmp_path: Path, name: str, content: bytes | None, code: str, words: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(CarwrightError) as caught:
        carwright.simulate(chain, population=tmp_path / name, days=1.0, out=tmp_path / "out")
    assert {problem.code for problem in caught.value.problems} == {code}
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "row",
    [
        {"value": "x"}, {"value": True, "sd": 0.1}, {"sd": 0.1}, {"value": 0, "sd": 0.1}, {"value": 1, "sd": -1},
        {"value": 1, "distribution": "normal"}, {"value": 1, "sd": 1, "range": [2, 3]}, {"value": 1, "range": [3, 2]},
        {"value": 1, "sd": 1, "range": 3}, {"value": 1, "deviation": 1},
        {"distribution": "uniform", "range": [0, None]},
        {"value": 1.5, "distribution": "logitnormal", "sd": 1}, {"value": 0, "distribution": "exponential"},
        {"value": 1, "sd": 1, "distribution": "exponential"}, {"value": 1, "sd": 1, "distribution": "gamma"},
    ],
)  # fmt: skip
def test_distributions_that_make_no_sense(chain: Path, row: dict[str, Any]) -> None:
    found = mistakes(chain, population={"k": row, "m": {"value": 0.1, "sd": 0.2}})
    assert found
    assert {code for code, _ in found} == {"SIMULATE004"}
    assert all(where.startswith("population, k") for _, where in found)


def test_columns_of_other_types(chain: Path) -> None:
    rows = pl.DataFrame({"k": [True, False], "m": [[1.0], [2.0]]})
    assert mistakes(chain, population=rows) == [
        ("SIMULATE007", "population, column k"),
        ("SIMULATE007", "population, column m"),
    ]


def test_a_parameter_without_a_value(tmp_path: Path) -> None:
    model = tmp_path / "open.ant"
    model.write_text("model open()\n  species A\n  A = 1\n  J: A -> ; k*A\n  var k\nend\n")
    assert mistakes(model) == [("SIMULATE006", "k")]
    rows = pl.DataFrame({"k": [-1.0, 1.0], "dose": [1.0, -1.0]})
    found = mistakes(model, population=rows, doses=["A=dose@0"])
    assert found == [("SIMULATE008", "population, dose, row 2")]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"days": None}, "SIMULATE009"),
        ({"days": -1.0}, "SIMULATE009"),
        ({"days": float("nan")}, "SIMULATE009"),
        ({"at": "0:5:-1"}, "SIMULATE009"),
        ({"at": "0:5:1e-9"}, "SIMULATE009"),
        ({"at": [0.0, 6.0]}, "SIMULATE009"),
        ({"at": [float("inf")]}, "SIMULATE009"),
        ({"functionals": ["max:A@1"]}, "SIMULATE010"),
        ({"functionals": ["max:A@3..1"]}, "SIMULATE010"),
        ({"functionals": ["max:A@1..9"]}, "SIMULATE010"),
        ({"functionals": ["max:A<1"]}, "SIMULATE010"),
        ({"functionals": ["days_below:A>1"]}, "SIMULATE010"),
        ({"functionals": ["value_at:A@1..2"]}, "SIMULATE010"),
        ({"functionals": ["__import__('os')"]}, "SIMULATE010"),
        ({"doses": ["A=-1@0"]}, "SIMULATE008"),
        ({"doses": ["A@0"]}, "SIMULATE008"),
        ({"patients": 0}, "SIMULATE012"),
        ({"patients": 10}, "SIMULATE012"),
        ({"population": {"k": {"value": 1, "sd": 1}}, "patients": 2**33}, "SIMULATE012"),
        ({"population": {"k": {"value": 1, "sd": 1}}, "patients": 5000}, "SIMULATE013"),
        ({"population": pl.DataFrame({"k": [1.0]}), "patients": 2}, "SIMULATE012"),
        ({"population": pl.DataFrame({"k": [1.0]}), "values": {"k": 2.0}}, "SIMULATE014"),
        ({"population": {"k": {"value": 1, "sd": 1, "range": [0.5, 2]}}, "values": {"k": 3.0}}, "SIMULATE014"),
        ({"values": {"k": "two"}}, "SIMULATE014"),
        ({"seed": -1}, "SIMULATE012"),
        ({"keep": ["q"]}, "SIMULATE005"),
    ],
)
def test_requests_that_make_no_sense(chain: Path, asked: dict[str, Any], code: str) -> None:
    assert {found for found, _ in mistakes(chain, **asked)} == {code}
