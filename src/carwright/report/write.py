"""Writes the report of a finished run: one HTML file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from carwright.disease import Section
from carwright.report import designs, wording
from carwright.report.answer import cards, verdict
from carwright.report.embed import figure_json
from carwright.report.figure import Entry, Figure
from carwright.report.figures import find_figure
from carwright.report.page import compose
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


def render(run: Run) -> str:
    """Compose the page as text."""
    return compose(
        "report.html",
        {
            "number": wording.number,
            "percent": wording.percent,
            "interval": wording.span,
            "with_interval": wording.with_interval,
            "rule": wording.rule_label,
            "grouped": wording.grouped,
            "breakable": _breakable,
        },
        run=run,
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
    )


def _breakable(name: str) -> Markup:
    """A name that may be broken after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


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
