"""The commands as a user gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from carwright.cli import main
from carwright.construct import list_antigens, parse_gate
from carwright.study import load_study
from carwright.study.construct_files import read_construct
from carwright.targets import datasets
from carwright.targets.evaluate.analysis import explain
from carwright.targets.evaluate.construct_file import antigen_name, construct_of
from carwright.targets.evaluate.settings import Settings
from carwright.targets.search.gate import parse, receptors, shapes, write

pytest.importorskip("anndata")


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cells") / "cells.h5ad"
    data = datasets.synthetic_aml(genes=16, patients=4, donors=3, cells_per_class=60, seed=2)
    data.var_names = ["CD33", "CLEC12A", *data.var_names[2:]]
    data.write_h5ad(path)
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["targets", *map(str, arguments)])
    printed = capsys.readouterr()
    return int(end.value.code or 0), printed.out, printed.err


def test_gates_are_ranked_saved_and_reported(cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, construct = tmp_path / "out", tmp_path / "best.yaml"
    status, out, err = run(
        capsys, "gates", cells, "--order", 2, "--order", 3, "--top", 4, "--draws", 20, "--out", folder,
        "--to-construct", construct, "--json",
    )  # fmt: skip
    assert status == 0, err
    found = json.loads(out)
    assert [row["rank"] for row in found["gates"]] == [1, 2, 3, 4]
    assert found["certified"]
    assert "pairs of genes: 136" in err  # progress is shown
    assert json.loads((folder / "analysis.json").read_text())["tables"]["gates"] == found["gates"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert all(row["gate"] in page for row in found["gates"])
    assert len(page) < 6_000_000
    assert found["gates"][0]["gate"] in construct.read_text(encoding="utf-8")
    assert read_construct(construct).gate == found["receptors"]
    (folder / "report.html").unlink()
    assert run(capsys, "report", folder)[0] == 0
    assert (folder / "report.html").read_text(encoding="utf-8") == page


def test_the_best_gates_become_a_study(cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Densities are those of the data; the simulator's own stay for the antigens that it knows."""
    path = tmp_path / "top.yaml"
    status, out, err = run(capsys, "gates", cells, "--order", 2, "--arms", 2, "--to-study", path, "--json", "--quiet")
    assert status == 0, err
    found = json.loads(out)
    study = load_study(path)
    assert [label for _, label, _ in study.arms()] == [
        *(receptors(row["gate"], {"CLEC12A": "CLL-1"}) for row in found["gates"][:2]),
        "CD33",
    ]
    shares = {(row["gene"], row["compartment"]): row["share"] for row in found["antigens"]}
    rows = {name: row for construct in study.constructs for name, row in construct.antigens.items()}
    assert rows
    for name, row in rows.items():
        gene = "CLEC12A" if name == "CLL-1" else name
        assert row.overrides is (False if name in list_antigens() else None)
        expected = min(max(shares[gene, "tumour"], 0.001), 0.999)
        assert row.expression["aml_blasts"].positive == pytest.approx(expected, abs=1e-4)


def test_screen_and_explain(cells: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "screen", cells, "--top", 3, "--quiet")
    assert status == 0, err
    assert "coverage floor" in out
    status, out, err = run(capsys, "explain", "CD33 AND CLL1", cells, "--quiet")
    assert status == 0, err
    assert "CD33 AND CLEC12A" in out
    assert "not represented" in out
    assert "CD33 protein was seen on HSC" in out


def test_if_better_is_searched_and_explained(cells: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "gates", cells, "--order", 1, "--if-better", 4, "--no-veto", "--draws", 5, "--json")
    assert status == 0, err
    found = json.loads(out)
    assert "IF-BETTER" in found["certificates"]
    best = next(row for row in found["gates"] if "IF-BETTER" in row["gate"])
    status, out, err = run(capsys, "explain", best["gate"], cells, "--json", "--quiet")
    assert status == 0, err
    at_three = json.loads(out)
    assert at_three["gates"][0]["gate"] == best["gate"]
    assert at_three["settings"]["bright"] == 3
    status, out, err = run(capsys, "explain", best["gate"], cells, "--if-better", 4, "--json", "--quiet")
    assert status == 0, err
    at_four = json.loads(out)

    def of_best(told: dict[str, Any]) -> list[Any]:
        killed = [(row["class"], row["killed"]) for row in told["verdicts"] if row["gate"] == best["gate"]]
        return [killed, [row["killed"] for row in told["patients"] if row["gate"] == best["gate"]]]

    assert of_best(at_four) == of_best(found)
    assert of_best(at_three) != of_best(found)


