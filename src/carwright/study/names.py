"""Names that a study may use, asked from the rooms that own them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache


def _models() -> tuple[str, ...]:
    from carwright.models import list_models

    return tuple(list_models())


def _constructs() -> tuple[str, ...]:
    from carwright.construct import list_constructs

    return tuple(list_constructs())


def _armours() -> tuple[str, ...]:
    from carwright.construct import list_armours

    return ("none", *(name for name in list_armours() if name != "none"))


def _regimens() -> tuple[str, ...]:
    from carwright.clinic.lymphodepletion import REGIMENS

    return tuple(REGIMENS)


def _care() -> tuple[str, ...]:
    from carwright.clinic.care import CARE_RULES

    return tuple(CARE_RULES)


def _interventions() -> tuple[str, ...]:
    from carwright.clinic.interventions import INTERVENTIONS

    return tuple(INTERVENTIONS)


def _adjudication() -> tuple[str, ...]:
    from carwright.clinic.adjudication import RULES

    return tuple(RULES)


def _ctcae() -> tuple[str, ...]:
    from carwright.clinic.ctcae import LIMITS

    return tuple(LIMITS["neutrophils"])


def _designs() -> tuple[str, ...]:
    from carwright.trial.registry import DESIGNS

    return tuple(DESIGNS)


def _quantities() -> tuple[str, ...]:
    from carwright.study.quantities import QUANTITIES

    return tuple(QUANTITIES)


_REGISTRIES: dict[str, Callable[[], tuple[str, ...]]] = {
    "model": _models,
    "construct": _constructs,
    "armour": _armours,
    "lymphodepletion": _regimens,
    "supportive-care rule": _care,
    "intervention": _interventions,
    "adjudication rule": _adjudication,
    "CTCAE version": _ctcae,
    "design": _designs,
    "quantity": _quantities,
}


@cache
def known(kind: str) -> tuple[str, ...]:
    """List the registered names of a kind, e.g. ``known("lymphodepletion")``."""
    return _REGISTRIES[kind]()
