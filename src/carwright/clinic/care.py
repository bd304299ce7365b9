"""Supportive care that reacts to a patient's signs inside the simulation.

A rule becomes an engine `Trigger`: a condition over the model's signs and drug amounts, and the dose that is
given each time it holds and the interval since the last dose has passed. The conditions use the thresholds of
the grading scales. By default care does not slow the expansion of the cells (Stein 2019, doi
10.1002/psp4.12388, found none); whether it does is a parameter of the model, not of the rule.

Doses follow the ASTCT and ASCO algorithms (Neelapu 2019, doi 10.1002/hon.2595; Santomasso 2021, doi
10.1200/JCO.21.01992).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from carwright.clinic.crs import SUPPORT_GRADES, SignThresholds
from carwright.clinic.hlh import HlhLimit
from carwright.clinic.icans import IcansThresholds
from carwright.clinic.numbers import number
from carwright.clinic.readings import Floats
from carwright.errors import CarwrightError, Problem
from carwright.yamlfile import nearest

if TYPE_CHECKING:
    from carwright.engine import Trigger

ASCO = "Santomasso 2021, ASCO guideline, doi 10.1200/JCO.21.01992"
STEROID_COURSE = "Strati 2021, doi 10.1182/blood.2020008865: 1 to 30 days of corticosteroid"
ANAKINRA_USE = "Blood Adv 2022;6:3398, table 1: up to every 6 h, at most 100 mg a dose"
ICAHT_CARE = "EHA/EBMT recommendations, Rejeski 2023, doi 10.1182/blood.2023020578, table 3"
EQUIVALENCE = "4 mg of methylprednisolone act like 0.75 mg of dexamethasone, Meikle 1977, Am J Med 63:200"


@dataclass(frozen=True)
class CareDoses:
    """Doses, intervals and limits of the rules.

    Three doses of tocilizumab in 24 h, the guideline's other limit, follow from the interval of 8 h. Its
    limit of 800 mg a dose, which binds above 100 kg, is not simulated: the exposure is per kg and weight is
    not a covariate.
    """

    tocilizumab: float = number(8.0, "mg/kg", "published", ASCO)
    tocilizumab_interval: float = number(8.0 / 24.0, "day", "published", ASCO)
    tocilizumab_doses: int = number(4, "1", "published", ASCO)
    dexamethasone: float = number(10.0, "mg", "published", ASCO)
    dexamethasone_interval: float = number(6.0 / 24.0, "day", "published", ASCO)
    dexamethasone_doses: int = number(120, "1", "published", STEROID_COURSE)
    dexamethasone_from_icans: int = number(2, "1", "published", ASCO)
    methylprednisolone: float = number(500.0, "mg", "published", ASCO)
    methylprednisolone_interval: float = number(12.0 / 24.0, "day", "published", ASCO)
    methylprednisolone_doses: int = number(6, "1", "published", ASCO)
    dexamethasone_per_methylprednisolone: float = number(0.75 / 4.0, "1", "published", EQUIVALENCE)
    anakinra: float = number(100.0, "mg", "published", ANAKINRA_USE)
    anakinra_interval: float = number(6.0 / 24.0, "day", "published", ANAKINRA_USE)
    anakinra_doses: int = number(28, "1", "assumed", "seven days; published courses last days to weeks")
    g_csf: float = number(5.0, "ug/kg", "published", ICAHT_CARE)
    g_csf_interval: float = number(1.0, "day", "published", ICAHT_CARE)
    g_csf_count: float = number(500.0, "1/uL", "published", ICAHT_CARE)
    g_csf_first_day: float = number(2.0, "day", "published", ICAHT_CARE + ": from day 2 on in patients at high risk")
    g_csf_doses: int = number(60, "1", "assumed", "two months; aplastic patients often do not respond")
    refractory_tocilizumab: float = number(
        12.0,
        "mg/kg",
        "assumed",
        "more than one dose of tocilizumab in the body: a second one has been needed",
    )


@dataclass(frozen=True)
class Care:
    """Everything that the rules read: the scales' thresholds and the doses."""

    crs: SignThresholds = field(default_factory=SignThresholds)
    icans: IcansThresholds = field(default_factory=IcansThresholds)
    hlh: HlhLimit = field(default_factory=HlhLimit)
    doses: CareDoses = field(default_factory=CareDoses)


@dataclass(frozen=True)
class Order:
    """What a rule prescribes from the day ``start`` on: ``amount`` of ``drug`` (a state) while ``when`` is above 0."""

    drug: str
    amount: float
    when: str
    every_days: float
    at_most: int
    start: float = 0.0


CARE_RULES: dict[str, Callable[[Care], Order]] = {}
"""The known rules by name; the docstring of each says when it acts."""

DRUGS = ("tocilizumab", "corticosteroid", "anakinra")
"""Drugs whose doses are counted in every study; others where a rule orders them."""


def care_rule(name: str) -> Callable[[Callable[[Care], Order]], Callable[[Care], Order]]:
    """Register a function as the care rule ``name``."""

    def register(order: Callable[[Care], Order]) -> Callable[[Care], Order]:
        CARE_RULES[name] = order
        return order

    return register


def crs_signs(grade: int, thresholds: SignThresholds) -> str:
    """Write the expression above 0 at CRS ``grade`` (2 to 4), with fever or a drug that hides it."""
    support = (
        f"max({thresholds.pressure(grade)!r} - arterial_pressure, {thresholds.saturation(grade)!r} - oxygen_saturation)"
    )
    return f"min({support}, {syndrome(thresholds)})"


