"""Systems and requests as JSON: for the process that parses, and for workers on other machines.

The annotations of a dataclass say what a text may hold, so nothing but what they name can come out of one: no
class is looked up by a name in the text and nothing in it is run. Expressions are written once each, arguments
before their users, and are read back node by node as they were, so that digests are equal.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from carwright.engine import expression as ex
from carwright.engine.expression import Expr

FORMAT: Final = 1
"""Version of the text's layout."""

_FIXED: Final = {"pow": 2, "min": 2, "max": 2, "select": 3, "and": 2, "or": 2}
_ARITY: Final[Mapping[str, int]] = {**dict.fromkeys(ex.COMPARISONS, 2), **dict.fromkeys(ex.UNARY, 1), **_FIXED}
"""Number of arguments of each operation; ``add`` and ``mul`` take any."""

T = TypeVar("T")


def dumps(value: T, hint: type[T]) -> str:
    """Write a dataclass such as `System` as JSON.

    Raises
    ------
    TypeError
        If a field is annotated with, or holds, something that has no form in JSON.
    """
    writer = _Writer()
    written = writer.write(value, hint)
    return json.dumps({"format": FORMAT, "nodes": writer.nodes, "value": written}, allow_nan=False)


def loads(text: str | bytes, hint: type[T]) -> T:
    """Read what `dumps` wrote.

    Raises
    ------
    ValueError
        If the text is anything else; it may come from a process that hostile input has confused.
    """
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            message = f"format {document['format']} instead of {FORMAT}"
            raise ValueError(message)
        return cast("T", _Reader(document["nodes"]).read(document["value"], hint))
    except (KeyError, TypeError, IndexError, AttributeError, RecursionError, OverflowError) as error:
        message = f"malformed text: {type(error).__name__}: {error}"
        raise ValueError(message) from error


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _members(hint: Any) -> tuple[Any, ...]:
    """Members of a union; the type itself otherwise."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


class _Writer:
    def __init__(self) -> None:
        self.nodes: list[list[Any]] = []
        self._index: dict[Expr, int] = {}

    def write(self, value: Any, hint: Any) -> Any:
        for member in _members(hint):
            if _is_a(value, member):
                return self._write(value, member)
        message = f"{type(value).__name__} where {hint} is declared"
        raise TypeError(message)

    def _write(self, value: Any, hint: Any) -> Any:
        origin = get_origin(hint) or hint
        if origin is Expr:
            return self._node(value)
        if origin is float:
            return _finite(float(value))
        if origin is np.ndarray:
            return [list(value.shape), [_finite(v) if isinstance(v, float) else v for v in value.ravel().tolist()]]
        if origin is tuple:
            hints = get_args(hint)
            hints = hints[:1] * len(value) if hints[-1:] == (Ellipsis,) else hints
            return [self.write(item, inner) for item, inner in zip(value, hints, strict=True)]
        if _is_mapping(origin):
            _, inner = get_args(hint)
            return [[key, self.write(item, inner)] for key, item in value.items()]
        if is_dataclass(origin) and isinstance(origin, type):
            inner = _hints(origin)
            return {"": origin.__name__, **{f.name: self.write(getattr(value, f.name), inner[f.name])
                                            for f in fields(origin)}}  # fmt: skip
        return value

    def _node(self, root: Expr) -> int:
        if root not in self._index:
            for node in ex.topological([root]):
                if node not in self._index:
                    leaf = _finite(node.value) if isinstance(node.value, float) else node.value
                    rest = [self._index[arg] for arg in node.args] if node.args else leaf
                    self._index[node] = len(self.nodes)
                    self.nodes.append([node.op, rest])
        return self._index[root]


class _Reader:
    def __init__(self, nodes: list[list[Any]]) -> None:
        self._nodes: list[Expr] = []
        for op, rest in nodes:
            self._nodes.append(self._node(op, rest))

    def _node(self, op: str, rest: Any) -> Expr:
        if op == "number":
            return ex.number(float(rest))
        if op == "symbol" and isinstance(rest, str):
            return ex.symbol(rest)
        known = _ARITY.get(op) == len(rest) or (op in {"add", "mul"} and len(rest) > 0)
        if not known or not all(type(i) is int and 0 <= i < len(self._nodes) for i in rest):
            message = f"no such expression: {op!r} of {len(rest)} arguments"
            raise ValueError(message)
        return ex.verbatim(op, tuple(self._nodes[i] for i in rest))

    def read(self, data: Any, hint: Any) -> Any:
        for member in _members(hint):
            if _could_be(data, member):
                return self._read(data, member)
        message = f"{type(data).__name__} where {hint} is declared"
        raise ValueError(message)

    def _read(self, data: Any, hint: Any) -> Any:
        origin = get_origin(hint) or hint
        if origin is Expr:
            if data < 0:
                message = "an expression's number is negative"
                raise ValueError(message)
            return self._nodes[data]
        if origin is float:
            return float(data)
        if origin is np.ndarray:
            shape, values = data
            kind = get_args(get_args(hint)[1])[0]
            return np.array([float(v) if isinstance(v, str) else v for v in values], dtype=kind).reshape(shape)
        if origin is tuple:
            hints = get_args(hint)
            hints = hints[:1] * len(data) if hints[-1:] == (Ellipsis,) else hints
            return tuple(self.read(item, inner) for item, inner in zip(data, hints, strict=True))
        if _is_mapping(origin):
            key_hint, inner = get_args(hint)
            return {self.read(key, key_hint): self.read(item, inner) for key, item in data}
        if is_dataclass(origin) and isinstance(origin, type):
            inner = _hints(origin)
            if data.keys() != {"", *(f.name for f in fields(origin))}:
                message = f"other fields than those of {origin.__name__}"
                raise ValueError(message)
            return origin(**{f.name: self.read(data[f.name], inner[f.name]) for f in fields(origin)})
        return data


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_a(value: Any, hint: Any) -> bool:
    """Whether a value has the declared type, as far as its outermost layer tells."""
    origin = get_origin(hint) or hint
    if origin is Literal:
        return value in get_args(hint)
    if origin is None or origin is type(None):
        return value is None
    if origin is float:
        return isinstance(value, float | int | np.floating) and not isinstance(value, bool)
    if origin is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, origin)


def _could_be(data: Any, hint: Any) -> bool:
    """Whether a piece of JSON can be the form of the declared type."""
    origin = get_origin(hint) or hint
    if origin is Literal:
        return data in get_args(hint)
    if origin is None or origin is type(None):
        return data is None
    if origin in (int, Expr):
        return type(data) is int
    if origin is float:
        return type(data) in (int, float) or data in ("nan", "inf", "-inf")
    if is_dataclass(origin) and isinstance(origin, type):
        return isinstance(data, dict) and data.get("") == origin.__name__
    if origin is np.ndarray or origin is tuple or _is_mapping(origin):
        return isinstance(data, list)
    return origin in (str, bool) and type(data) is origin


def _finite(value: float) -> float | str:
    """A float; JSON has no word for those that are not finite, so they become text."""
    return value if math.isfinite(value) else str(value)
