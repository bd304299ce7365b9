"""Boolean gates: a truth table over some genes, how it is written, read, and counted from intersections.

A table over m genes is an integer of 2^m bits; bit ``r`` says whether a cell is killed that is positive for exactly the
genes in ``r`` (gene i where bit i of r is set). The cells that a gate kills are a sum of intersection counts with whole
coefficients (inclusion and exclusion), so intersections counted once serve every gate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
import numpy.typing as npt

from carwright.errors import CarwrightError, Problem

MOST_GENES = 4
"""Inputs of the largest gate that is searched."""


BRIGHT = ":bright"
"""Ending of a gene's name where it stands for cells with many molecules of it."""
IF_BETTER = 0b11101010
"""Table of ``A:bright OR A AND B``, inputs in this order."""


@dataclass(frozen=True, order=True)
class Gate:
    """A Boolean function of named genes.

    Parameters
    ----------
    genes
        Inputs; the function depends on each of them.
    table
        Truth table; see the module.
    """

    genes: tuple[str, ...]
    table: int

    @property
    def expression(self) -> str:
        """The gate in words: ``CD33 AND CLEC12A AND NOT CD34``."""
        return write(self.table, self.genes)

    @property
    def coefficients(self) -> tuple[int, ...]:
        """Coefficient of each intersection; see `coefficients`."""
        return coefficients(self.table, len(self.genes))

    def kills(self, positive: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which cells (cells, genes) the gate kills."""
        index = sum(positive[:, i].astype(np.int64) << i for i in range(len(self.genes)))
        return ((self.table >> np.asarray(index)) & 1).astype(bool)

    def __str__(self) -> str:
        return self.expression


@cache
def coefficients(table: int, inputs: int) -> tuple[int, ...]:
    """Write a gate's count as a sum over intersections: entry S multiplies the cells positive for all genes in S.

    Entry 0 multiplies the number of cells (Moebius inversion on subsets).
    """
    values = [(table >> r) & 1 for r in range(1 << inputs)]
    for i in range(inputs):
        for r in range(1 << inputs):
            if r >> i & 1:
                values[r] -= values[r ^ (1 << i)]
    return tuple(values)


def depends_on(table: int, inputs: int, i: int) -> bool:
    """Whether input i changes the gate."""
    return any((table >> r & 1) != (table >> (r | 1 << i) & 1) for r in range(1 << inputs) if not r >> i & 1)


def rearranged(table: int, inputs: int, order: Sequence[int]) -> int:
    """The table after input ``order[i]`` becomes input i."""
    result = 0
    for r in range(1 << inputs):
        old = sum(1 << order[i] for i in range(inputs) if r >> i & 1)
        result |= (table >> old & 1) << r
    return result


def project(table: int, inputs: int, kept: tuple[int, ...]) -> tuple[int, int]:
    """Tables over some inputs that hold wherever some, or every, value of the others makes a kill."""
    upper = lower = 0
    left = [i for i in range(inputs) if i not in kept]
    for r in range(1 << len(kept)):
        base = sum((r >> i & 1) << place for i, place in enumerate(kept))
        kills = [
            table >> (base | sum((s >> i & 1) << place for i, place in enumerate(left))) & 1
            for s in range(1 << len(left))
        ]
        upper |= int(any(kills)) << r
        lower |= int(all(kills)) << r
    return upper, lower


def orientations(table: int, inputs: int) -> tuple[int, ...]:
    """Every distinct table that the same shape has when its inputs trade places."""
    return tuple(sorted({rearranged(table, inputs, order) for order in permutations(range(inputs))}))


def tables(inputs: int) -> tuple[int, ...]:
    """All tables of so many inputs that need each of them and spare a cell that is negative for all."""
    return tuple(
        table for table in range(0, 1 << (1 << inputs), 2) if all(depends_on(table, inputs, i) for i in range(inputs))
    )


_SHAPES = {
    1: ("A",),
    2: ("A AND B", "A OR B", "A AND NOT B"),
    3: (
        "A AND B AND C",
        "A OR B OR C",
        "A AND B AND NOT C",
        "A AND NOT B AND NOT C",
        "A AND (B OR C)",
        "A OR B AND C",
        "(A OR B) AND NOT C",
        "A AND NOT (B AND C)",
        "A OR B AND NOT C",
    ),
    4: (
        "A AND B AND C AND D",
        "A OR B OR C OR D",
        "A AND B AND C AND NOT D",
        "A AND B AND NOT C AND NOT D",
        "(A OR B) AND NOT C AND NOT D",
        "(A OR B) AND (C OR D)",
        "A AND B OR C AND D",
    ),
}
"""Shapes that are searched unless others are asked for: those that receptors have been built for, or could be."""


def shapes(inputs: int, wanted: Sequence[str] | None = None) -> tuple[int, ...]:
    """Tables to search over so many genes, in every orientation, smallest first.

    Parameters
    ----------
    inputs
        Genes of a gate.
    wanted
        ``["all"]``, or expressions over the letters A, B, C, D; by default the usual shapes.
    """
    if wanted is not None and list(wanted) == ["all"]:
        return tables(inputs)
    found: set[int] = set()
    for text in _SHAPES[inputs] if wanted is None else wanted:
        gate = parse(text)
        if len(gate.genes) == inputs:
            found.update(orientations(gate.table, inputs))
    return tuple(sorted(found))


def write(table: int, genes: Sequence[str]) -> str:
    """Write a table as the shortest sum of products or product of sums that is found, with AND, OR, NOT."""
    inputs = len(genes)
    if table == IF_BETTER and inputs == 3 and genes[0] == genes[1] + BRIGHT:
        return f"{genes[1]} IF-BETTER {genes[2]}"
    for text in _SHAPES.get(inputs, ()):
        gate = parse(text)
        for order in permutations(range(inputs)):
            if rearranged(gate.table, inputs, order) == table:
                return _named(text, [genes[order.index(i)] for i in range(inputs)])
    terms = [
        " AND ".join(f"{'' if r >> i & 1 else 'NOT '}{genes[i]}" for i in range(inputs) if care >> i & 1)
        for r, care in _cover(table, inputs)
    ]
    return " OR ".join(terms)


def _named(text: str, genes: Sequence[str]) -> str:
    """A shape's text with genes in place of its letters."""
    return re.sub(r"\b[ABCD]\b", lambda match: genes["ABCD".index(match.group())], text)


def _cover(table: int, inputs: int) -> list[tuple[int, int]]:
    """Products (values, which inputs matter) that cover the table: prime implicants, largest first, greedily."""
    full = (1 << inputs) - 1
    products = []
    for care in range(full + 1):
        for r in range(full + 1):
            if r & ~care:
                continue
            cells = [s for s in range(full + 1) if s & care == r]
            if all(table >> s & 1 for s in cells):
                products.append((bin(care).count("1"), care, r, set(cells)))
    products.sort(key=lambda product: product[:3])
    left, chosen = {r for r in range(full + 1) if table >> r & 1}, []
    while left:
        best = max(products, key=lambda product: (len(product[3] & left), -product[0]))
        chosen.append((best[2], best[1]))
        left -= best[3]
    return chosen


def receptors(expression: str, names: Mapping[str, str]) -> str:
    """A gate as a construct writes it: NOT joins two gates, operators bind equally from the left, brackets group.

    Parameters
    ----------
    expression
        A gate as it is written here.
    names
        Name of each gene's antigen.
    """
    tokens = _tokens(expression)
    if any(kind == "IF-BETTER" for kind, _ in tokens):
        return " ".join(names.get(token, token) for _, token in tokens)
    return _chained(_Reader(expression, tokens).read(), names)


def _chained(tree: object, names: Mapping[str, str]) -> str:
    if isinstance(tree, str):
        return names.get(tree, tree)
    assert isinstance(tree, tuple)  # noqa: S101 - for the type checker
    kind, parts = tree
    if kind == "OR":
        return " OR ".join(_grouped(part, names) for part in parts)
    wanted = [part for part in parts if not (isinstance(part, tuple) and part[0] == "NOT")]
    unwanted = [part[1][0] for part in parts if isinstance(part, tuple) and part[0] == "NOT"]
    text = " AND ".join(_grouped(part, names) for part in wanted)
    return text + "".join(f" NOT {_grouped(part, names)}" for part in unwanted)


def _grouped(tree: object, names: Mapping[str, str]) -> str:
    text = _chained(tree, names)
    return text if isinstance(tree, str) else f"({text})"


_TOKEN = re.compile(r"\s*(?:([()])|(AND\b|OR\b|NOT\b|IF-BETTER\b)|([^\s()]+))")


def parse(text: str) -> Gate:
    """Read ``(CD33 OR IL3RA) AND NOT CD34``; genes keep the order in which they are first named.

    NOT binds tighter than AND, AND tighter than OR; ``A IF-BETTER B`` stands alone.

    Raises
    ------
    CarwrightError
        With the place of a mistake; also for a gate that ignores one of its genes, or kills cells without any.
    """
    tokens = _tokens(text)
    if any(kind == "IF-BETTER" for kind, _ in tokens):
        return _if_better(text, tokens)
    genes = list(dict.fromkeys(token for kind, token in tokens if kind == "gene"))
    if not 1 <= len(genes) <= MOST_GENES:
        raise CarwrightError(
            Problem(
                "TARGETS010", "a gate has one to four genes", f"gate {text!r}", str(len(genes)), f"1 to {MOST_GENES}"
            )
        )
    tree = _Reader(text, tokens).read()
    table = 0
    for r in range(1 << len(genes)):
        truth = {gene: bool(r >> i & 1) for i, gene in enumerate(genes)}
        table |= int(_truth(tree, truth)) << r
    idle = [gene for i, gene in enumerate(genes) if not depends_on(table, len(genes), i)]
    if idle:
        raise CarwrightError(
            Problem("TARGETS011", "the gate does not depend on a gene it names", f"gate {text!r}", ", ".join(idle))
        )
    if table & 1:
        raise CarwrightError(
            Problem(
                "TARGETS012",
                "the gate kills cells that are negative for all of its genes",
                f"gate {text!r}",
                fix="a receptor needs something to bind: name a gene that must be present",
            )
        )
    return Gate(tuple(genes), table)


def _if_better(text: str, tokens: Sequence[tuple[str, str]]) -> Gate:
    """Read ``A IF-BETTER B``."""
    if [kind for kind, _ in tokens] != ["gene", "IF-BETTER", "gene"] or tokens[0] == tokens[2]:
        raise CarwrightError(
            Problem(
                "TARGETS014", "IF-BETTER joins two genes and nothing else", f"gate {text!r}", allowed="A IF-BETTER B"
            )
        )
    first, second = tokens[0][1], tokens[2][1]
    return Gate((first + BRIGHT, first, second), IF_BETTER)


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:  # the last alternative takes any character
            break
        bracket, word, gene = match.groups()
        found.append((bracket or word or "gene", bracket or word or gene))
        place = match.end()
    return found


class _Reader:
    def __init__(self, text: str, tokens: Sequence[tuple[str, str]]) -> None:
        self.text, self.tokens, self.place = text, tokens, 0

    def read(self) -> object:
        tree = self._or()
        if self.place < len(self.tokens):
            self._refuse("AND, OR or the end")
        return tree

    def _or(self) -> object:
        parts = [self._and()]
        while self._take("OR"):
            parts.append(self._and())
        return ("OR", parts) if len(parts) > 1 else parts[0]

    def _and(self) -> object:
        parts = [self._not()]
        while self._take("AND"):
            parts.append(self._not())
        return ("AND", parts) if len(parts) > 1 else parts[0]

    def _not(self) -> object:
        if self._take("NOT"):
            return ("NOT", [self._not()])
        if self._take("("):
            inner = self._or()
            if not self._take(")"):
                self._refuse("a closing bracket")
            return inner
        if self.place < len(self.tokens) and self.tokens[self.place][0] == "gene":
            self.place += 1
            return self.tokens[self.place - 1][1]
        return self._refuse("a gene, NOT or an opening bracket")

    def _take(self, kind: str) -> bool:
        if self.place < len(self.tokens) and self.tokens[self.place][0] == kind:
            self.place += 1
            return True
        return False

    def _refuse(self, wanted: str) -> object:
        found = self.tokens[self.place][1] if self.place < len(self.tokens) else "the end"
        raise CarwrightError(Problem("TARGETS013", "the gate cannot be read", f"gate {self.text!r}", found, wanted))


def _truth(tree: object, truth: Mapping[str, bool]) -> bool:
    if isinstance(tree, str):
        return truth[tree]
    assert isinstance(tree, tuple)  # noqa: S101 - for the type checker
    kind, parts = tree
    values: Iterator[bool] = (_truth(part, truth) for part in parts)
    if kind == "NOT":
        return not next(values)
    return all(values) if kind == "AND" else any(values)
