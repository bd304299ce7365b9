"""What a figure is: panels of plotly traces, the table behind them, and the words that go with both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from carwright.report.run import Run

Trace = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """One entry of a figure's legend; pressing it hides or shows the traces of its ``legendgroup``."""

    group: str
    label: str
    colour: str
    shape: str = "square"
    """``square``, ``line``, ``dashed``, ``circle``, ``open``, ``diamond``, ``open-diamond``, ``cross``, ``triangle``,
    ``triangle-up``, ``star`` or ``bar``."""


@dataclass(frozen=True)
class Panel:
    """One plot.

    Parameters
    ----------
    title
        Heading above the plot; empty when the figure has one panel only.
    alt
        What the panel shows, for readers who cannot see it.
    traces
        Plotly traces as plain dictionaries.
    layout
        Plotly layout, laid over the report's own.
    height
        Height of the plot in CSS pixels.
    """

    title: str
    alt: str
    traces: Sequence[Trace]
    layout: Mapping[str, Any] = field(default_factory=dict)
    height: int = 300


@dataclass(frozen=True)
class Figure:
    """Panels with their legend and the table that holds their numbers.

    Parameters
    ----------
    panels
        Plots; they stand side by side where there is room and stack where there is none.
    table
        The numbers behind the plots; its rows are what the CSV file holds.
    headings
        Heading with unit of each table column; a column without one is shown under its own name.
    legend
        Shared by all panels.
    panel_width
        Least width of a panel in CSS pixels before panels stack.
    note
        A sentence of this run, such as which trial is shown; it follows the caption.
    """

    panels: Sequence[Panel]
    table: pl.DataFrame
    headings: Mapping[str, str] = field(default_factory=dict)
    legend: Sequence[Key] = ()
    panel_width: int = 300
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """A registered figure.

    Parameters
    ----------
    name
        Identifier; also the name of the CSV file.
    title
        Heading.
    caption
        What to see, and what to keep in mind while seeing it.
    build
        Draws the figure from a run; raises `carwright.report.run.Unavailable` where it cannot.
    """

    name: str
    title: str
    caption: str
    build: Callable[[Run], Figure]
