"""Checks between the parts of a study that each part alone cannot make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from carwright.clinic.care import orders
from carwright.disease import find_disease
from carwright.errors import CarwrightError, Problems
from carwright.models import load_model
from carwright.study.conduct import trial_settings
from carwright.study.constructs import check_construct
from carwright.study.interventions import check_interventions
from carwright.study.messages import Where
from carwright.study.quantities import QUANTITIES
from carwright.study.schema import STUDY_ARM, Study
from carwright.yamlfile import KeyPath, nearest


def check_consistency(study: Study, where: Where, problems: Problems) -> None:
    """Record what does not fit together: the trial, populations, rules, arms and published facts."""
    try:
        trial_settings(study, where)
    except CarwrightError as error:
        problems.extend(error)
    _population(study, where, problems)
    _once(study.care, ("care",), where, problems)
    _once([STUDY_ARM, *(arm.name for arm in study.comparators)], ("comparators",), where, problems)
    _once(study.adjudication.compare, ("adjudication", "compare"), where, problems)
    _published(study, where, problems)
    _care(study, where, problems)
    model = load_model(study.model)
    check_interventions(study.interventions, model, study.horizon_days, where, problems)
    check_construct(study, model, where, problems)
    if study.adjudication.window_days > study.horizon_days:
        problems.add(
            "STUDY008",
            "the DLT window is longer than the follow-up",
            where=where(("adjudication", "window_days")),
            found=f"{study.adjudication.window_days:g} days",
            allowed=f"{study.horizon_days:g} days or less",
        )


COMPARED_KEYS = ("construct", "parameters", "care", "interventions", "design", "product")
"""What a comparator may change: the patients, dose nodes, rules and trials stay, or nothing could be paired."""


def check_comparator(changes: Mapping[str, Any], path: KeyPath, where: Where) -> None:
    """Refuse a comparator that would change who is compared; raises `CarwrightError` naming every such key."""
    problems = Problems()
    for key in changes:
        if key.split(".")[0].split("[")[0] not in COMPARED_KEYS:
            problems.add(
                "STUDY008",
                f"a comparator cannot change {key!r}: its patients would not be those of the study",
                where=where((*path, key)),
                allowed=f"keys under {', '.join(COMPARED_KEYS)}",
                fix="run a study of its own and use 'carwright compare'",
            )
    problems.raise_if_any()


def _once(values: Iterable[str], path: KeyPath, where: Where, problems: Problems) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            problems.add("STUDY008", f"{value!r} is given twice", where=where(path), fix="keep one")


def _population(study: Study, where: Where, problems: Problems) -> None:
    patients, block = study.population.patients, study.population.patients_per_population
    few = {
        ("population", "patients_per_population"): (block, "patients in a population"),
        ("population", "patients"): (patients // block, "populations"),
        ("trials",): (study.trials, "trials"),
    }
    for path, (count, what) in few.items():
        if count < 2:
            found, allowed = f"{count} {what}", f"2 {what} or more; 20 or more are worth reading"
            problems.add("STUDY008", "no interval can be made", where=where(path), found=found, allowed=allowed)
    if patients % block:
        lower, higher = patients // block * block, (patients // block + 1) * block
        near = f"{lower} or {higher}" if lower else f"{higher}"
        problems.add(
            "STUDY008",
            "patients do not fill a whole number of populations",
            where=where(("population", "patients")),
            found=f"{patients} patients in populations of {block}",
            allowed=f"multiples of {block}, such as {near}",
            fix="change the number of patients or --set population.patients_per_population",
        )


def _care(study: Study, where: Where, problems: Problems) -> None:
    states = {state.name for state in load_model(study.model).table.states}
    for name, order in orders(study.care).items():
        if order.drug not in states:
            what = f"the model {study.model!r} does not know the drug of the care rule {name}"
            problems.add(
                "STUDY012", what, where=where(("care",)), found=f"no {order.drug} in the model", fix="remove it"
            )


def _published(study: Study, where: Where, problems: Problems) -> None:
    try:
        summarised = (*find_disease(study.model).quantities, "recommended_node")
    except CarwrightError as error:
        problems.extend(error)
        return
    for index, fact in enumerate(study.published):
        place = where(("published", index))
        if fact.quantity not in summarised:
            what = f"{fact.quantity} is not summarised for the model {study.model!r}"
            allowed = ", ".join(summarised)
            fix = nearest(fact.quantity, summarised)
            problems.add("STUDY008", what, where=place, found=fact.quantity, allowed=allowed, fix=fix)
            continue
        counted = fact.count is not None and fact.of is not None
        if counted == (fact.value is not None) or (fact.count is None) != (fact.of is None):
            what = f"the published {fact.quantity} needs either 'count' and 'of' or a 'value'"
            problems.add("STUDY008", what, where=place)
        elif fact.count is not None and fact.of is not None and fact.count > fact.of:
            what = f"the published {fact.quantity} counts more patients than were observed"
            problems.add("STUDY006", what, where=place, found=f"{fact.count} of {fact.of}")
        elif counted and QUANTITIES[fact.quantity].kind != "rate":
            what = f"the published {fact.quantity} is no share of patients"
            problems.add("STUDY008", what, where=place, found="a count", allowed="a value")
    _once([fact.quantity for fact in study.published], ("published",), where, problems)
