"""Logic gates over antigens: which cells a CAR recognises.

A gate is a word (``CD33``) or words joined by operators: ``CD33 OR CD123`` (compound or tandem CAR),
``CLL-1 AND TIM-3`` (split signals), ``CD33 NOT CD19`` or ``CD33 AND NOT CD19`` (inhibitory CAR), ``ADGRE2 IF-BETTER
CLL-1`` (a cell with much of the first antigen is killed alone, one with less of it only when the second one helps;
ADCLEC.syn1). Operators bind equally and from the left; brackets group.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from carwright.errors import CarwrightError, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

OPERATORS: Final = ("AND", "OR", "NOT", "IF-BETTER")

ABSENT, DIM, BRIGHT = 0, 1, 2
"""Levels of an antigen on a cell: below the threshold, above it, far above it."""

_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")


@dataclass(frozen=True)
class Gate:
    """A gate: an antigen's name, or an operator over two gates."""

    operator: str
    first: Gate | str
    second: Gate | str | None = None

    @property
    def antigens(self) -> tuple[str, ...]:
        """Names of the antigens, in the order of the text and without repeats."""
        return tuple(dict.fromkeys(self._names()))

    def _names(self) -> Iterator[str]:
        for part in (self.first, self.second):
            if isinstance(part, Gate):
                yield from part._names()
            elif part is not None:
                yield part

    def fires(self, levels: Mapping[str, int]) -> bool:
        """Whether a cell with these levels of its antigens is recognised."""
        first = _level(self.first, levels)
        if self.operator == "":
            return first > ABSENT
        second = _level(self.second or "", levels) > ABSENT
        if self.operator == "IF-BETTER":
            return first == BRIGHT or (first > ABSENT and second)
        return {"AND": first > ABSENT and second, "OR": first > ABSENT or second}.get(
            self.operator, first > ABSENT and not second
        )

    @property
    def can_fire(self) -> bool:
        """Whether any cell at all is recognised."""
        return any(self.fires(levels) for levels in self._all_levels())

    def probability(self, bright: Mapping[str, Floats], seen: Mapping[str, Floats]) -> Floats:
        """Share of the cells of a population that are recognised.

        Antigens are independent of each other on the cells of one population (assumed).

        Parameters
        ----------
        bright, seen
            Share of cells with the antigen far above the threshold, and above the threshold at all; (n,) per antigen.
        """
        total: Floats = np.zeros(np.shape(next(iter(seen.values()))))
        for levels in self._all_levels():
            if self.fires(levels):
                share = np.ones_like(total)
                for name, level in levels.items():
                    share = share * (1 - seen[name], seen[name] - bright[name], bright[name])[level]
                total = total + share
        return np.clip(total, 0.0, 1.0)

    def _all_levels(self) -> Iterator[dict[str, int]]:
        names = self.antigens
        for levels in itertools.product((ABSENT, DIM, BRIGHT), repeat=len(names)):
            yield dict(zip(names, levels, strict=True))

    def __str__(self) -> str:
        def side(part: Gate | str | None) -> str:
            return f"({part})" if isinstance(part, Gate) else str(part)

        return str(self.first) if self.operator == "" else f"{side(self.first)} {self.operator} {side(self.second)}"


def parse_gate(text: str, known: Sequence[str] | None = None) -> Gate:
    """Read a gate.

    Parameters
    ----------
    text
        The gate as written, such as ``"(CD33 OR CD123) NOT CD19"``.
    known
        Names of antigens that are allowed; None allows any.

    Raises
    ------
    CarwrightError
        If the text is no gate, names an antigen that is not known, or can never fire.
    """
    tokens = _TOKEN.findall(text)
    position = 0

    def operand() -> Gate | str:
        nonlocal position
        if position >= len(tokens) or tokens[position] in (*OPERATORS, ")"):
            _refuse(text, "an antigen is missing", tokens[position] if position < len(tokens) else "the end")
        position += 1
        if tokens[position - 1] != "(":
            return str(tokens[position - 1])
        inner = chain()
        if position >= len(tokens) or tokens[position] != ")":
            _refuse(text, "a bracket is not closed", text)
        position += 1
        return inner

    def chain() -> Gate | str:
        nonlocal position
        left = operand()
        while position < len(tokens) and tokens[position] != ")":
            if tokens[position] not in OPERATORS:
                _refuse(text, "an operator is missing between two antigens", tokens[position])
            operator = tokens[position]
            position += 1
            if operator == "AND" and tokens[position : position + 1] == ["NOT"]:
                operator = "NOT"
                position += 1
            left = Gate(operator, left, operand())
        return left

    whole = chain()
    if position < len(tokens):
        _refuse(text, "a bracket is not opened", tokens[position])
    gate = whole if isinstance(whole, Gate) else Gate("", whole)
    _check_names(gate, text, known)
    if not gate.can_fire:
        fix = "an antigen cannot be required and forbidden at once"
        raise CarwrightError(Problem("CONSTRUCT004", "this gate can never fire", "gate", text, fix=fix))
    return gate


def _level(part: Gate | str, levels: Mapping[str, int]) -> int:
    if isinstance(part, Gate):
        return BRIGHT if part.fires(levels) else ABSENT
    return levels[part]


def _check_names(gate: Gate, text: str, known: Sequence[str] | None) -> None:
    from carwright.yamlfile import nearest

    if known is None:
        return
    unknown = [name for name in gate.antigens if name not in known]
    if unknown:
        raise CarwrightError(
            *(
                Problem("CONSTRUCT002", f"unknown antigen {n!r}", "gate", text, ", ".join(known), nearest(n, known))
                for n in unknown
            )
        )


def _refuse(text: str, what: str, found: str) -> None:
    fix = f"write antigens joined by {', '.join(OPERATORS)}, with brackets to group"
    raise CarwrightError(Problem("CONSTRUCT003", f"this is no gate: {what}", f"gate {text!r}", found, fix=fix))
