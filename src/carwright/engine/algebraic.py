"""Algebraic rules that can be solved for a symbol become assignment rules."""

from __future__ import annotations

from collections.abc import Iterable

from carwright.engine import expression as ex
from carwright.engine.derivative import derivatives
from carwright.engine.expression import Expr
from carwright.engine.formula import UnsupportedError


def solve(rules: Iterable[Expr], free: Iterable[str]) -> dict[str, Expr]:
    """Symbols that the rules (each an expression that is 0) determine, and their formulas.

    Parameters
    ----------
    rules
        Left-hand sides.
    free
        Symbols that may change and that nothing else determines.

    Raises
    ------
    UnsupportedError
        When it is not clear which symbol a rule determines, or the rule is not linear in it.
    """
    left, open_ = list(rules), set(free)
    solved: dict[str, Expr] = {}
    while left:
        choices = [(sorted(ex.symbols([rule]) & open_), rule) for rule in left]
        single = next(((names[0], rule) for names, rule in choices if len(names) == 1), None)
        if single is None:
            message = "algebraic rules that leave open which symbol each of them determines"
            raise UnsupportedError(message)
        name, rule = single
        slope = derivatives([rule], name)[0]
        if slope is ex.ZERO or name in ex.symbols([slope]):
            message = "algebraic rules that are not linear in the symbol that they determine"
            raise UnsupportedError(message)
        rest = ex.substitute([rule], {name: ex.ZERO})[0]
        solved[name] = -rest / slope
        open_.remove(name)
        left.remove(rule)
    return solved
