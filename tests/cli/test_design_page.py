"""The pages of figures: well-formed, complete, and true to the numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from carwright.cli import main

SVG = "{http://www.w3.org/2000/svg}"


def page(tmp_path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, dict[str, object]]:
    target = tmp_path / "page.html"
    with pytest.raises(SystemExit) as end:
        main(["design", *arguments, "--html", str(target), "--json"])
    printed = capsys.readouterr()
    assert not end.value.code, printed.err
    return target.read_text(), json.loads(printed.out)


def drawings(text: str) -> list[ElementTree.Element]:
    found = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    return [ElementTree.fromstring(part) for part in found]  # noqa: S314  # written by this program


def test_bars_stand_for_the_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("simulate", "--truth", "0.05,0.1,0.2,0.35", "--delivery", "1,1,0.8,0.5", "--trials", "500")
    text, found = page(tmp_path, capsys, *asked)
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert [
        title for title in ("Dose and toxicity", "Recommended dose", "Size of the trial") if title not in text
    ] == []
    bars = drawings(text)[1].findall("rect")
    shares = found["recommended"]
    assert isinstance(shares, dict)
    for bar, (label, share) in zip(bars, shares.items(), strict=True):
        assert float(bar.attrib["height"]) == pytest.approx(210 * share, abs=0.06)
        assert bar.find("title").text == f"{label}: {share:.4g}"  # type: ignore[union-attr]
    assert len(drawings(text)) == 5


def test_the_tree_holds_every_likely_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, found = page(tmp_path, capsys, "paths", "--design", "3+3", "--truth", "0.1,0.3")
    (tree,) = drawings(text)
    first = [box for box in tree.findall("rect") if box.attrib["x"] == "0"]
    shares = [float(re.findall(r"probability (.*)", box.find("title").text)[0]) for box in first]  # type: ignore[union-attr,arg-type]
    assert shares == pytest.approx([0.9**3, 3 * 0.1 * 0.9**2, 3 * 0.01 * 0.9], abs=1e-4)
    assert f"{found['n_paths']} paths" in text


def test_labels_cannot_break_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = page(tmp_path, capsys, "simulate", "--doses", "low,+2_a.x", "--truth", "0.1,0.2")
    assert len(drawings(text)) == 4
    assert "+2_a.x" in text
