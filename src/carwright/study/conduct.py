"""A study's trial as objects of the trial room, which know what they allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from carwright.errors import CarwrightError, Problems
from carwright.study import designs
from carwright.study.messages import Where
from carwright.study.schema import Study
from carwright.yamlfile import key_text

if TYPE_CHECKING:
    from carwright.trial.attrition import Attrition
    from carwright.trial.calendar import Calendar
    from carwright.trial.design import Design
    from carwright.trial.product import Product
    from carwright.trial.space import DoseSpace

Built = TypeVar("Built")


@dataclass(frozen=True)
class TrialSettings:
    """What a simulated trial is conducted with; ``compared`` are further designs, by their names in tables."""

    space: DoseSpace
    design: Design
    compared: dict[str, Design]
    calendar: Calendar
    attrition: Attrition
    product: Product


def trial_settings(study: Study, where: Where = key_text) -> TrialSettings:
    """Build the trial that a study describes.

    Parameters
    ----------
    study
        The study.
    where
        Gives the place of a key for messages.

    Raises
    ------
    CarwrightError
        For everything that the trial room does not allow, each with the place of its section.
    """
    from carwright.trial.attrition import Attrition
    from carwright.trial.calendar import Calendar
    from carwright.trial.product import Product
    from carwright.trial.space import DoseNode, DoseSpace

    problems = Problems()

    def attempt(section: str, build: Callable[[], Built]) -> Built | None:
        try:
            return build()
        except CarwrightError as error:
            place = where((section,))
            moved = (replace(problem, where=f"{place}: {problem.where}") for problem in error.problems)
            problems.extend(CarwrightError(*moved))
            return None

    nodes = tuple(DoseNode(**node.model_dump()) for node in study.dose_space.nodes)
    space = attempt("dose_space", lambda: DoseSpace(nodes, study.dose_space.order))
    design = space and attempt("design", lambda: build_from(study.design, space, study.target_toxicity))
    calendar = attempt(
        "accrual",
        lambda: Calendar(**study.accrual.numbers(), dlt_window_days=study.adjudication.window_days),
    )
    attrition = attempt("attrition", lambda: Attrition(**study.attrition.numbers()))
    product = attempt("product", lambda: Product(**study.product.numbers()))
    compared = _compared(study, space, where, problems) if space and design else {}
    problems.raise_if_any()
    return TrialSettings(space, design, compared, calendar, attrition, product)  # type: ignore[arg-type]  # none failed


def _compared(study: Study, space: DoseSpace, where: Where, problems: Problems) -> dict[str, Design]:
    """Build the designs that the study's own is compared with, by their names in tables."""
    found: dict[str, Design] = {}
    for index, chosen in enumerate(study.compare_designs):
        place = where(("compare_designs", index))
        given = chosen.beside(study.design)
        try:
            built = build_from(given, space, study.target_toxicity)
        except CarwrightError as error:
            problems.extend(CarwrightError(*(replace(one, where=f"{place}: {one.where}") for one in error.problems)))
            continue
        if chosen.key in found:
            problems.add(
                "STUDY008",
                f"the design {chosen.key!r} is compared twice",
                where=place,
                allowed="one of each name",
                fix="give one of them a label",
            )
        found[chosen.key] = built
    return found


def build_from(given: designs.Design, space: DoseSpace, target: float) -> Design:
    """Build a design over the study's path; a fallback is a rule where the design has none of its own.

    Parameters
    ----------
    given
        What the study says.
    space
        The dose space.
    target
        Target of a design that has one and whose options do not say otherwise.

    Raises
    ------
    CarwrightError
        Naming every option and rule that cannot be used.
    """
    from carwright.trial.option import options_of
    from carwright.trial.registry import build_design, design_class

    chosen = design_class(given.name)
    known = options_of(chosen)
    options: dict[str, object] = {"halt_on_death": given.halt_on_death}
    rules = list(given.rules)
    if "path" in known and getattr(chosen, "needs_path", True):
        if given.path:
            options["path"] = given.path
        if "fallback" in known:
            options["fallback"] = given.fallback
        elif given.fallback:
            rules.append({"fallback": {"nodes": given.fallback}})
    if given.deescalate is not None and (given.deescalate or "deescalate" in known):
        options["deescalate"] = given.deescalate
    if "target" in known:
        options["target"] = target
    return build_design(given.name, space, {**options, **given.options}, rules)
