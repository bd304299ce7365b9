"""The comparison of designs in words: sentences follow the numbers, with their uncertainty."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import pytest

from carwright.report import write_report
from carwright.report.designs import design_label, design_rows, takeaways
from carwright.report.run import Run, read_run


@pytest.fixture
def run(run_folder: Path) -> Run:
    return read_run(run_folder)


def changed(run: Run, **readings: float) -> Run:
    """The same run with BOIN's difference in one characteristic moved, its interval with it."""
    summary = copy.deepcopy(run.summary)
    for key, value in readings.items():
        entry = summary["designs"]["by_design"]["boin"]["protocol"]["differences"][key]
        entry |= {"estimate": value, "lo": value - 0.2, "hi": value + 0.2}
        entry["monte_carlo"] = {"lo": value - 0.01, "hi": value + 0.01}
    return replace(run, summary=summary)


def sentence(run: Run, start: str) -> str:
    return next(text for text in takeaways(run) if text.startswith(start))


def test_a_better_a_worse_and_an_indistinguishable_design_are_called_so(run: Run) -> None:
    assert "does so more often" in sentence(changed(run, correct=0.1), "BOIN")
    assert "+10 (+9.0 to +11) percentage points" in sentence(changed(run, correct=0.1), "BOIN")
    assert "−10 to +30 from population to population" in sentence(changed(run, correct=0.1), "BOIN")
    assert "does so less often" in sentence(changed(run, correct=-0.1), "BOIN")
    assert "cannot be told from it" in sentence(changed(run, correct=0.005), "BOIN")


def test_more_and_fewer_are_told_without_signs(run: Run) -> None:
    text = sentence(
        changed(run, infused=-8.0, dlts=0.5, duration_days=365.25), "Against three-plus-three, a trial with B"
    )
    assert "8.00 (7.99 to 8.01) fewer patients" in text
    assert "0.50 (0.49 to 0.51) more dose-limiting toxicities" in text
    assert "12.0 (12.0 to 12.0) more months" in text


def test_the_definition_that_moves_the_recommendation_most_is_named(run: Run) -> None:
    text = sentence(run, "The definition of toxicity")
    assert "“grade 4” instead of “protocol”" in text
    assert "−10 (−11 to −9.0) percentage points" in text


def test_every_characteristic_of_every_design_is_in_the_table(run: Run) -> None:
    table = design_rows(run)
    assert table is not None
    assert [name.split(" ")[0] for name in table.names] == ["three-plus-three", "BOIN", "CRM"]
    assert len(table.rows) == len(run.summary["designs"]["labels"])
    assert all(len(row.cells) == 3 for row in table.rows)
    assert [row.cells[0].difference for row in table.rows] == [""] * len(table.rows)


def test_a_run_without_compared_designs_says_so_once(run_folder: Path, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(run_folder, tmp_path / "run"))
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    del summary["designs"]
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    html = write_report(folder).read_text(encoding="utf-8")
    assert html.count("compare_designs") == 1
    assert 'id="design_selection"' not in html
    assert takeaways(read_run(folder)) == []


@pytest.mark.parametrize(
    ("name", "label"),
    [("boin", "BOIN"), ("tite-crm", "TITE-CRM"), ("mtpi-2", "mTPI-2"), ("3+3", "3+3"), ("bf-boin", "BF-BOIN")],
)
def test_designs_are_named_as_in_the_literature(name: str, label: str) -> None:
    assert design_label(name) == label
