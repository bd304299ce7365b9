"""The report in a real browser, at the width of a desk and of a telephone, with the network off."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from carwright.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTHS = (1400, 420)
PROBE = Path(__file__).with_name("probe.js").read_text(encoding="utf-8")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

AROUND = """<!doctype html><body style="margin:0"><pre id="findings"></pre>
<iframe src="{name}" style="border:0;width:{width}px;height:2000px"></iframe>
<script>
addEventListener("message", (event) => {{ document.getElementById("findings").textContent = event.data; }});
</script>
"""


def browse(folder: Path, page: Path) -> tuple[str, list[str]]:
    """Open a page; returns the document after it has run, and what the console said."""
    assert CHROMIUM
    flags = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update", "--proxy-server=http://127.0.0.1:9"),
        *("--enable-logging=stderr", "--window-size=1500,2100", "--virtual-time-budget=60000", "--dump-dom"),
    ]
    done = subprocess.run(
        [CHROMIUM, *flags, f"--user-data-dir={folder / 'profile'}", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def report(run_folder: Path) -> Path:
    return write_report(run_folder)


@pytest.fixture(scope="module", params=WIDTHS)
def findings(request: pytest.FixtureRequest, report: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the probe found in a copy of the report whose policy also admits the probe."""
    folder = tmp_path_factory.mktemp(f"browser{request.param}")
    digest = base64.b64encode(hashlib.sha256(PROBE.encode()).digest()).decode()
    text = report.read_text(encoding="utf-8")
    probed = text.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
    assert probed != text
    (folder / "report.html").write_text(probed.replace("</body>", f"<script>{PROBE}</script></body>"), encoding="utf-8")
    around = folder / "around.html"
    around.write_text(AROUND.format(name="report.html", width=request.param), encoding="utf-8")
    document, console = browse(folder, around)
    found = re.search(r'<pre id="findings">(.*?)</pre>', document, re.DOTALL)
    assert found
    assert found[1], f"the report never finished drawing; console: {console}"
    return {**json.loads(html.unescape(found[1])), "console": console, "asked": request.param}


def test_report_itself_draws_without_a_word_on_the_console(report: Path, tmp_path: Path) -> None:
    document, console = browse(tmp_path, report)
    assert console == []
    assert 'data-figures="drawn"' in document
    assert 'data-state="failed"' not in document
    assert "could not be drawn" not in re.sub(r"<script.*?</script>", "", document, flags=re.DOTALL)


def test_every_plot_holds_something(findings: dict[str, Any]) -> None:
    assert findings["width"] == findings["asked"]
    assert findings["console"] == []
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
    assert findings["fetched"] == []


def test_tables_and_csv_files_hold_the_same_rows(findings: dict[str, Any]) -> None:
    assert len(findings["tables"]) >= 15
    for table in findings["tables"]:
        assert table["rows"] == table["csv"] > 0, table


def test_legend_hides_and_shows_what_it_names(findings: dict[str, Any]) -> None:
    assert findings["silent"] == []


def test_search_narrows_the_parameter_table(findings: dict[str, Any]) -> None:
    assert findings["found"] == ["parameter_3", "parameter_30", "parameter_33", "parameter_36", "parameter_39"]
