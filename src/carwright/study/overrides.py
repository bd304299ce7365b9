"""Overrides of single keys: ``--set construct.armour=none`` and the changes that make a comparator arm."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from carwright.errors import CarwrightError, Problem, Problems
from carwright.study.messages import keys_at, model_at, show, unknown_key
from carwright.study.schema import Study
from carwright.yamlfile import KeyPath, key_text, parse_scalar

_STEP = re.compile(r"\.|\[(\d+)\]\.?")


def parse_override(text: str) -> tuple[str, Any]:
    """Split ``key.path=value`` into the key and its value, read as YAML.

    Raises
    ------
    CarwrightError
        If there is no ``=`` or the value is not YAML.
    """
    key, separator, value = text.partition("=")
    if not separator or not override_path(key.strip()):
        problem = Problem(
            "STUDY009",
            "an override needs a key and a value",
            f"--set {text}",
            text,
            "KEY=VALUE",
            "for example --set construct.armour=none",
        )
        raise CarwrightError(problem)
    return key.strip(), parse_scalar(value.strip(), f"--set {text}")


def parse_overrides(texts: Iterable[str], further: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """Read overrides, each ``key.path=value``, and refuse a key that is given twice.

    Parameters
    ----------
    texts
        What stands after ``--set``.
    further
        Values by key that options of their own gave, such as ``--patients``.

    Raises
    ------
    CarwrightError
        Naming every override that cannot be read and every key that has two values.
    """
    problems, found = Problems(), dict(further)
    seen = {target_path(key, value): f"{key}={value}" for key, value in found.items()}
    for text in texts:
        try:
            key, value = parse_override(text)
        except CarwrightError as error:
            problems.extend(error)
            continue
        path = target_path(key, value)
        if path in seen:
            problems.add(
                "STUDY009",
                f"the key {key_text(path)!r} is given two values",
                where=f"--set {text}",
                found=f"{seen[path]} and {text}",
                allowed="one value for each key",
                fix="remove one of them",
            )
        seen[path] = text
        found[key] = value
    problems.raise_if_any()
    return found


def apply_overrides(data: Mapping[str, Any], overrides: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the data of a study file with single keys replaced.

    Parameters
    ----------
    data
        A study as plain data.
    overrides
        New values by key, such as ``construct.armour`` or ``dose_space.nodes[0].cells_per_m2``. A single
        value for a mapping that has a ``name`` sets that name: ``design`` means ``design.name``.
    where
        What the overrides come from, for messages.

    Raises
    ------
    CarwrightError
        For every key that a study does not have.
    """
    changed = copy.deepcopy(dict(data))
    problems = Problems()
    for key, value in overrides.items():
        try:
            _set(changed, key, value, f"{where} {key}={value}")
        except CarwrightError as error:
            problems.extend(error)
    problems.raise_if_any()
    return changed


def override_path(key: str) -> KeyPath:
    """Split ``dose_space.nodes[0].id`` into its steps."""
    parts = _STEP.sub(lambda match: f".{match[1]}." if match[1] else ".", key).split(".")
    return tuple(int(part) if part.isdigit() else part for part in parts if part)


def target_path(key: str, value: object) -> KeyPath:
    """Path of the key that an override replaces, with the shorthand for a mapping's name resolved."""
    path = override_path(key)
    model = model_at(Study, path)
    if model and "name" in model.model_fields and not isinstance(value, dict):
        return (*path, "name")
    return path


def _set(data: dict[str, Any], key: str, value: Any, where: str) -> None:
    path = target_path(key, value)
    current: Any = data
    for depth, step in enumerate(path):
        above, last = path[:depth], depth == len(path) - 1
        known = keys_at(Study, above)
        if isinstance(current, dict):
            step = str(step)
            if known is not None and step not in known:
                raise CarwrightError(unknown_key((*above, step), known, where))
        elif not (isinstance(current, list) and isinstance(step, int) and step < len(current)):
            what = f"{key_text(above)} has no entry {step!r}"
            allowed = f"0 to {len(current) - 1}" if isinstance(current, list) else "no key below it"
            raise CarwrightError(Problem("STUDY002", what, where, show(current), allowed))
        if last:
            current[step] = value
        elif isinstance(current, dict):
            current = current.setdefault(step, {})
        else:
            current = current[step]
