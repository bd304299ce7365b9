"""Evaluation of expression graphs with NumPy: for initial values, dose scales and tests, not for solving."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from carwright.engine.expression import Expr, topological
from carwright.engine.mathematics import factorial


def _sum(*terms: Any) -> Any:
    return functools.reduce(operator.add, terms)


def _product(*factors: Any) -> Any:
    return functools.reduce(operator.mul, factors)


_FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "add": _sum,
    "mul": _product,
    "pow": np.power,
    "min": np.minimum,
    "max": np.maximum,
    "exp": np.exp,
    "ln": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "floor": np.floor,
    "ceil": np.ceil,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "factorial": np.vectorize(factorial, otypes=[np.float64]),
    "positive": lambda x: np.maximum(x, 0.0),
    "not": np.logical_not,
    "and": np.logical_and,
    "or": np.logical_or,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "select": lambda condition, then, otherwise: np.where(np.asarray(condition) != 0, then, otherwise),
}


def operation(op: str) -> Callable[..., Any]:
    """What computes an operation from the values of its arguments."""
    return _FUNCTIONS[op]


def evaluate(roots: Iterable[Expr], values: Mapping[str, npt.ArrayLike]) -> list[npt.NDArray[np.float64]]:
    """Value of each root where symbols have the given values (scalars or arrays that broadcast).

    Raises ``KeyError`` with the name of a symbol that has no value. Undefined operations give NaN or
    infinity, as in NumPy.
    """
    roots = list(roots)
    known: dict[Expr, Any] = {}
    with np.errstate(all="ignore"):
        for node in topological(roots):
            args = [known[arg] for arg in node.args]
            if node.op == "number":
                known[node] = np.float64(node.number or 0.0)
            elif node.op == "symbol":
                known[node] = np.asarray(values[str(node.value)], dtype=np.float64)
            else:
                known[node] = operation(node.op)(*args)
    return [np.asarray(known[root], dtype=np.float64) for root in roots]
