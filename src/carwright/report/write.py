"""Writes the report of a finished run: one HTML file that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from carwright import __version__
from carwright.disease import Section
from carwright.report import designs, wording
from carwright.report.answer import cards, verdict
from carwright.report.embed import figure_json
from carwright.report.figure import Entry, Figure
from carwright.report.figures import find_figure
from carwright.report.paired import differences
from carwright.report.published import comparisons
from carwright.report.run import STUDY_ARM, Run, Unavailable, read_run
from carwright.store.files import write_atomically

KINDS = ("published", "fitted", "assumed")


@dataclass(frozen=True)
class Drawn:
    """A registered figure as the template shows it: either drawn, or the reason why not."""

    entry: Entry
    figure: Figure | None
    data: Markup
    reason: str


def write_report(run_folder: Path) -> Path:
    """Write ``report.html`` into a finished run's folder.

    The same run gives the same bytes. The file is written beside its final place and moved there, so that a reader
    never sees half of it.

    Parameters
    ----------
    run_folder
        Folder with ``summary.json``, ``resolved.yaml`` and ``tables/``.

    Returns
    -------
    pathlib.Path
        The report.

    Raises
    ------
    CarwrightError
        The run's summary or resolved study is missing or unreadable, or the folder cannot be written. A missing table
        is no error: the figure that needs it says so in its place.
    """
    report = run_folder / "report.html"
    write_atomically(report, render(read_run(run_folder)).encode())
    return report


def composer() -> jinja2.Environment:
    """What every page is composed with: nothing unescaped, nothing undefined."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("carwright.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(run: Run) -> str:
    """Compose the page as text."""
    environment = composer()
    environment.filters |= {
        "number": wording.number,
        "percent": wording.percent,
        "interval": wording.span,
        "with_interval": wording.with_interval,
        "rule": wording.rule_label,
        "grouped": wording.grouped,
        "breakable": _breakable,
    }
    scripts = [get_plotlyjs(), asset("report.js")]
    return environment.get_template("report.html").render(
        run=run,
        version=__version__,
        verdict=verdict(run),
        cards=cards(run),
        sections=[(section, list(_drawn(section, run))) for section in run.disease.sections],
        comparisons=comparisons(run),
        designs=designs.design_rows(run),
        takeaways=designs.takeaways(run),
        paired={arm: differences(run, arm) for arm in run.comparators},
        recommended=run.quantities.get("recommended_node", {}).get("by_node") or {},
        study_label=run.arm_label(STUDY_ARM),
        failures=_failures(run.summary["outcomes"]),
        kinds=_kinds(run.summary.get("parameters") or {}),
        parameters=run.summary.get("parameter_table") or [],
        style=Markup(asset("report.css")),  # noqa: S704 - a file of this package
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - plotly's own file and one of this package
        script_hashes=[content_hash(script) for script in scripts],
    )


def asset(name: str) -> str:
    """Text of a template or style sheet of the report."""
    return (resources.files("carwright.report") / "templates" / name).read_text(encoding="utf-8")


def _breakable(name: str) -> Markup:
    """A name that may be broken after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def content_hash(script: str) -> str:
    """Hash by which the content security policy admits a script, and nothing else, to run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _drawn(section: Section, run: Run) -> Iterator[Drawn]:
    for entry in map(find_figure, section.figures):
        try:
            figure = entry.build(run)
        except Unavailable as missing:
            yield Drawn(entry, None, Markup(), str(missing))
        else:
            yield Drawn(entry, figure, Markup(figure_json(figure)), "")  # noqa: S704 - escaped for a script element


def _failures(outcomes: dict[str, Any]) -> list[tuple[str, int, str]]:
    """Code, number of solves and explanation, most frequent first."""
    counts: dict[str, int] = outcomes["by_code"]
    explained: dict[str, str] = outcomes["explained"]
    return [
        (code, count, explained.get(code, "no explanation was recorded"))
        for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _kinds(counts: dict[str, Any]) -> list[tuple[str, int, float]]:
    """Kind, number of parameters and share."""
    total = sum(int(counts.get(kind, 0)) for kind in KINDS)
    return [(kind, int(counts.get(kind, 0)), int(counts.get(kind, 0)) / total) for kind in KINDS] if total else []
