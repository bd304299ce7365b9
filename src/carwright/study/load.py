"""Finds a study by name or path and turns it into a checked `Study`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from carwright.errors import CarwrightError, Problem, Problems
from carwright.study import names
from carwright.study.consistency import check_comparator, check_consistency
from carwright.study.construct_files import from_files, from_here
from carwright.study.labels import relabelled
from carwright.study.messages import Where, problems_from
from carwright.study.overrides import apply_overrides, parse_overrides, target_path
from carwright.study.parameters import resolve_parameters
from carwright.study.schema import Study
from carwright.yamlfile import Document, KeyPath, key_text, nearest, read_yaml

_SHIPPED = resources.files("carwright") / "studies"


def list_studies() -> list[str]:
    """List the names of the shipped studies."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _SHIPPED.iterdir() if _is_study(entry.name))


def load_study(study: str | Path, overrides: Mapping[str, Any] | Iterable[str] = ()) -> Study:
    """Read a study file and check everything in it.

    Parameters
    ----------
    study
        Path of a study file, or the name of a shipped one.
    overrides
        New values by key, ``{"construct.armour": "none"}``, or as text, ``["construct.armour=none"]``. A new construct
        takes the label that named the old one with it (`labels.relabelled`).

    Raises
    ------
    CarwrightError
        With every problem that was found.

    Examples
    --------
    >>> load_study("psma-dntgfbr2", ["population.patients=400"]).population.patients
    400
    """
    document = read_study(study)
    changes = from_here(_changes(overrides))
    changed = apply_overrides(document.data, changes, "--set")
    data = from_files(changed, _folder(study))
    origin = {target_path(key, value): f"--set {key}={value}" for key, value in changes.items()}
    if changed.get("construct") != document.data.get("construct"):
        data = relabelled(data, document.data.get("label"), given=("label",) in origin)

    def where(path: KeyPath) -> str:
        for depth in range(len(path), 0, -1):
            if path[:depth] in origin:
                return origin[path[:depth]]
        return document.where(path)

    loaded = _build(data, where)
    problems = Problems()
    arms = []
    for index, comparator in enumerate(loaded.comparators):
        try:
            check_comparator(comparator.set, ("comparators", index, "set"), document.where)
            arm = _comparator(data, comparator.set, f"{document.where(('comparators', index, 'set'))}:")
        except CarwrightError as error:
            problems.extend(error)
        else:
            arms.append((comparator.name, comparator.label, arm))
    problems.raise_if_any()
    loaded._as_given = document.text
    loaded._arms = tuple(arms)
    return loaded


def read_study(study: str | Path) -> Document:
    """Find a study by path or shipped name and read its file, without checking what it says.

    Raises
    ------
    CarwrightError
        If it is neither a file nor a shipped name, or the file is refused.
    """
    known = list_studies()
    text = str(study)
    if text in known:
        return read_yaml(_SHIPPED / f"{text}.yaml", f"{text} (shipped study)")
    if isinstance(study, Path) or _is_study(text) or "/" in text or "\\" in text or Path(text).exists():
        return read_yaml(Path(study))
    fix = nearest(text, known) or "see 'carwright study list', or give the path of a study file"
    raise CarwrightError(Problem("STUDY001", f"unknown study {text!r}", allowed=", ".join(known), fix=fix)) from None


def _is_study(name: str) -> bool:
    return name.endswith((".yaml", ".yml"))


def _folder(study: str | Path) -> Path:
    """Where the paths of a study start; here for a shipped study, which names no file."""
    return Path() if str(study) in list_studies() else Path(study).parent


def _changes(overrides: Mapping[str, Any] | Iterable[str]) -> dict[str, Any]:
    if isinstance(overrides, Mapping):
        return dict(overrides)
    return parse_overrides(overrides)


def _comparator(data: Mapping[str, Any], changes: Mapping[str, Any], origin: str) -> Study:
    alone = {key: value for key, value in data.items() if key != "comparators"}
    changed = apply_overrides(alone, changes, origin)
    return _build(changed, lambda path: f"{origin} {key_text(path)}")


def _build(data: Mapping[str, Any], where: Where) -> Study:
    """Validate plain data; all problems of the file's form at once, then all problems of its sense."""
    problems = Problems()
    parameters = data.get("parameters") or {}
    if isinstance(parameters, dict) and data.get("model") in names.known("model"):
        try:
            parameters = resolve_parameters(parameters, data["model"], where) if parameters else {}
        except CarwrightError as error:
            problems.extend(error)
            parameters = {}
        data = {**data, "parameters": parameters}
    try:
        study = Study.model_validate(data)
    except ValidationError as error:
        problems.extend(CarwrightError(*problems_from(error, Study, where)))
    else:
        check_consistency(study, where, problems)
    problems.raise_if_any()
    return study
