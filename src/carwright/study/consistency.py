"""Checks between the parts of a study that each part alone cannot make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from carwright.errors import Problems
from carwright.study.messages import Where
from carwright.study.quantities import QUANTITIES
from carwright.study.schema import STUDY_ARM, Study
from carwright.yamlfile import KeyPath, nearest


def check_consistency(study: Study, where: Where, problems: Problems) -> None:
    """Record what does not fit together: dose order, path, populations, window, arms and published facts."""
    _dose_space(study, where, problems)
    _design(study, where, problems)
    _population(study, where, problems)
    _once(study.adjudication.compare, ("adjudication", "compare"), where, problems)
    _once(study.care, ("care",), where, problems)
    _once([STUDY_ARM, *(arm.name for arm in study.comparators)], ("comparators",), where, problems)
    _published(study, where, problems)
    if study.attrition.not_infused >= 1:
        what = "nobody would be infused: the fractions lost before the infusion add up to one or more"
        found = f"{study.attrition.not_infused:g}"
        problems.add("STUDY008", what, where=where(("attrition",)), found=found, allowed="less than 1")
    if study.adjudication.window_days > study.horizon_days:
        problems.add(
            "STUDY008",
            "the DLT window is longer than the follow-up",
            where=where(("adjudication", "window_days")),
            found=f"{study.adjudication.window_days:g} days",
            allowed=f"{study.horizon_days:g} days or less",
        )


def lower_nodes(study: Study) -> dict[str, set[str]]:
    """Nodes below each node in the partial order of the dose space, the closure of the chains."""
    below: dict[str, set[str]] = {node.id: set() for node in study.dose_space.nodes}
    for _ in below:  # one pass per node reaches every node that a chain can reach
        for low, high in study.dose_space.pairs:
            below[high] |= {low} | below[low]
    return below


def _once(values: Iterable[str], path: KeyPath, where: Where, problems: Problems) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            problems.add("STUDY008", f"{value!r} is given twice", where=where(path), fix="keep one")


def _known_node(node: str, study: Study, path: KeyPath, where: Where, problems: Problems) -> bool:
    known = [entry.id for entry in study.dose_space.nodes]
    if node not in known:
        problems.add(
            "STUDY007",
            f"unknown dose node {node!r}",
            where=where(path),
            allowed=", ".join(known),
            fix=nearest(node, known),
        )
    return node in known


def _dose_space(study: Study, where: Where, problems: Problems) -> None:
    _once([node.id for node in study.dose_space.nodes], ("dose_space", "nodes"), where, problems)
    sound = True
    for index, chain in enumerate(study.dose_space.order):
        path = ("dose_space", "order", index)
        steps = [step.strip() for step in chain.split("<")]
        if len(steps) < 2 or not all(steps):
            what = f"{chain!r} is not a chain of nodes"
            problems.add("STUDY004", what, where=where(path), allowed="such as '1 < 2 < 3'")
            sound = False
            continue
        for step in steps:
            sound &= _known_node(step, study, path, where, problems)
    if sound:
        for node, below in lower_nodes(study).items():
            if node in below:
                what = f"the order is circular: node {node!r} is below itself"
                problems.add("STUDY008", what, where=where(("dose_space", "order")))
                return


def _design(study: Study, where: Where, problems: Problems) -> None:
    path = study.design.path
    sound = _is_ordered(study)
    for index, node in enumerate(path):
        sound &= _known_node(node, study, ("design", "path", index), where, problems)
    for stopped, node in study.design.fallback.items():
        here = ("design", "fallback", stopped)
        sound &= _known_node(stopped, study, here, where, problems)
        sound &= _known_node(node, study, here, where, problems)
        if stopped not in path:
            what = f"the fallback from {stopped!r} is never used"
            problems.add("STUDY008", what, where=where(here), allowed=f"a node of the path {', '.join(path)}")
    _once(path, ("design", "path"), where, problems)
    if not sound:
        return
    below = lower_nodes(study)
    for index, node in enumerate(path[1:], start=1):
        for earlier in path[:index]:
            if node in below[earlier]:
                what = f"the path goes down: {node!r} comes after {earlier!r} but is below it"
                problems.add("STUDY008", what, where=where(("design", "path", index)))
    for stopped, node in study.design.fallback.items():
        if node not in below[stopped]:
            what = f"the fallback {node!r} is not below {stopped!r} in the order of the dose space"
            here = ("design", "fallback", stopped)
            problems.add("STUDY008", what, where=where(here), fix=f"add '{node} < {stopped}' to the order")


def _is_ordered(study: Study) -> bool:
    """Tell whether every node of the chains exists; what is wrong otherwise was reported by `_dose_space`."""
    known = {node.id for node in study.dose_space.nodes}
    return all(low in known and high in known for low, high in study.dose_space.pairs)


def _population(study: Study, where: Where, problems: Problems) -> None:
    patients, block = study.population.patients, study.population.patients_per_population
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


def _published(study: Study, where: Where, problems: Problems) -> None:
    for index, fact in enumerate(study.published):
        place = where(("published", index))
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
