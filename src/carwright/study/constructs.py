"""The CAR of a study, with the armour and the gate that the study gives it, and whether the model has use for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from carwright.construct import (
    MALIGNANT,
    Construct,
    check_gate_fires,
    list_antigens,
    load_construct,
    parameter_medians,
    parse_gate,
)
from carwright.errors import CarwrightError, Problem, Problems
from carwright.yamlfile import nearest

if TYPE_CHECKING:
    from carwright.models import Model
    from carwright.study.interventions import Intervention
    from carwright.study.messages import Where
    from carwright.study.schema import ConstructChoice


def construct_of(choice: ConstructChoice) -> Construct:
    """Load the construct of a study, with its own gate or the study's."""
    construct = load_construct(choice.name)
    return construct if choice.gate is None else construct.with_gate(choice.gate)


def medians_of(choice: ConstructChoice, model: Model) -> dict[str, float]:
    """Population medians that the construct sets in the model.

    Raises
    ------
    CarwrightError
        If the model has nothing that an effect of the construct could act on.
    """
    names = {row.name for row in model.table.parameters}
    return parameter_medians(load_construct(choice.name), choice.armour, names)


def check_construct(
    choice: ConstructChoice, interventions: Sequence[Intervention], model: Model, where: Where, problems: Problems
) -> None:
    """Record what is wrong with the CAR of a study: its effects, its gate, and the antigens of an edited graft."""
    _attempt(lambda: medians_of(choice, model), where(("construct",)), problems)
    key = ("construct", "gate") if choice.gate is not None else ("construct",)
    _attempt(lambda: _check_gate(choice, model), where(key), problems)
    known = list_antigens()
    edited = [(i, name) for i, entry in enumerate(interventions) for name in entry.edited_antigens or ()]
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


def _check_gate(choice: ConstructChoice, model: Model) -> None:
    construct, table = construct_of(choice), model.table
    if table.recognition:
        gate = parse_gate(construct.gate, list_antigens())
        malignant = [name for name in table.recognition.values() if name in MALIGNANT]
        check_gate_fires(gate, malignant, construct.threshold.molecules, model.name)
    elif choice.gate is not None:
        what = f"the model {model.name!r} has no antigen densities, so that a gate would change nothing"
        raise CarwrightError(Problem("STUDY008", what, found=choice.gate, fix="leave the gate out"))


def _attempt(check: Callable[[], object], place: str, problems: Problems) -> None:
    try:
        check()
    except CarwrightError as error:
        problems.extend(CarwrightError(*(replace(problem, where=place) for problem in error.problems)))
