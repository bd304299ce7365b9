"""States, read-outs, parameters, correlations and references of a model, printed from its YAML table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from _extensions.equations import module_title
from _extensions.printing import (
    anchored,
    badge,
    code,
    lines,
    number,
    paragraph,
    section,
    symbol_anchor,
    table,
    unit,
    words,
)
from carwright.models import load_model

if TYPE_CHECKING:
    from carwright.models import Model, Parameter, ParameterTable

EQUATIONS_PAGE = "explanation/model"


class _OfModel(SphinxDirective):
    required_arguments = 1

    @property
    def model(self) -> Model:
        return load_model(self.arguments[0])

    def symbol(self, name: str) -> nodes.Node:
        """A name that links to its equation."""
        page = self.env.app.builder.get_relative_uri(self.env.docname, EQUATIONS_PAGE)
        return nodes.reference("", "", code(name), refuri=f"{page}#{symbol_anchor(name)}", internal=True)


class States(_OfModel):
    """``carwright-states:: mcrpc``."""

    def run(self) -> list[nodes.Node]:
        """Print states and read-outs."""
        table_ = self.model.table
        return [
            section(
                "States",
                "states",
                table(
                    ("State", "Meaning", "Unit", "Typical size"),
                    [(self.symbol(s.name), s.meaning, unit(s.unit), number(s.scale)) for s in table_.states],
                ),
            ),
            section(
                "Read-outs",
                "read-outs",
                table(
                    ("Read-out", "Meaning", "Unit"),
                    [(self.symbol(r.name), r.meaning, unit(r.unit)) for r in table_.read_outs],
                ),
            ),
        ]


class Parameters(_OfModel):
    """``carwright-parameters:: mcrpc``."""

    def run(self) -> list[nodes.Node]:
        """Print covariates and parameters, grouped by the module that uses them first."""
        model = self.model
        groups: dict[str, list[Parameter]] = {"patient": list(model.table.covariates)}
        for row in model.table.parameters:
            groups.setdefault(_first_module(model, row.name), []).append(row)
        order = ["patient", *model.equations, "extinction"]
        return [
            section(
                module_title(module),
                f"parameters-{module.replace('_', '-')}",
                table(
                    ("Parameter", "Value and range", "Spread", "Kind and source"),
                    [_row(row, model.table) for row in groups[module]],
                    "parameters",
                ),
            )
            for module in order
            if module in groups
        ]


class Shares(_OfModel):
    """``carwright-parameter-shares:: mcrpc``: how many numbers are published, fitted and assumed."""

    def run(self) -> list[nodes.Node]:
        """Print one sentence."""
        counts = self.model.table.kinds()
        total = sum(counts.values())
        node = nodes.paragraph(text=f"Of {total} numbers in the table, ")
        for index, (kind, count) in enumerate(counts.items()):
            node += [
                nodes.Text(("", ", ", " and ")[index]),
                nodes.Text(f"{count} are "),
                badge(kind),
                nodes.Text(f" ({count / total:.0%})".replace("%", " %")),
            ]
        node += nodes.Text(".")
        return [node]


class Correlations(_OfModel):
    """``carwright-correlations:: mcrpc``."""

    def run(self) -> list[nodes.Node]:
        """Print the correlated pairs."""
        table_ = self.model.table
        rows = [
            (code(c.first), code(c.second), f"{c.value:g}", [badge(c.kind), *_source(c.source, table_)])
            for c in table_.correlations
        ]
        return [table(("First", "Second", "Correlation", "Kind and source"), rows)]


class References(_OfModel):
    """``carwright-references:: mcrpc``."""

    def run(self) -> list[nodes.Node]:
        """Print the references that the rows name."""
        references = self.model.table.references.items()
        rows = [(anchored(_reference_anchor(key), code(key)), words(text)) for key, text in references]
        return [table(("Key", "Reference"), rows)]


def _reference_anchor(key: str) -> str:
    return "reference-" + key.replace("_", "-")


def _first_module(model: Model, name: str) -> str:
    for module, text in model.equations.items():
        if re.search(rf"\b{name}\b", text):
            return module
    return "extinction"


def _row(row: Parameter, table_: ParameterTable) -> tuple[list[nodes.Node], ...]:
    symbol = unit(row.unit)
    return (
        lines([anchored(symbol_anchor(row.name), code(row.name))], words(row.meaning)),
        lines(
            [nodes.strong(text=number(row.value)), nodes.Text(f" {symbol}")],
            words(f"range {number(row.low)} to {number(row.high)}"),
        ),
        [paragraph(row.spread)],
        lines([badge(row.kind)], _source(row.source, table_)),
    )


def _source(text: str, table_: ParameterTable) -> list[nodes.Node]:
    """A row's source, with its keys linked to the list of references."""
    keys = "|".join(map(re.escape, table_.references))
    found: list[nodes.Node] = [nodes.Text(" ")]
    position = 0
    for match in re.finditer(rf"(?:^|(?<=[,;] ))(?:{keys})\b", text):
        found += words(text[position : match.start()])
        found.append(nodes.reference("", match[0], refuri=f"#{_reference_anchor(match[0])}", internal=True))
        position = match.end()
    return found + words(text[position:])


DIRECTIVES = {
    "states": States,
    "parameters": Parameters,
    "parameter-shares": Shares,
    "correlations": Correlations,
    "references": References,
}
