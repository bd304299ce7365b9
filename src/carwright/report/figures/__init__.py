"""Figures of the report, one file each.

To add one: write a file with a `FIGURE` entry and name it in the sections of a disease (`carwright.disease`).
"""

from __future__ import annotations

from importlib import import_module

from carwright.report.figure import Entry


def find_figure(name: str) -> Entry:
    """Find the figure in the file of that name."""
    figure: Entry = import_module(f"carwright.report.figures.{name}").FIGURE
    return figure
