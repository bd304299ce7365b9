"""Turns what pydantic found wrong with a study file into Carwright's problems, each with its line and key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from carwright.errors import Problem
from carwright.yamlfile import KeyPath, key_text, nearest

Where = Callable[[KeyPath], str]

_CODES = {"extra_forbidden": "STUDY002", "missing": "STUDY003", "unit": "STUDY005", "name": "STUDY007"}
_BOUNDS = {
    "greater_than_equal": ("{ge:g} or more", "STUDY006"),
    "greater_than": ("more than {gt:g}", "STUDY006"),
    "less_than_equal": ("{le:g} or less", "STUDY006"),
    "less_than": ("less than {lt:g}", "STUDY006"),
}
_LENGTHS = {"too_short": "{min_length} or more", "too_long": "{max_length} or fewer"}


def problems_from(error: ValidationError, schema: type[BaseModel], where: Where) -> list[Problem]:
    """List every mistake that pydantic found.

    Parameters
    ----------
    error
        What pydantic raised.
    schema
        The model that was validated, for the known keys.
    where
        Gives the place of a key for the message.
    """
    found = error.errors(include_url=False)
    places = [tuple(entry["loc"]) for entry in found]

    def follows(entry: Mapping[str, Any]) -> bool:
        """Whether a list is found too short only because an entry of it is not valid."""
        place = tuple(entry["loc"])
        within = (other[: len(place)] == place for other in places if len(other) > len(place))
        return entry["type"] == "too_short" and any(within)

    return [_problem(entry, schema, where) for entry in found if not follows(entry)]


def keys_at(schema: type[BaseModel], path: KeyPath) -> tuple[str, ...] | None:
    """List the keys of the mapping at a path; None where the schema fixes no keys."""
    found = model_at(schema, path)
    return tuple(found.model_fields) if found else None


def model_at(schema: Any, path: KeyPath) -> type[BaseModel] | None:
    """Return the schema of the mapping at a path; None if there is no mapping with fixed keys there."""
    current: Any = schema
    for step in path:
        model = _model_in(current)
        if isinstance(step, int):
            current = get_args(current)[0] if get_args(current) else None
        elif model and step in model.model_fields:
            current = model.model_fields[step].annotation
        else:
            return None
    return _model_in(current)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return None


def _problem(entry: Mapping[str, Any], schema: type[BaseModel], where: Where) -> Problem:
    path: KeyPath = tuple(entry["loc"])
    kind: str = entry["type"]
    context: Mapping[str, Any] = entry.get("ctx", {})
    place = where(path)
    if kind == "extra_forbidden":
        known = keys_at(schema, path[:-1]) or ()
        return unknown_key(path, known, place)
    if kind == "missing":
        return Problem("STUDY003", f"the key {key_text(path)!r} is missing", where(path[:-1]), fix="add it")
    found = show(entry["input"])
    if kind in _BOUNDS:
        template, code = _BOUNDS[kind]
        what = f"{key_text(path)} is out of range"
        return Problem(code, what, place, found, template.format(**context))
    if kind == "tuple_type":
        return Problem("STUDY004", f"{key_text(path)} is not a list", place, found, "a list such as [a, b]")
    if kind in _LENGTHS:
        count = context["actual_length"]
        what = f"{key_text(path)} has {count} {'entry' if count == 1 else 'entries'}"
        return Problem("STUDY004", what, place, found, _LENGTHS[kind].format(**context))
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        known = keys_at(schema, path) or ()
        allowed = f"a mapping with the keys {', '.join(known)}" if known else "a mapping"
        return Problem("STUDY004", f"{key_text(path)} is not a mapping", place, found, allowed)
    message = entry["msg"][0].lower() + entry["msg"][1:]
    what = f"{key_text(path)}: {message}"
    return Problem(_CODES.get(kind, "STUDY004"), what, place, found, context.get("allowed", ""), context.get("fix", ""))


def unknown_key(path: KeyPath, known: tuple[str, ...], where: str) -> Problem:
    """Describe a key that no field has, with the nearest known one."""
    fix = nearest(str(path[-1]), known) or "remove it"
    return Problem("STUDY002", f"unknown key {key_text(path)!r}", where, allowed=", ".join(known), fix=fix)


def show(value: object) -> str:
    """Print a value from a file, shortened."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
