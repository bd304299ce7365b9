"""Labels of arms after an override of the construct: none may name a construct that the arm no longer has."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from carwright.study.overrides import target_path


def relabelled(study: Mapping[str, Any], before: object, *, given: bool) -> dict[str, Any]:
    """A study's plain data under a new construct: its own arm is called by it, unless a label was given as well.

    A comparator that has the study's construct, and whose label begins with the study's, is called likewise: beside
    ``CD33``, ``CD33, transplant`` becomes ``cll1, transplant``.

    Parameters
    ----------
    study
        The study with its new construct.
    before
        Its label under the old one.
    given
        Whether a label was given for the new one.
    """
    data: dict[str, Any] = copy.deepcopy(dict(study))
    choice = data.get("construct")
    if not isinstance(choice, dict):
        return data  # validation says so
    if not given:
        further = (f"{key} {choice[key]}" for key in ("armour", "gate") if choice.get(key) is not None)
        data["label"] = ", ".join([str(choice.get("name")), *further])
    old = re.compile(rf"{re.escape(str(before))}(?!\w)")
    for comparator in data.get("comparators") or []:
        if isinstance(comparator, dict) and old.match(str(comparator.get("label"))) and not _has_its_own(comparator):
            comparator["label"] = f"{data['label']}{comparator['label'][len(str(before)) :]}"
    return data


def _has_its_own(comparator: Mapping[str, Any]) -> bool:
    """Whether a comparator names a construct."""
    changes = comparator.get("set")
    named = (("construct",), ("construct", "name"))
    return isinstance(changes, dict) and any(target_path(key, value) in named for key, value in changes.items())
