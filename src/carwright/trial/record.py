"""Design record: one mapping that says everything about a design, so that others can replicate it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carwright.errors import CarwrightError, Problems
from carwright.trial.design import Design
from carwright.trial.option import plain_options
from carwright.trial.registry import build_design
from carwright.trial.rules.rule import core_of, rules_of
from carwright.trial.space import DoseNode, DoseSpace, grid, ladder
from carwright.yamlfile import nearest

FORMAT = "carwright-design/1"
"""Value of the key ``record`` of a design record."""

RECORD_KEYS = ("record", "design", "doses", "grid", "order", "options", "rules")
"""Keys of a design record."""


def record_of(design: Design) -> dict[str, Any]:
    """Write a design as plain data; `design_of` builds the same design from it."""
    space = design.space
    found: dict[str, Any] = {"record": FORMAT, "design": design.name, "doses": list(space.labels)}
    if space.order != ladder(space.labels).order:
        found["order"] = list(space.order)
    found["options"] = plain_options(core_of(design))
    found["rules"] = [{rule.title: plain_options(rule)} for rule in rules_of(design)]
    return found


def design_of(record: Mapping[str, Any], *, stops: bool = True) -> Design:
    """Build the design of a record.

    Parameters
    ----------
    record
        ``design``, the name; ``doses``, how many or their labels from the lowest to the highest; ``order``, chains
        such as ``"1 < 2"`` where the doses are no ladder; ``grid``, instead of both, the numbers of doses of two
        agents; ``options`` and ``rules`` as in `build_design`.
    stops
        As in `build_design`.

    Raises
    ------
    CarwrightError
        Naming everything that is missing, unknown or not allowed.
    """
    problems = Problems()
    for key in record:
        if key not in RECORD_KEYS:
            problems.add(
                "TRIAL060",
                "a design record has no such key",
                where="design record",
                found=str(key),
                allowed=", ".join(RECORD_KEYS),
                fix=nearest(str(key), RECORD_KEYS) or "remove it",
            )
    name, options, rules = record.get("design"), record.get("options") or {}, record.get("rules") or []
    for key, fits, allowed in (
        ("record", record.get("record", FORMAT) == FORMAT, FORMAT),
        ("design", isinstance(name, str), "the name of a design"),
        ("options", isinstance(options, Mapping), "options by name"),
        ("rules", isinstance(rules, list), "a list of rules"),
    ):
        if not fits:
            problems.add(
                "TRIAL061",
                f"the key {key} of the design record cannot be used",
                where=f"design record, {key}",
                found=repr(record.get(key)),
                allowed=allowed,
                fix="correct it",
            )
    space = None
    try:
        order = record.get("order")
        if order is None and isinstance(options, Mapping) and isinstance(options.get("orders"), list):
            order = _common(options["orders"])
        space = _grid(record) if record.get("grid") is not None else _space(record.get("doses"), order)
    except CarwrightError as error:
        problems.extend(error)
    problems.raise_if_any()
    assert space is not None  # noqa: S101  # a problem was raised otherwise
    return build_design(str(name), space, {"halt_on_death": False, **options}, rules, stops=stops)


def _grid(record: Mapping[str, Any]) -> DoseSpace:
    size = record["grid"]
    fits = isinstance(size, list | tuple) and len(size) == 2
    if not fits or not all(isinstance(each, int) and not isinstance(each, bool) and 1 <= each <= 20 for each in size):
        size = None
    if size is None or record.get("doses") is not None or record.get("order") is not None:
        problems = Problems()
        problems.add(
            "TRIAL061",
            "the key grid of the design record cannot be used",
            where="design record, grid",
            found=repr(record["grid"])[:80],
            allowed="two numbers of doses, 1 to 20, such as [3, 5]; and then no doses and no order",
            fix="correct it",
        )
        problems.raise_if_any()
    return grid(*size)


def _common(orders: list[Any]) -> list[str] | None:
    """Comparisons that all of some orders of the nodes share, the space's order where only these are given."""
    if not all(isinstance(order, list) for order in orders) or not orders:
        return None
    ranks = [{str(label): place for place, label in enumerate(order)} for order in orders]
    labels = list(ranks[0])
    if any(set(rank) != set(labels) for rank in ranks):
        return None
    return [f"{low} < {high}" for low in labels for high in labels if all(rank[low] < rank[high] for rank in ranks)]


def _space(doses: object, order: object) -> DoseSpace:
    problems = Problems()
    labels: tuple[str, ...] = ()
    if isinstance(doses, int) and not isinstance(doses, bool) and 1 <= doses <= 100:
        labels = tuple(str(rank) for rank in range(1, doses + 1))
    elif (
        isinstance(doses, Sequence)
        and not isinstance(doses, str)
        and 1 <= len(doses) <= 100
        and all(isinstance(label, str | int) and not isinstance(label, bool) for label in doses)
    ):
        labels = tuple(str(label) for label in doses)
    else:
        problems.add(
            "TRIAL061",
            "the key doses of the design record cannot be used",
            where="design record, doses",
            found=repr(doses),
            allowed="their number, 1 to 100, or a list of labels",
            fix="give the doses",
        )
    chains: Sequence[Any] | None = None
    if isinstance(order, Sequence):
        chains = [order] if isinstance(order, str) else order
    if (order is not None and chains is None) or not all(isinstance(one, str) for one in chains or ()):
        problems.add(
            "TRIAL061",
            "the key order of the design record cannot be used",
            where="design record, order",
            found=repr(order),
            allowed='chains such as "1 < 2 < 3"',
            fix="correct it",
        )
    problems.raise_if_any()
    if chains is None:
        return ladder(labels)
    return DoseSpace(tuple(DoseNode(label) for label in labels), tuple(str(one) for one in chains))
