"""Writes ``report.html`` of a target search: one file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from carwright.report.embed import figure_json
from carwright.report.figure import Figure
from carwright.report.page import compose
from carwright.report.targets.figures import Drawn, of_gate, overview
from carwright.report.targets.folder import load_analysis
from carwright.store.files import write_atomically
from carwright.targets.evaluate.analysis import Analysis


@dataclass(frozen=True)
class _Entry:
    name: str
    title: str
    caption: str


@dataclass(frozen=True)
class _Shown:
    entry: _Entry
    figure: Figure
    data: Markup
    reason: str = ""


def write_targets_report(folder: Path) -> Path:
    """Write the page from a folder's ``analysis.json``; the same folder gives the same bytes.

    Raises
    ------
    CarwrightError
        If it is no folder of a target search.
    """
    path = folder / "report.html"
    write_atomically(path, render(load_analysis(folder)).encode())
    return path


def render(found: Analysis) -> str:
    """Compose the page as text."""
    gates = found.tables["gates"]
    return compose(
        "targets.html",
        {"share": _share},
        gates=gates,
        found=found.parameters,
        figures=_shown(overview(found.tables)) if gates else [],
        pages=[
            (
                gate,
                [row for row in found.tables["verdicts"] if row["gate"] == gate["gate"]],
                _shown(of_gate(found.tables, gate["rank"], gate["gate"])),
                [row for row in found.tables["sweep"] if row["gate"] == gate["gate"]],
            )
            for gate in gates
        ],
    )


def _shown(drawn: Iterable[Drawn]) -> list[_Shown]:
    return [
        _Shown(_Entry(name, title, caption), figure, Markup(figure_json(figure)))  # noqa: S704 - escaped for a script
        for name, title, caption, figure in drawn
    ]


def _share(value: Any) -> str:
    if value is None:
        return "–"
    percent = 100 * float(value)
    text = f"{percent:.0f}" if percent >= 10 or percent == 0 else f"{percent:.2g}"
    return f"{text}\N{NO-BREAK SPACE}%"
