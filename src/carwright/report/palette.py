"""Colours and symbols, chosen to stay apart for colour-blind readers and in grey print.

Nodes take the palette of Okabe and Ito (2008, "Color universal design", https://jfly.uni-koeln.de/color/); grades
take a sequence that darkens steadily, so that their order survives without colour.
"""

from __future__ import annotations

from collections.abc import Sequence

INK = "#1d2733"
MUTED = "#5b6876"
FAINT = "#c9d1d9"
THRESHOLD = "#8a3b12"
PUBLISHED = "#b3261e"
STUDY = "#0f5c8c"
COMPARATOR = "#b5651d"

GRADES = ("#e6ebf0", "#fbe0ad", "#f3a65a", "#d9594c", "#8c2b6c", "#22123a")
"""Grade 0 to 5."""

_NODES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star")

_DESIGNS = ("#0f5c8c", "#b5651d", "#5a3e85", "#2e7d4f", "#8c2b6c", "#5b6876", "#7a6a00", "#1f8a8a")
_DESIGN_SYMBOLS = ("circle", "diamond", "triangle-up", "square", "cross", "circle-open", "diamond-open", "square-open")


def design_marks(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each design or rule, so that colour is never the only difference."""
    count = len(_DESIGNS)
    return {name: (_DESIGNS[place % count], _DESIGN_SYMBOLS[place % count]) for place, name in enumerate(names)}


def node_colours(names: Sequence[str]) -> dict[str, str]:
    """Colour of each node, in the study's order; a seventh node starts again."""
    return {name: _NODES[index % len(_NODES)] for index, name in enumerate(names)}


_MORE = ("#7a5195", "#6b8e23", "#8c564b", "#17becf", "#444444", "#bcbd22")


def distinct_colours(names: Sequence[str]) -> dict[str, str]:
    """Colour of each name, in order of appearance; twelve that stay apart, with a sign beside them."""
    colours = (*_NODES, *_MORE)
    return {name: colours[index % len(colours)] for index, name in enumerate(dict.fromkeys(names))}


def node_symbols(names: Sequence[str]) -> dict[str, str]:
    """Marker of each node, so that colour is never the only difference."""
    return {name: _SYMBOLS[index % len(_SYMBOLS)] for index, name in enumerate(names)}


def translucent(colour: str, opacity: float) -> str:
    """A hexadecimal colour as ``rgba(...)`` for filled bands."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"
