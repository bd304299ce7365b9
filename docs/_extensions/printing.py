"""Tables, code words and headings as document nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from docutils import nodes

Cell = str | nodes.Node | Sequence[nodes.Node]

_MARKED = re.compile(r"`+([^`]+)`+")
_LINK = re.compile(r"(?P<doi>\b(?:doi:? ?)(?P<number>10\.\d{4,}/[^\s,;)]+))|(?P<trial>\bNCT\d{8}\b)")


def words(text: str) -> list[nodes.Node]:
    """Text with its code words marked, and with links for DOIs and trial registry numbers."""
    found: list[nodes.Node] = []
    position = 0
    for match in _MARKED.finditer(text):
        found += _linked(text[position : match.start()])
        found.append(nodes.literal(text=match[1]))
        position = match.end()
    return found + _linked(text[position:])


def _linked(text: str) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    position = 0
    for match in _LINK.finditer(text):
        found.append(nodes.Text(text[position : match.start()]))
        end = match[0].rstrip(".")
        if match["doi"]:
            target = "https://doi.org/" + match["number"].rstrip(".")
        else:
            target = "https://clinicaltrials.gov/study/" + match["trial"]
        found += [nodes.reference("", end, refuri=target), nodes.Text(match[0][len(end) :])]
        position = match.end()
    found.append(nodes.Text(text[position:]))
    return [node for node in found if node.astext()]


def paragraph(text: str, *classes: str) -> nodes.paragraph:
    """One paragraph; code words stand between backticks."""
    return nodes.paragraph("", "", *words(text), classes=list(classes))


def code(text: str) -> nodes.literal:
    """A word of code."""
    return nodes.literal(text=text)


def badge(kind: str) -> nodes.inline:
    """A kind of number (published, fitted, assumed) as a coloured word."""
    return nodes.inline("", kind, classes=["kind", f"kind-{kind}"])


def anchored(identifier: str, *children: nodes.Node) -> nodes.inline:
    """Something that other pages can link to."""
    return nodes.inline("", "", *children, ids=[identifier])


def symbol_anchor(name: str) -> str:
    """Anchor of a model's symbol."""
    return f"symbol-{name.replace('_', '-')}"


def lines(*rows: Iterable[nodes.Node]) -> list[nodes.Node]:
    """Paragraphs of a cell, one under the other."""
    return [nodes.paragraph("", "", *row) for row in rows]


def table(header: Sequence[str], rows: Iterable[Sequence[Cell]], *classes: str) -> nodes.table:
    """A table; rows are stacked on narrow screens (see ``_static/carwright.css``).

    Parameters
    ----------
    header
        Headings of the columns.
    rows
        Cells, each a text, a node or the nodes of a cell.
    classes
        CSS classes beside ``stacked``.
    """
    node = nodes.table("", classes=["stacked", *classes])
    group = nodes.tgroup(cols=len(header))
    group += [nodes.colspec(colwidth=1) for _ in header]
    group += nodes.thead("", _row([nodes.paragraph(text=title) for title in header]))
    group += nodes.tbody("", *(_row([_cell(cell) for cell in row]) for row in rows))
    node += group
    return node


def _row(cells: Sequence[nodes.Node | list[nodes.Node]]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", *(cell if isinstance(cell, list) else [cell]))
    return row


def _cell(cell: Cell) -> list[nodes.Node]:
    if isinstance(cell, str):
        return [paragraph(cell)] if cell else []
    found = [cell] if isinstance(cell, nodes.Node) else list(cell)
    inline = found and isinstance(found[0], nodes.Inline | nodes.Text)
    return [nodes.paragraph("", "", *found)] if inline else found


def section(title: str, identifier: str, *children: nodes.Node) -> nodes.section:
    """A section with its heading."""
    return nodes.section("", nodes.title("", "", *words(title)), *children, ids=[identifier])


def number(value: float) -> str:
    """A number as people write it: ``0.17``, ``1e+10`` as ``1 × 10¹⁰``."""
    text = f"{value:.6g}"
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{raised}" if mantissa == "1" else f"{mantissa} × 10{raised}"


def unit(name: str) -> str:
    """A unit's name in the model files as people write it: ``cells_per_uL`` as ``cells/µL``."""
    if name == "dimensionless":
        return ""
    text = name.replace("_per_", "/").replace("_", " ").replace("metre^2", "m²").replace("m2", "m²")
    text = re.sub(r"^per ", "1/", text)
    return text.replace("uL", "µL").replace("ug", "µg")