def syndrome(thresholds: SignThresholds) -> str:
    """Write the expression above 0 while there is fever, or a drug in the body that hides it."""
    return (
        f"max(temperature - {thresholds.fever!r}, tocilizumab - {thresholds.tocilizumab_active!r},"
        f" corticosteroid - {thresholds.corticosteroid_active!r}, anakinra - {thresholds.anakinra_active!r})"
    )


def icans_signs(grade: int, thresholds: IcansThresholds) -> str:
    """Write the expression above 0 when encephalopathy has ICANS ``grade`` (1 to 4)."""
    return f"encephalopathy - {thresholds.index(grade)!r}"


@care_rule("tocilizumab")
def _tocilizumab(care: Care) -> Order:
    """Tocilizumab at CRS grade 2 or more, repeated as long as the signs last."""
    doses = care.doses
    return Order(
        "tocilizumab",
        doses.tocilizumab,
        crs_signs(2, care.crs),
        doses.tocilizumab_interval,
        doses.tocilizumab_doses,
    )


@care_rule("dexamethasone")
def _dexamethasone(care: Care) -> Order:
    """Dexamethasone at CRS grade 3 or more, or ICANS grade 2 or more. No taper: doses end with the signs."""
    doses = care.doses
    return Order(
        "corticosteroid",
        doses.dexamethasone,
        f"max({crs_signs(3, care.crs)}, {icans_signs(doses.dexamethasone_from_icans, care.icans)})",
        doses.dexamethasone_interval,
        doses.dexamethasone_doses,
    )


@care_rule("methylprednisolone")
def _methylprednisolone(care: Care) -> Order:
    """Three days of methylprednisolone at grade 4, beside dexamethasone, which then stands for the taper."""
    doses = care.doses
    return Order(
        "corticosteroid",
        doses.methylprednisolone * doses.dexamethasone_per_methylprednisolone,
        f"max({crs_signs(4, care.crs)}, {icans_signs(4, care.icans)})",
        doses.methylprednisolone_interval,
        doses.methylprednisolone_doses,
    )


@care_rule("anakinra")
def _anakinra(care: Care) -> Order:
    """Anakinra at CRS grade 3 or more in spite of repeated tocilizumab, or at HLH/MAS."""
    doses = care.doses
    refractory = f"min({crs_signs(3, care.crs)}, tocilizumab - {doses.refractory_tocilizumab!r})"
    return Order(
        "anakinra",
        doses.anakinra,
        f"max({refractory}, min(ferritin / {care.hlh.ferritin!r} - 1, {syndrome(care.crs)}))",
        doses.anakinra_interval,
        doses.anakinra_doses,
    )


@care_rule("g-csf")
def _g_csf(care: Care) -> Order:
    """Filgrastim once a day in severe neutropenia, from the second day after the infusion on; needs a model with it."""
    doses = care.doses
    return Order(
        "gcsf",
        doses.g_csf,
        f"{doses.g_csf_count!r} - neutrophils_per_ul",
        doses.g_csf_interval,
        doses.g_csf_doses,
        doses.g_csf_first_day,
    )


def orders(names: Sequence[str], care: Care | None = None) -> dict[str, Order]:
    """Write what the named rules prescribe, by name.

    Raises
    ------
    CarwrightError
        Naming every unknown rule and the known one that is nearest to it.
    """
    unknown = [name for name in names if name not in CARE_RULES]
    if unknown:
        raise CarwrightError(
            *(
                Problem(
                    "CLINIC004",
                    "unknown care rule",
                    where="care",
                    found=name,
                    allowed=", ".join(CARE_RULES),
                    fix=nearest(name, list(CARE_RULES)),
                )
                for name in unknown
            )
        )
    chosen = care or Care()
    return {name: CARE_RULES[name](chosen) for name in names}


def care_rules(names: Sequence[str] = tuple(CARE_RULES), care: Care | None = None) -> tuple[Trigger, ...]:
    """Turn the named rules into engine triggers, acting from the infusion on; no names, no care.

    Raises
    ------
    CarwrightError
        If a name is unknown.
    """
    prescribed = orders(names, care)
    from carwright.engine import Trigger

    return tuple(
        Trigger(
            name=name,
            when=order.when,
            assignments={order.drug: f"{order.drug} + {order.amount!r}"},
            every_days=order.every_days,
            at_most=order.at_most,
            start=order.start,
        )
        for name, order in prescribed.items()
    )


def sign_watches(care: Care | None = None) -> tuple[Trigger, ...]:
    """Triggers that only note when the signs of CRS grade 2, 3 and 4 first show, in the order of `SUPPORT_GRADES`.

    They belong before those of care: care may end the signs in the instant in which they show.
    """
    from carwright.engine import Trigger

    thresholds = (care or Care()).crs
    return tuple(
        Trigger(name=f"signs of CRS grade {grade}", when=crs_signs(grade, thresholds), assignments={}, start=0.0)
        for grade in SUPPORT_GRADES
    )


def dose_counts(names: Sequence[str], trigger_counts: Floats) -> dict[str, Floats]:
    """Count the doses of each drug, ``<drug>_doses`` (n,), from the firings (n, len(names)); NaN stays NaN."""
    drugs = [order.drug for order in orders(names).values()]
    return {
        f"{drug}_doses": trigger_counts[:, [index for index, other in enumerate(drugs) if other == drug]].sum(axis=1)
        for drug in dict.fromkeys((*DRUGS, *drugs))
    }
