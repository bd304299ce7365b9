"""Fractionated infusion with a hold rule: what evaluable patients then show, and what is lost.

Cells are given in fractions on successive days, and the rest is held when a patient is unwell after the first, as in
18 studies of CAR-T cells on 2 to 3 days (Frigault 2023, PMC9830795). A patient who is held has received less than the
dose assigned, so that dose given and dose assigned part once more.

Who is held is who would have been sick: one number per patient, uniform from 0 to 1, decides both (assumed: the most
informative case). A patient is held below ``hold``, has a toxicity of the whole dose below ``whole``, and one of the
part that was given below ``part``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from carwright.errors import Problems


@dataclass(frozen=True)
class Fractionation:
    """What a design sees, by label.

    ``toxicity`` is the probability among patients who count; ``delivery`` the probability that a patient receives the
    whole dose, if only these count, and 1 if all count.
    """

    toxicity: dict[str, float]
    delivery: dict[str, float]


def fractionate(
    whole: Mapping[str, float], part: Mapping[str, float], hold: Mapping[str, float], *, all_count: bool
) -> Fractionation:
    """Toxicity and delivery of a fractionated infusion.

    Parameters
    ----------
    whole, part
        Probability of dose-limiting toxicity of the whole dose, and of the first part alone, by label.
    hold
        Probability that the rest is held, by label.
    all_count
        Whether patients who were held are evaluable; otherwise they are replaced, and those who would have been sick
        with them.

    Raises
    ------
    CarwrightError
        If a part is more toxic than the whole.
    """
    problems = Problems()
    for label, chance in whole.items():
        if part[label] > chance:
            problems.add(
                "TRIAL059",
                f"part of the dose of node {label} is more toxic than all of it",
                where="held",
                found=f"{part[label]:g}, {chance:g}",
                allowed="no more than the truth",
                fix="correct the probabilities",
            )
    problems.raise_if_any()
    toxicity, delivery = {}, {}
    for label, chance in whole.items():
        seen = max(0.0, chance - hold[label])
        if all_count:
            toxicity[label], delivery[label] = seen + min(hold[label], part[label]), 1.0
        else:
            kept = 1.0 - hold[label]
            toxicity[label], delivery[label] = seen / kept if kept else 0.0, kept
    return Fractionation(toxicity, delivery)
