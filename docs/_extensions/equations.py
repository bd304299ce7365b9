"""Equations of a model, printed from its Antimony modules; every name links to its row or its equation."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from _extensions.printing import paragraph, section, symbol_anchor, unit
from carwright.models import load_model

if TYPE_CHECKING:
    from carwright.models import Model

WIDTH = 98
"""Characters after which an equation is broken."""

TABLE_PAGE = "reference/parameters"

_STATEMENT = re.compile(r"(?P<name>\w+)(?P<mark>'?)\s*(?P<sign>:?=)\s*(?P<value>.+)\Z", re.DOTALL)
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?|\S")
_FUNCTIONS = {"ln", "exp", "max", "min", "sqrt", "abs", "log", "pow", "piecewise"}


@dataclass(frozen=True)
class Statement:
    """One equation: ``kind`` is ``rate``, ``rule`` or ``start``."""

    name: str
    kind: str
    value: str

    @property
    def left(self) -> str:
        """What stands left of the equals sign."""
        return f"d {self.name} / dt" if self.kind == "rate" else self.name


def statements(text: str) -> Iterator[str | Statement]:
    """Comments (as text) and equations of a module, in the order of the file."""
    comment: list[str] = []
    code: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("//"):
            comment.append(stripped.removeprefix("//").strip())
            continue
        if comment:
            yield " ".join(comment)
            comment = []
        code.append(stripped.split("//")[0])
        if stripped.endswith(";"):
            for part in " ".join(code).split(";"):
                if match := _STATEMENT.match(part.strip()):
                    kind = "rate" if match["mark"] else "rule" if match["sign"] == ":=" else "start"
                    yield Statement(match["name"], kind, " ".join(match["value"].split()))
            code = []
    if comment:
        yield " ".join(comment)


def module_title(module: str) -> str:
    """Heading of a module."""
    return module.replace("_", " ").capitalize().replace("Car t", "CAR-T")


def defined_in(model: Model) -> dict[str, str]:
    """Symbol -> module that gives its equation."""
    return {
        found.name: module
        for module, text in model.equations.items()
        for found in statements(text)
        if isinstance(found, Statement)
    }


def broken(left: str, value: str) -> list[list[str]]:
    """Tokens of the right side in lines of at most `WIDTH` characters, broken before outer operators."""
    tokens = [token for token, _ in _tokens(value)]
    depth_of = [depth for _, depth in _tokens(value)]
    lines: list[list[str]] = []
    start, indent = 0, len(left) + 3
    while start < len(tokens):
        width, best, cost = indent, 0, math.inf
        for index in range(start, len(tokens)):
            if width > WIDTH and best:
                break
            if index > start and tokens[index] in "+-*/" and not _is_sign(tokens, index):
                price = _price(tokens[index], depth_of[index], width)
                if price <= cost:
                    best, cost = index, price
            width += len(_spaced(tokens, index))
        else:
            best = len(tokens)
        best = best or len(tokens)
        lines.append([_spaced(tokens, index) for index in range(start, best)])
        start, indent = best, 4
    return lines


def _price(operator: str, depth: int, width: int) -> float:
    """How bad a break before an operator is: deep in brackets, inside a product, or after a short line."""
    return 8 * depth + (3 if operator in "*/" else 0) + 40 * max(0.0, 1 - width / WIDTH)


def _tokens(value: str) -> list[tuple[str, int]]:
    """Tokens with the depth of brackets at which each stands; brackets count as outside."""
    found, depth = [], 0
    for text in _TOKEN.findall(value):
        depth -= text == ")"
        found.append((text, depth))
        depth += text == "("
    return found


def _is_sign(tokens: list[str], index: int) -> bool:
    return tokens[index] in "+-" and (index == 0 or tokens[index - 1] in "(,=+-*/^")


def _spaced(tokens: list[str], index: int) -> str:
    """A token with the spaces that it takes in a printed formula."""
    text = tokens[index]
    if text in "+-":
        sign = text.replace("-", "−")
        return sign if _is_sign(tokens, index) else f" {sign} "
    return {"*": " · ", "/": " / ", ",": ", "}.get(text, text)


class Equations(SphinxDirective):
    """``carwright-equations:: mcrpc`` prints all modules of a model."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make one section per module."""
        model = load_model(self.arguments[0])
        titles = self._titles(model)
        own = defined_in(model)
        return [self._module(model, module, text, titles, own) for module, text in model.equations.items()]

    def _titles(self, model: Model) -> dict[str, str]:
        table = model.table
        rows = [(row.name, row.meaning, row.unit) for row in (*table.states, *table.read_outs)]
        rows += [(r.name, f"{r.meaning} = {r.value:g}", r.unit) for r in (*table.parameters, *table.covariates)]
        return {name: f"{meaning} {unit(of)}".strip() for name, meaning, of in rows}

    def _module(
        self, model: Model, module: str, text: str, titles: dict[str, str], own: dict[str, str]
    ) -> nodes.section:
        children: list[nodes.Node] = []
        block: list[Statement] = []
        start: list[Statement] = []

        def flush() -> None:
            if block:
                children.append(self._block(block, titles, own))
                block.clear()

        for found in statements(text):
            if isinstance(found, str):
                flush()
                children.append(paragraph(found))
            elif found.kind == "start":
                start.append(found)
            else:
                block.append(found)
        flush()
        if start:
            children.append(paragraph("At the start of the simulation:", "equation-start"))
            children.append(self._block(start, titles, own))
        source = f"src/carwright/models/modules/{module}.ant"
        children.append(paragraph(f"File: `{source}`", "source-file"))
        return section(module_title(module), f"module-{module.replace('_', '-')}", *children)

    def _block(self, block: list[Statement], titles: dict[str, str], own: dict[str, str]) -> nodes.literal_block:
        # A source other than the text keeps Sphinx from highlighting the block and losing its links.
        node = nodes.literal_block("equations", "", classes=["equations"])
        for number, equation in enumerate(block):
            if number:
                node += nodes.Text("\n")
            name = nodes.inline("", equation.name, classes=["symbol-defined"])
            if title := titles.get(equation.name):
                name["title"] = title
            if equation.kind != "start":
                name["ids"] = [symbol_anchor(equation.name)]
            before, _, after = equation.left.partition(equation.name)
            node += [nodes.Text(before), name, nodes.Text(after + " = ")]
            for index, line in enumerate(broken(equation.left, equation.value)):
                if index:
                    node += nodes.Text("\n    ")
                    line[0] = line[0].lstrip()
                for token in line:
                    node += self._token(token, titles, own)
        return node

    def _token(self, token: str, titles: dict[str, str], own: dict[str, str]) -> nodes.Node:
        if not re.match(r"[A-Za-z_]", token) or token in _FUNCTIONS:
            return nodes.Text(token)
        if token in own:
            target = f"#{symbol_anchor(token)}"
        elif token in titles:
            page = self.env.app.builder.get_relative_uri(self.env.docname, TABLE_PAGE)
            target = f"{page}#{symbol_anchor(token)}"
        else:
            return nodes.Text(token)
        return nodes.reference("", token, refuri=target, reftitle=titles.get(token, ""), internal=True)


DIRECTIVES = {"equations": Equations}
