"""The report in a real browser, at the width of a desk and of a telephone, with the network off."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from carwright.report import write_report

sys.path.insert(0, str(Path(__file__).parent))
import chromium

WIDTHS = (1400, 420)
PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module", params=WIDTHS)
def findings(
    request: pytest.FixtureRequest, run_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What the probe found in the report, what the console said and what was requested."""
    report = write_report(run_folder)
    with chromium.page(tmp_path_factory.mktemp("profile")) as page:
        page.open(report, request.param)
        found = page.run(PROBE)
        return {**found, "said": page.said, "requested": page.requested, "asked": request.param, "report": report}


def test_every_plot_holds_something(findings: dict[str, Any]) -> None:
    assert findings["width"] == findings["asked"]
    assert findings["said"] == []
    assert len(findings["plots"]) > 40
    for plot in findings["plots"]:
        assert plot["state"] == "drawn", plot
        assert plot["traces"] > 0, plot
        assert plot["points"] > 0, plot
        assert plot["marks"] > 0, plot


def test_nothing_overflows_overlaps_or_is_clipped(findings: dict[str, Any]) -> None:
    assert findings["overflow"] <= 0
    assert findings["overflowWithTables"] <= 0
    for plot in findings["plots"]:
        assert plot["fits"], plot
        assert not plot["crowded"], plot
        assert plot["clipped"] == [], plot


def test_nothing_is_fetched(findings: dict[str, Any]) -> None:
    assert set(findings["requested"]) <= {findings["report"].as_uri(), "data:,"}


def test_tables_and_csv_files_hold_the_same_rows(findings: dict[str, Any]) -> None:
    assert len(findings["tables"]) >= 15
    for table in findings["tables"]:
        assert table["rows"] == table["csv"] > 0, table


def test_legend_hides_and_shows_what_it_names(findings: dict[str, Any]) -> None:
    assert findings["silent"] == []


def test_search_narrows_the_parameter_table(findings: dict[str, Any]) -> None:
    assert findings["found"] == ["parameter_3", "parameter_30", "parameter_33", "parameter_36", "parameter_39"]
