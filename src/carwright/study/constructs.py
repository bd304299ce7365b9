"""The CAR of a study, with the armour and the gate that the study gives it, and whether the model has use for it.

A study may bring constructs of its own beside the catalogue's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from carwright.construct import (
    MALIGNANT,
    Construct,
    antigen_panel,
    check_gate_fires,
    list_antigens,
    list_constructs,
    load_construct,
    parameter_medians,
    parse_gate,
)
from carwright.errors import CarwrightError, Problem, Problems
from carwright.yamlfile import nearest

if TYPE_CHECKING:
    from carwright.models import Model
    from carwright.study.messages import Where
    from carwright.study.schema import Study


def construct_of(study: Study) -> Construct:
    """Construct of a study, with its own gate or the study's.

    Raises
    ------
    CarwrightError
        If neither the study nor the catalogue has it.
    """
    choice = study.construct
    own = {construct.name: construct for construct in study.constructs}
    known = (*own, *list_constructs())
    if choice.name not in known:
        raise CarwrightError(
            Problem(
                "STUDY007",
                f"unknown construct {choice.name!r}",
                found=choice.name,
                allowed=", ".join(known),
                fix=nearest(choice.name, known) or "give a name of the catalogue, or a file that ends in .yaml",
            )
        )
    construct = own.get(choice.name) or load_construct(choice.name)
    return construct if choice.gate is None else construct.with_gate(choice.gate)


def medians_of(study: Study, model: Model) -> dict[str, float]:
    """Population medians that the construct sets in the model.

    Raises
    ------
    CarwrightError
        If the model has nothing that an effect of the construct could act on.
    """
    names = {row.name for row in model.table.parameters}
    return parameter_medians(construct_of(study), study.construct.armour, names)


def check_construct(study: Study, model: Model, where: Where, problems: Problems) -> None:
    """Record what is wrong with the CAR of a study: its effects, its gate, and the antigens of an edited graft."""
    names = [construct.name for construct in study.constructs]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1 or name in list_constructs()):
        problems.add(
            "STUDY008", "a construct of this name is there already", where=where(("constructs",)), found=name,
            fix="give it another name",
        )  # fmt: skip
    try:
        construct = construct_of(study)
    except CarwrightError as error:
        place = where(("construct", "name"))
        problems.extend(CarwrightError(*(replace(problem, where=place) for problem in error.problems)))
        return
    _attempt(lambda: medians_of(study, model), where(("construct",)), problems)
    key = ("construct", "gate") if study.construct.gate is not None else ("construct",)
    _attempt(lambda: _check_gate(study, construct, model), where(key), problems)
    known = list_antigens(construct.antigens)
    edited = [(i, name) for i, entry in enumerate(study.interventions) for name in entry.edited_antigens or ()]
    for index, name in edited:
        if name not in known:
            problems.add(
                "STUDY012",
                f"unknown antigen {name!r} in an edited graft",
                where=where(("interventions", index, "edited_antigens")),
                found=name,
                allowed=", ".join(known),
                fix=nearest(name, known),
            )


def _check_gate(study: Study, construct: Construct, model: Model) -> None:
    table = model.table
    panel = antigen_panel(construct.antigens)
    if table.recognition:
        gate = parse_gate(construct.gate, list_antigens(construct.antigens))
        malignant = [name for name in table.recognition.values() if name in MALIGNANT]
        check_gate_fires(gate, malignant, construct.threshold.molecules, model.name, panel)
    elif study.construct.gate is not None:
        what = f"the model {model.name!r} has no antigen densities, so that a gate would change nothing"
        raise CarwrightError(Problem("STUDY008", what, found=study.construct.gate, fix="leave the gate out"))


def _attempt(check: Callable[[], object], place: str, problems: Problems) -> None:
    try:
        check()
    except CarwrightError as error:
        problems.extend(CarwrightError(*(replace(problem, where=place) for problem in error.problems)))
