"""Constructs of files: a study may name a file where it would name a construct of the catalogue.

What a file holds is put into the study when it is read, so that a run's folder needs no other file and an edit of the
file does not change what a run was.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from carwright.construct import Construct, antigen_panel, list_constructs, load_armour, load_construct
from carwright.construct.effects import EFFECTS
from carwright.errors import CarwrightError, Problem, Problems
from carwright.study.messages import problems_from
from carwright.study.overrides import target_path
from carwright.yamlfile import nearest, read_yaml

CHOICE = ("construct", "name")
ENDINGS = (".yaml", ".yml")


def is_file(name: object) -> bool:
    """Whether a construct's name is a path."""
    return isinstance(name, str) and name.endswith(ENDINGS)


def find_construct(name: str) -> Construct:
    """A construct of a file or of the catalogue.

    Raises
    ------
    CarwrightError
        If there is none, or the file holds none.
    """
    return read_construct(Path(name)) if is_file(name) else load_construct(name)


def read_construct(path: Path) -> Construct:
    """Read a construct's file, such as ``carwright targets gates --to-construct`` writes.

    Raises
    ------
    CarwrightError
        With everything that is wrong with the file.
    """
    document = read_yaml(path)
    try:
        construct = Construct.model_validate(document.data)
    except ValidationError as error:
        raise CarwrightError(*problems_from(error, Construct, document.where)) from None
    problems = Problems()
    for check in (lambda: antigen_panel(construct.antigens), lambda: load_armour(construct.armour)):
        try:
            check()
        except CarwrightError as error:
            problems.extend(CarwrightError(*(replace(p, where=f"{document.name}, {p.where}") for p in error.problems)))
    for effect in construct.effects:
        if effect not in EFFECTS:
            where, known = document.where(("effects", effect)), tuple(EFFECTS)
            problems.add(
                "CONSTRUCT009", f"unknown effect {effect!r}", where=where, found=effect, allowed=", ".join(known),
                fix=nearest(effect, known),
            )  # fmt: skip
    if construct.name in list_constructs():
        problems.add(
            "CONSTRUCT010", "the catalogue has a construct of this name", where=document.where(("name",)),
            found=construct.name, fix="give it another name",
        )  # fmt: skip
    problems.raise_if_any()
    return construct


def from_files(study: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A study's plain data with the constructs of the files that it names, under ``constructs``.

    Parameters
    ----------
    study
        The study; ``construct``, comparators and the list ``constructs`` may name files.
    folder
        Where a relative path starts.

    Raises
    ------
    CarwrightError
        For files that hold no construct, and two constructs of one name.
    """
    data: dict[str, Any] = copy.deepcopy(dict(study))
    given = data.get("constructs") or []
    if not isinstance(given, list):
        return data  # validation says so
    own: dict[str, Any] = {}
    rest: list[Any] = []

    def read(path: str) -> str:
        construct = read_construct(folder / path)
        plain = construct.model_dump(mode="json")
        if own.setdefault(construct.name, plain) != plain:
            what = "two constructs have one name"
            raise CarwrightError(Problem("CONSTRUCT010", what, path, construct.name, fix="give one another name"))
        return construct.name

    for entry in given:
        if is_file(entry):
            read(entry)
        elif isinstance(entry, dict) and isinstance(entry.get("name"), str) and entry["name"] not in own:
            own[entry["name"]] = entry
        else:
            rest.append(entry)
    choice = data.get("construct")
    if isinstance(choice, dict) and is_file(choice.get("name")):
        choice["name"] = read(choice["name"])
    for comparator in data.get("comparators") or []:
        changes = comparator.get("set") if isinstance(comparator, dict) else None
        if not isinstance(changes, dict):
            continue
        for key, value in changes.items():
            if is_file(value) and target_path(key, value) == CHOICE:
                changes[key] = read(value)
            elif key == CHOICE[0] and isinstance(value, dict) and is_file(value.get("name")):
                value["name"] = read(value["name"])
    if own or rest:
        data["constructs"] = [*own.values(), *rest]
    return data


def from_here(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Overrides whose files are looked for where the command is given, not where the study lies."""
    return {
        key: str(Path(value).absolute()) if is_file(value) and target_path(key, value) == CHOICE else value
        for key, value in changes.items()
    }
