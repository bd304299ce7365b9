"""Ways out of a toxicity, and other ways of giving the cells: what a study may switch on beside the infusion.

An intervention is a function of a `Plan` that returns what it does to a patient: doses into states of the model,
parameters of the model, expressions that decide whether it is given, and the share of the cells given on each day.
Which states and parameters those are is the model's matter; a model without them does not know the intervention.
Amounts are those of the model's states, where 1 is a full dose unless the text says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from carwright.clinic.cytopenia import Cytopenia
from carwright.clinic.numbers import number

if TYPE_CHECKING:
    from carwright.engine import Trigger

KEYS = (
    *("day", "until_day", "amount", "share", "edited_fraction", "edited_antigens"),
    *("conditioning", "immunosuppression", "if_aplastic"),
)
"""What a plan may say; each intervention takes some of them."""


@dataclass(frozen=True)
class Plan:
    """What a study asks for.

    Parameters
    ----------
    day, until_day
        When it is given, and when the last repetition may be; days from the infusion.
    amount
        Amount of each dose; None for the intervention's own.
    share
        Share of the CAR-T cells.
    edited_fraction
        Share of a graft that carries the edit.
    edited_antigens
        Antigens that edited cells lack or hide; None for all of the CAR's.
    conditioning
        Whether conditioning comes before a graft.
    immunosuppression
        Whether T cells are kept from dividing for some three months after a graft.
    if_aplastic
        Whether only patients with severe neutropenia get it, from the day on.
    """

    day: float | None = None
    until_day: float | None = None
    amount: float | None = None
    share: float | None = None
    edited_fraction: float | None = None
    edited_antigens: tuple[str, ...] | None = None
    conditioning: bool | None = None
    immunosuppression: bool | None = None
    if_aplastic: bool | None = None

    @property
    def given(self) -> frozenset[str]:
        """Keys that the plan says something about."""
        return frozenset(key for key in KEYS if getattr(self, key) is not None)


@dataclass(frozen=True)
class Dose:
    """An amount into a state on a day; with ``when`` above 0 only, from that day on and once, if it is given."""

    day: float
    state: str
    amount: float
    when: str | None = None


@dataclass(frozen=True)
class Effects:
    """What an intervention does: doses, medians of parameters, shares of the cells given later, and edited antigens."""

    doses: tuple[Dose, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)
    later_cells: tuple[tuple[float, float], ...] = ()
    edited_antigens: tuple[str, ...] | None = None

    @property
    def first_day(self) -> float:
        """First day on which something happens after the infusion; infinite without one."""
        return min([dose.day for dose in self.doses] + [day for day, _ in self.later_cells], default=np.inf)


@dataclass(frozen=True)
class Amounts:
    """Amounts, intervals and limits."""

    graft: float = number(
        5e6, "1/kg", "assumed", "CD34-positive cells, a usual graft; the first trem-cel graft held 7.6e6, NCT04849910"
    )
    conditioning: float = number(1.0, "1", "assumed", "a myeloablative course")
    conditioning_lead: float = number(6.0, "day", "assumed", "conditioning begins about a week before the graft")
    worn_off: float = number(0.05, "1", "assumed", "conditioning that may still act when a graft is given")
    immunosuppression: float = number(1.0, "1", "assumed", "levels in the therapeutic range")
    switch: float = number(1.0, "1", "assumed", "one full dose of the drug of the switch")
    antibody: float = number(1.0, "1", "assumed", "one full dose of the antibody")
    antibody_interval: float = number(7.0, "day", "assumed", "weekly, as cetuximab is given")
    adapter: float = number(1.0, "1", "assumed", "stands for a continuous infusion, together with its interval")
    adapter_interval: float = number(0.5, "day", "assumed", "twice a day keeps more than half of the CARs occupied")


@dataclass(frozen=True)
class Intervention:
    """A registered intervention; ``text`` says what it does, ``takes`` and ``needs`` are keys of a plan."""

    name: str
    text: str
    takes: frozenset[str]
    needs: frozenset[str]
    carry_out: Callable[[Plan, Amounts], Effects]


INTERVENTIONS: dict[str, Intervention] = {}
"""The registered interventions by name."""


def intervention(
    name: str, text: str, *, takes: Sequence[str] = (), needs: Sequence[str] = ()
) -> Callable[[Callable[[Plan, Amounts], Effects]], Callable[[Plan, Amounts], Effects]]:
    """Register a function as the intervention ``name``."""

    def register(carry_out: Callable[[Plan, Amounts], Effects]) -> Callable[[Plan, Amounts], Effects]:
        INTERVENTIONS[name] = Intervention(name, text, frozenset({*takes, *needs}), frozenset(needs), carry_out)
        return carry_out

    return register


@intervention(
    "transplant",
    "Allogeneic stem cells on a day (`amount` CD34-positive cells per kg), with `conditioning` before them or without,"
    " and with `immunosuppression` after them, which stops CAR-T cells from dividing, or without,"
    " to every patient or, `if_aplastic`, to those with severe neutropenia from that day on. The `edited_fraction` of"
    " the graft lacks the target, or carries it so that the CAR does not bind. Rescue, bridge to transplant and edited"
    " graft are all this.",
    needs=("day",),
    takes=("amount", "edited_fraction", "edited_antigens", "conditioning", "immunosuppression", "if_aplastic"),
)
def _transplant(plan: Plan, amounts: Amounts) -> Effects:
    assert plan.day is not None  # noqa: S101 - a needed key
    graft = amounts.graft if plan.amount is None else plan.amount
    aplastic = f"{Cytopenia().severe_neutrophils!r} - neutrophils_per_ul" if plan.if_aplastic else None
    ready = aplastic
    doses = []
    if plan.conditioning:
        doses.append(Dose(plan.day - amounts.conditioning_lead, "conditioning", amounts.conditioning, aplastic))
        if plan.if_aplastic:
            ready = f"min({amounts.worn_off!r} - conditioning, conditioning - {amounts.worn_off / 10.0!r})"
    doses.append(Dose(plan.day, "graft_stem_cells", graft, ready))
    if plan.immunosuppression:
        doses.append(Dose(plan.day, "immunosuppression", amounts.immunosuppression, ready))
    edited = {"edited_fraction": plan.edited_fraction or 0.0}
    return Effects(tuple(doses), edited, edited_antigens=plan.edited_antigens)


@intervention(
    "suicide-switch",
    "The drug of the CAR-T cells' suicide switch on a day, one dose.",
    needs=("day",),
    takes=("amount",),
)
def _suicide_switch(plan: Plan, amounts: Amounts) -> Effects:
    assert plan.day is not None  # noqa: S101 - a needed key
    return Effects((Dose(plan.day, "suicide_switch", amounts.switch if plan.amount is None else plan.amount),))


@intervention(
    "depletion-antibody",
    "An antibody against a marker on the CAR-T cells on a day, and weekly to `until_day` if that is given.",
    needs=("day",),
    takes=("amount", "until_day"),
)
def _depletion_antibody(plan: Plan, amounts: Amounts) -> Effects:
    amount = amounts.antibody if plan.amount is None else plan.amount
    return Effects(_repeated(plan, "depletion_antibody", amount, amounts.antibody_interval))


@intervention(
    "messenger-rna",
    "The CAR comes from messenger RNA and is lost within days.",
)
def _messenger_rna(_plan: Plan, _amounts: Amounts) -> Effects:
    return Effects(parameters={"car_transience": 1.0})


@intervention(
    "adapter",
    "The CAR sees its target only while an adapter is infused, from `day` to `until_day`; without it the cells are"
    " blind.",
    needs=("day", "until_day"),
    takes=("amount",),
)
def _adapter(plan: Plan, amounts: Amounts) -> Effects:
    amount = amounts.adapter if plan.amount is None else plan.amount
    return Effects(_repeated(plan, "adapter", amount, amounts.adapter_interval), {"adapter_dependence": 1.0})


@intervention(
    "fractionated-infusion",
    "A `share` of the assigned cells is given on a later day instead of the day of the infusion. It may be named"
    " several times. The later part is given whatever the toxicity of the first.",
    needs=("day", "share"),
)
def _fractionated_infusion(plan: Plan, _amounts: Amounts) -> Effects:
    assert plan.day is not None  # noqa: S101 - needed keys
    assert plan.share is not None  # noqa: S101
    return Effects(later_cells=((plan.day, plan.share),))


def _repeated(plan: Plan, state: str, amount: float, interval: float) -> tuple[Dose, ...]:
    assert plan.day is not None  # noqa: S101 - a needed key
    last = plan.day if plan.until_day is None else plan.until_day
    return tuple(Dose(float(day), state, amount) for day in np.arange(plan.day, last + 1e-9, interval))


def effects_of(plans: Sequence[tuple[str, Plan]], amounts: Amounts | None = None) -> Effects:
    """Join what several interventions, each a name and its plan, do to a patient."""
    found = [INTERVENTIONS[name].carry_out(plan, amounts or Amounts()) for name, plan in plans]
    return Effects(
        tuple(dose for effects in found for dose in effects.doses),
        {name: value for effects in found for name, value in effects.parameters.items()},
        tuple(part for effects in found for part in effects.later_cells),
        next((effects.edited_antigens for effects in found if effects.edited_antigens is not None), None),
    )


def intervention_triggers(effects: Effects) -> tuple[Trigger, ...]:
    """Turn the doses that depend on the patient into triggers of the engine."""
    from carwright.engine import Trigger

    return tuple(
        Trigger(
            name=f"{dose.state} if needed",
            when=dose.when,
            assignments={dose.state: f"{dose.state} + {dose.amount!r}"},
            start=dose.day,
        )
        for dose in effects.doses
        if dose.when is not None
    )