def test_the_page_tells_the_thresholds(cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(
        capsys, "explain", "CD33 IF-BETTER G5", cells, "--molecules", 2, "--molecules", "CLL-1=3", "--molecules",
        "CD33=4", "--if-better", 6, "--out", tmp_path, "--quiet",
    )  # fmt: skip
    assert status == 0, err
    page = " ".join((tmp_path / "report.html").read_text(encoding="utf-8").split())
    text = "from 2 molecule(s) of a gene (10 reads in full-length assays), from 3 of CLEC12A, from 4 of CD33"
    assert f"{text}; bright, for IF-BETTER, from 6." in page


def test_explain_without_cells(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARWRIGHT_CACHE", str(tmp_path))
    status, out, _ = run(capsys, "explain", "CLL-1")
    assert status == 0
    assert "CLEC12A" in out
    assert "has not been fetched" in out
    status, out, _ = run(capsys, "fetch", "--json")
    assert {row["name"] for row in json.loads(out)["references"]} >= {"surfaceome", "hpa-tissue"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["screen", "absent.h5ad"], "TARGETS002"),
        (["explain", "CD33 AND", "absent.h5ad"], "TARGETS013"),
        (["explain", "NOSUCHGENE", "{cells}"], "TARGETS035"),
        (["gates", "{cells}", "--limit", "liver"], "CLI003"),
        (["gates", "{cells}", "--limit", "moon=0.1"], "TARGETS038"),
        (["gates", "{cells}", "--limit", "HSC=0.1", "--limit", "HSC=0.2"], "CLI003"),
        (["gates", "{cells}", "--molecules", "2", "--molecules", "3"], "CLI003"),
        (["gates", "{cells}", "--molecules", "CLL1=2", "--molecules", "CLEC12A=3"], "CLI003"),
        (["gates", "{cells}", "--universe", "nothing"], "TARGETS034"),
        (["gates", "{cells}", "--cell-type", "nothing"], "TARGETS006"),
        (["gates", "{cells}", "--shape", "A AND"], "TARGETS013"),
        (["gates", "{cells}", "--fewest-cells", "100000"], "TARGETS030"),
        (["gates", "{cells}", "--universe", "named"], "TARGETS034"),
        (["gates", "{cells}", "--molecules", "CLEC12=2"], "TARGETS053"),
        (["gates", "{cells}", "--molecules", "\u00b2"], "CLI003"),
        (["gates", "{cells}", "--molecules", "99999999999"], "CLI003"),
        (["gates", "{cells}", "--molecules", "=3"], "CLI003"),
        (["gates", "{cells}", "--arms", "5"], "CLI003"),
        (["gates", "{cells}", "--if-better", "2", "--molecules", "3"], "TARGETS053"),
        (["explain", "CD33 IF-BETTER CLEC12A", "{cells}", "--if-better", "2", "--molecules", "CD33=3"], "TARGETS053"),
        (["explain", "CD33", "{cells}", "--molecules", "CLEC12=2"], "TARGETS053"),
        (["explain", "CD33", "{cells}", "--if-better", "3"], "CLI003"),
        (["explain", "CD33", "--to-construct", "gate.yaml"], "CLI003"),
        (["report", "."], "TARGETS051"),
        (["fetch", "census", "--cells", "tissue == 'blood'", "--url", "x", "--sha256", "y"], "CLI003"),
        (["fetch", "surfaceome", "--gene", "CD33"], "CLI003"),
        (["fetch", "--again"], "CLI003"),
        (["fetch", "nothing"], "TARGETS043"),
    ],
)
def test_mistakes(cells: Path, arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = [text.format(cells=cells) for text in arguments]
    status, out, err = run(capsys, *given, "--json")
    assert status == 2
    assert [problem["code"] for problem in json.loads(out)["errors"]] == [code]
    assert "Traceback" not in err


def test_the_same_cells_give_the_same_bytes(cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        assert run(capsys, "gates", cells, "--top", 3, "--draws", 10, "--out", tmp_path / name)[0] == 0
    assert (tmp_path / "one" / "analysis.json").read_bytes() == (tmp_path / "two" / "analysis.json").read_bytes()


def test_densities_of_a_construct_are_on_the_side_of_caution() -> None:
    """What depth hides is given back to antigens that get normal cells killed, and not to those that protect them."""
    atlas = datasets.aml_atlas(genes=12, patients=3, donors=3, depth=1000.0, seed=2).atlas
    found = explain(atlas, [parse("G0 AND NOT G3")], Settings())
    rows = {(row["gene"], row["compartment"]): row for row in found.tables["antigens"]}
    made = construct_of(found, list_antigens())["antigens"]
    stem, progenitor = made["G0"]["expression"]["stem_cells"], made["G3"]["expression"]["progenitors"]
    assert stem["positive"] == pytest.approx(rows["G0", "HSC"]["share_after_depth"], abs=1e-4)
    assert rows["G0", "HSC"]["share_after_depth"] > rows["G0", "HSC"]["share"]
    assert progenitor["positive"] == pytest.approx(rows["G3", "progenitor"]["share"], abs=1e-4)
    assert made["G0"]["expression"]["aml_blasts"]["positive"] == pytest.approx(rows["G0", "tumour"]["share"], abs=1e-4)


@pytest.mark.parametrize("inputs", [1, 2, 3, 4])
def test_a_construct_reads_the_gate_that_was_found(inputs: int) -> None:
    """Both rooms' readers agree on every pattern of every shape."""
    genes = ("CD33", "CLL-1", "CD7", "CD38")[:inputs]
    for table in shapes(inputs, ["all"] if inputs < 4 else None):
        text = write(table, genes)
        read = parse_gate(receptors(text, {}), genes)
        own = parse(text)
        for r in range(1 << inputs):
            on = {gene: bool(r >> i & 1) for i, gene in enumerate(own.genes)}
            assert read.fires({gene: 2 * value for gene, value in on.items()}) == bool(own.table >> r & 1)


def test_genes_get_the_names_of_their_antigens() -> None:
    known = list_antigens()
    expected = {"IL3RA": "CD123", "CLEC12A": "CLL-1", "HAVCR2": "TIM-3", "KIT": "CD117", "FOLH1": "PSMA", "X1": "X1"}
    assert {gene: antigen_name(gene, known) for gene in expected} == expected


def test_the_construct_of_a_single_antigen_can_be_read_again(
    cells: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its name is not that of a construct of the catalogue, which a file may not take."""
    path = tmp_path / "gate.yaml"
    status, _, err = run(
        capsys, "gates", cells, "--order", 1, "--to-construct", path, "--out", tmp_path / "o", "--quiet"
    )
    assert status == 0, err
    study = load_study("aml-target-choice", {"construct": str(path), "comparators": []})
    assert study.construct.name.startswith("found-")
