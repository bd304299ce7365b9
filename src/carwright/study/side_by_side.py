"""A study that sets constructs side by side on the same virtual patients, after a shipped one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from carwright.study.load import read_study

BASE = "aml-target-choice"


def side_by_side(constructs: Sequence[Mapping[str, Any]], base: str = BASE) -> dict[str, Any]:
    """Plain data of a study of some constructs, the first as its own arm, and last the construct of the base.

    Parameters
    ----------
    constructs
        What files of constructs hold.
    base
        Shipped study whose patients, doses, care and trial are taken.
    """
    data = dict(read_study(base).data)
    before, label = data["construct"]["name"], data["label"]
    first, *others = constructs
    arms = [
        {"name": f"gate-{rank}", "label": entry["gate"], "set": {"construct.name": entry["name"]}}
        for rank, entry in enumerate(others, 2)
    ]
    return {
        **data,
        "study": "found-gates",
        "title": f"Gates of a target search, beside {label}",
        "label": first["gate"],
        "question": f"Which gate gives the most remissions for the fewest days without neutrophils, beside {label}?",
        "construct": {"name": first["name"]},
        "constructs": list(constructs),
        "comparators": [*arms, {"name": before, "label": label, "set": {"construct.name": before}}],
    }
