"""Interventions in a study file: the ways out of a toxicity, and other ways of giving the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from carwright.errors import Problems
from carwright.study import fields as f
from carwright.study.fields import Part
from carwright.study.messages import Where

if TYPE_CHECKING:
    from carwright.clinic.interventions import Effects, Plan
    from carwright.models import Model


class Intervention(Part):
    """Something that a study does beside the infusion; each intervention takes some of the keys."""

    name: f.InterventionName = Field(description="Which intervention.")
    day: f.AnyDay | None = Field(None, description="When it is given, days after the infusion.")
    until_day: f.AnyDay | None = Field(None, description="Last day of repeated doses.")
    amount: f.Amount | None = Field(None, description="Amount of each dose, in the unit of the model's state.")
    share: f.Fraction | None = Field(None, description="Share of the CAR-T cells.")
    edited_fraction: f.Fraction | None = Field(None, description="Share of the graft that carries the edit.")
    edited_antigens: tuple[str, ...] | None = Field(
        None, description="Antigens that edited cells lack or hide; all of the gate's by default.", min_length=1
    )
    conditioning: bool | None = Field(None, description="Conditioning before the graft.")
    immunosuppression: bool | None = Field(None, description="Immunosuppression for some three months after the graft.")
    if_aplastic: bool | None = Field(
        None, description="Only for patients with severe neutropenia, from the day on, instead of for all."
    )

    @property
    def plan(self) -> Plan:
        """The intervention as the clinic takes it."""
        from carwright.clinic.interventions import Plan

        return Plan(**self.model_dump(exclude={"name"}))


def effects(interventions: Sequence[Intervention]) -> Effects:
    """Join what interventions do to a patient."""
    from carwright.clinic.interventions import effects_of

    return effects_of([(entry.name, entry.plan) for entry in interventions])


def check_interventions(
    interventions: Sequence[Intervention], model: Model, horizon: float, where: Where, problems: Problems
) -> None:
    """Record what is wrong with interventions: keys, days, and what the model does not know."""
    from carwright.clinic.interventions import INTERVENTIONS

    sound = []
    for index, entry in enumerate(interventions):
        known, given = INTERVENTIONS[entry.name], entry.plan.given
        place = ("interventions", index)
        for key in sorted(given - known.takes):
            problems.add(
                "STUDY012",
                f"the intervention {entry.name} takes no {key}",
                where=where((*place, key)),
                allowed=", ".join(sorted(known.takes)) or "no key beside its name",
                fix="remove it",
            )
        for key in sorted(known.needs - given):
            problems.add(
                "STUDY012",
                f"the intervention {entry.name} needs {key}",
                where=where(place),
                allowed=", ".join(sorted(known.takes)),
                fix="give it",
            )
        if known.needs <= given <= known.takes:
            _check_days(entry, horizon, where, place, problems)
            _check_model(entry, model, where, place, problems)
            sound.append(entry)
    later = sum(share for _, share in effects(sound).later_cells)
    if later > 1.0 + 1e-12:
        problems.add(
            "STUDY012",
            "more than all of the cells are given later",
            where=where(("interventions",)),
            found=f"shares that add to {later:g}",
            allowed="shares that add to 1 or less",
        )


def _check_days(
    entry: Intervention, horizon: float, where: Where, place: tuple[str | int, ...], problems: Problems
) -> None:
    first = effects([entry]).first_day
    early = (entry.name != "adapter" and first <= 0.0) or first < 0.0
    if early:
        problems.add(
            "STUDY012",
            f"the intervention {entry.name} begins before the infusion that it needs",
            where=where((*place, "day")),
            found=f"day {first:g} of its first dose",
            allowed="a day after the infusion, which is on day 0",
            fix=f"give it {1 - first:g} days later",
        )
    for key in ("day", "until_day"):
        day = getattr(entry, key)
        if day is not None and day > horizon:
            problems.add(
                "STUDY012",
                f"the intervention {entry.name} lies beyond the follow-up",
                where=where((*place, key)),
                found=f"day {day:g}",
                allowed=f"{horizon:g} days or less",
            )
    if entry.day is not None and entry.until_day is not None and entry.until_day < entry.day:
        problems.add(
            "STUDY012",
            f"the intervention {entry.name} ends before it begins",
            where=where((*place, "until_day")),
            found=f"day {entry.until_day:g}",
            allowed=f"day {entry.day:g} or later",
        )


def _check_model(
    entry: Intervention, model: Model, where: Where, place: tuple[str | int, ...], problems: Problems
) -> None:
    table, own = model.table, effects([entry])
    states, parameters = {state.name for state in table.states}, {row.name for row in table.parameters}
    missing = {dose.state for dose in own.doses} - states | (set(own.parameters) - parameters)
    if missing:
        problems.add(
            "STUDY012",
            f"the model {model.name!r} does not know the intervention {entry.name}",
            where=where((*place, "name")),
            found=f"no {', '.join(sorted(missing))} in the model",
            fix="leave it out, or study another disease",
        )
