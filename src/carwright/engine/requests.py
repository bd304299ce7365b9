"""What a caller asks of a kernel: functionals, triggers, doses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from carwright.engine.expression import Expr

KINDS: Final = (
    "maximum",
    "time_of_maximum",
    "minimum",
    "time_of_minimum",
    "integral",
    "days_below",
    "days_above",
    "first_day_above",
    "first_day_below",
    "last_day_above",
    "value_at",
)
"""Kinds of functionals; the lane driver knows them by their place here."""

NEEDS_THRESHOLD: Final = frozenset(kind for kind in KINDS if kind.endswith(("above", "below")))


@dataclass(frozen=True)
class Functional:
    """One number per patient, computed while solving.

    Parameters
    ----------
    kind
        One of `KINDS`. Times are absolute; "first" and "last" are NaN where the threshold is never crossed,
        and a value that is
        beyond the threshold when the window opens counts from there. ``value_at`` is the value at ``end``,
        after any dose then.
    of
        Name of a state or observable.
    start, end
        Window; infinite bounds stand for the bounds of the solve.
    threshold
        A number, or the name of a parameter, for the kinds that compare.
    """

    kind: str
    of: str
    start: float = -math.inf
    end: float = math.inf
    threshold: float | str | None = None


@dataclass(frozen=True)
class Trigger:
    """Something that happens in the model when a condition becomes true.

    Parameters
    ----------
    name
        For reports and columns.
    when
        Formula (SBML Level 3 infix) over states, observables, parameters and ``time``; the trigger fires when
        it becomes
        greater than 0 (a condition counts as 1 when true). It also fires at once if that is so when its
        window opens or a dose
        makes it so.
    assignments
        New values of states, formulas (or expressions) over the state just before. Triggers that fire at the same
        instant act one after the other, in the order in which they are given.
    every_days
        When given, it fires again whenever ``when`` is above 0 and this much time has passed since the last
        firing. Otherwise it
        must first see ``when`` at or below 0 again.
    at_most
        Largest number of firings.
    start, end
        Window in which it may fire, ``end`` excluded.
    """

    name: str
    when: str | Expr
    assignments: Mapping[str, str | Expr] = field(hash=False)
    every_days: float | None = None
    at_most: int = 1
    start: float = -math.inf
    end: float = math.inf

    def __post_init__(self) -> None:
        object.__setattr__(self, "assignments", MappingProxyType(dict(self.assignments)))


@dataclass(frozen=True)
class Dosing:
    """Amounts added to states at given times, the same times for all patients of a call.

    Parameters
    ----------
    times
        (m,) days.
    targets
        m names of states.
    amounts
        (n, m) amounts. A state that is an amount grows by this much, one that is a concentration by amount /
        volume.
    """

    times: npt.ArrayLike
    targets: tuple[str, ...]
    amounts: npt.ArrayLike

    @staticmethod
    def none(patients: int) -> Dosing:
        """No doses at all."""
        return Dosing(np.empty(0), (), np.empty((patients, 0)))
