"""The report as a file: complete, deterministic, self-contained, and honest about what it lacks."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from carwright.disease import find_disease
from carwright.errors import CarwrightError
from carwright.report import write_report

FIGURES = [name for section in find_disease("mcrpc").sections for name in section.figures]
LIMIT_BYTES = 6_000_000
LIMIT_WITHOUT_PLOTLY = 1_000_000


@pytest.fixture(scope="module")
def html(run_folder: Path) -> str:
    return write_report(run_folder).read_text(encoding="utf-8")


@pytest.fixture
def copy(run_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_folder, tmp_path / "run"))


def figure_data(html: str, name: str) -> dict[str, object] | None:
    """The JSON that a figure embeds, or None where the figure is absent."""
    article = html.split(f'<article class="figure" id="{name}">')[1].split("</article>")[0]
    found = re.search(r'<script type="application/json" class="data">(.*?)</script>', article, re.DOTALL)
    return json.loads(found[1]) if found else None


def restored(value: object, columns: list[list[object]]) -> object:
    """What the page does with references to table columns."""
    if isinstance(value, list):
        return [restored(item, columns) for item in value]
    if isinstance(value, dict):
        if "$" in value:
            column, start, stop = value["$"]
            return columns[column][start:stop]
        return {key: restored(item, columns) for key, item in value.items()}
    return value


def test_same_run_gives_same_bytes(run_folder: Path, html: str) -> None:
    assert write_report(run_folder).read_text(encoding="utf-8") == html
    assert not list(run_folder.glob(".*"))


def test_nothing_of_the_machine_or_the_moment_is_in_it(html: str, run_folder: Path) -> None:
    own = html.split("<script>/**")[0]  # before plotly's own text
    assert str(run_folder) not in html
    assert not re.search(r"20\d\d-\d\d-\d\d", own)


def test_small_enough(html: str) -> None:
    from plotly.offline import get_plotlyjs

    assert len(html.encode()) < LIMIT_BYTES
    assert len(html.encode()) - len(get_plotlyjs().encode()) < LIMIT_WITHOUT_PLOTLY


def test_no_address_is_ever_fetched(html: str) -> None:
    class Fetches(HTMLParser):
        found: list[str]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            for name, value in attrs:
                if name in {"src", "srcset", "action", "data"} or (
                    name == "href" and not (value or "").startswith("#")
                ):
                    self.found.append(f"{tag} {name}={value}")

    parser = Fetches()
    parser.found = []
    parser.feed(html)
    assert parser.found == ["link href=data:,"]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert "default-src 'none'" in policy[1]
    assert "unsafe-eval" not in policy[1]
    assert "script-src 'sha256-" in policy[1].replace("&#39;", "'")


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_from_a_complete_run(html: str, name: str) -> None:
    data = figure_data(html, name)
    assert data is not None
    lengths = {len(column) for column in data["values"]}
    assert len(lengths) == 1
    assert lengths.pop() > 0
    assert len(data["columns"]) == len(data["headings"]) == len(data["values"])
    for panel in data["panels"]:
        points = [trace for trace in panel["traces"] if trace.get("x") or trace.get("values")]
        assert points, "a panel without a single point"


@pytest.mark.parametrize("name", FIGURES)
def test_no_trace_is_heavier_than_two_thousand_points(html: str, name: str) -> None:
    data = figure_data(html, name)
    assert data is not None
    for trace in (trace for panel in data["panels"] for trace in panel["traces"]):
        assert all(len(value) <= 2000 for value in trace.values() if isinstance(value, list))
        assert all(
            value["$"][2] - value["$"][1] <= 2000
            for value in trace.values()
            if isinstance(value, dict) and "$" in value
        )


def test_every_panel_is_described_in_words(html: str) -> None:
    labels = re.findall(r'class="plot" role="img" aria-label="([^"]*)"', html)
    assert len(labels) >= len(FIGURES)
    assert all(len(label) > 20 for label in labels)


@pytest.mark.parametrize("table", ["patients", "courses", "trials", "trial_patients"])
def test_missing_table_is_named_where_its_figure_would_be(copy: Path, table: str) -> None:
    (copy / "tables" / f"{table}.parquet").unlink()
    html = write_report(copy).read_text(encoding="utf-8")
    assert f"This figure is absent: the run has no table “{table}”." in html


def test_empty_table_and_missing_column_are_named(copy: Path) -> None:
    tables = copy / "tables"
    pl.read_parquet(tables / "courses.parquet").clear().write_parquet(tables / "courses.parquet")
    pl.read_parquet(tables / "patients.parquet").drop("psa_best_change").write_parquet(tables / "patients.parquet")
    html = write_report(copy).read_text(encoding="utf-8")
    assert "table “courses” is empty" in html
    assert "table “patients” has no column “psa_best_change”" in html
    assert figure_data(html, "grades") is not None


def test_study_without_comparators_published_facts_or_failures(copy: Path) -> None:
    summary = json.loads((copy / "summary.json").read_text(encoding="utf-8"))
    summary["comparators"], summary["arms"] = {}, summary["arms"][:1]
    summary["outcomes"] |= {"failed": 0, "failed_solves": 0, "by_code": {}}
    for quantity in summary["quantities"].values():
        quantity.pop("published", None)
        quantity.pop("covered", None)
    (copy / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    html = write_report(copy).read_text(encoding="utf-8")
    assert "This figure is absent: the study has no comparator arm." in html
    assert "This figure is absent: the study names no published figures." in html
    assert "No solve failed" in html
    assert figure_data(html, "expansion") is not None


def test_failures_and_notice_are_on_page_one(html: str) -> None:
    first = html.split('id="section-answer"')[0]
    assert "Research software, never for treatment decisions." in first
    assert re.search(r"failed solves</dt><dd class=\"value\">8<", first)
    assert "the step limit was reached" in html


def test_text_from_a_study_cannot_become_markup(copy: Path) -> None:
    resolved = (copy / "resolved.yaml").read_text(encoding="utf-8")
    attack = "</script><img src=x onerror=alert(1)>"
    (copy / "resolved.yaml").write_text(resolved.replace("Does the report read well?", f"'{attack}'"), encoding="utf-8")
    summary = json.loads((copy / "summary.json").read_text(encoding="utf-8"))
    summary["quantities"]["psa30"]["label"] = attack
    summary["paths"][0]["path"] = attack
    (copy / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    html = write_report(copy).read_text(encoding="utf-8")
    assert "<img" not in html.split("<script>/**")[0]


def test_unreadable_run_is_a_message_not_a_traceback(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(CarwrightError, match="summary"):
        write_report(tmp_path / "nowhere")
    (copy / "summary.json").write_text("{", encoding="utf-8")
    with pytest.raises(CarwrightError, match="REPORT001"):
        write_report(copy)
    assert not (copy / "report.html").exists() or (copy / "report.html").stat().st_size > 0


def test_table_holds_the_numbers_of_the_drawing(html: str, run_folder: Path) -> None:
    """The waterfall's bars, put back together from the JSON, are patients of the table, in order."""
    data = figure_data(html, "waterfall")
    assert data is not None
    traces = restored(data["panels"][0]["traces"], data["values"])
    bars = sorted((x, y) for trace in traces for x, y in zip(trace["x"], trace["customdata"], strict=True))
    assert [y for _, y in bars] == sorted((y for _, y in bars), reverse=True)
    patients = pl.read_parquet(run_folder / "tables" / "patients.parquet").filter(pl.col("arm") == "study")
    known = {float(f"{value:.4g}") for value in patients["psa_best_change"]}
    assert {y for _, y in bars} <= known
