"""A study's trial as objects of the trial room, which know what they allow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from carwright.errors import CarwrightError, Problems
from carwright.study import schema
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
    """What a simulated trial is conducted with."""

    space: DoseSpace
    design: Design
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
    design = space and attempt("design", lambda: _design(study.design, space))
    calendar = attempt(
        "accrual",
        lambda: Calendar(**study.accrual.numbers(), dlt_window_days=study.adjudication.window_days),
    )
    attrition = attempt("attrition", lambda: Attrition(**study.attrition.numbers()))
    product = attempt("product", lambda: Product(**study.product.numbers()))
    problems.raise_if_any()
    return TrialSettings(space, design, calendar, attrition, product)  # type: ignore[arg-type]  # none failed


def _design(given: schema.Design, space: DoseSpace) -> Design:
    """Build the design over the study's path; a fallback is a rule where the design has none of its own."""
    from carwright.trial.option import options_of
    from carwright.trial.registry import build_design, design_class

    known = options_of(design_class(given.name))
    options: dict[str, object] = {"halt_on_death": given.halt_on_death}
    rules = list(given.rules)
    if "path" in known:
        options["path"] = given.path
        if "fallback" in known:
            options["fallback"] = given.fallback
        elif given.fallback:
            rules.append({"fallback": {"nodes": given.fallback}})
    if given.deescalate or "deescalate" in known:
        options["deescalate"] = given.deescalate
    return build_design(given.name, space, {**options, **given.options}, rules)
