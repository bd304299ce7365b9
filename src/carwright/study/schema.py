"""The study file: disease model, construct, dose space, design, population and the facts to compare with."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PrivateAttr, SerializerFunctionWrapHandler, model_serializer, model_validator

from carwright.construct import Construct
from carwright.study import fields as f
from carwright.study.designs import ComparedDesign, Design
from carwright.study.fields import Part
from carwright.study.interventions import Intervention
from carwright.study.units import refuse
from carwright.yamlfile import write_yaml

if TYPE_CHECKING:
    from carwright.trial import attrition as trial_attrition
    from carwright.trial import product as trial_product
    from carwright.trial.calendar import Calendar

# pydantic still carries a long-deprecated method `construct`; in a study the word means the CAR.
warnings.filterwarnings("ignore", 'Field name "construct" in "Study"', UserWarning)

STUDY_ARM = "study"
"""Name of the arm that a study describes itself; comparators have names of their own."""


def _calendar() -> Calendar:
    from carwright.trial.calendar import Calendar

    return Calendar()


def _attrition() -> trial_attrition.Attrition:
    from carwright.trial.attrition import Attrition

    return Attrition()


def _product() -> trial_product.Product:
    from carwright.trial.product import Product

    return Product()


class ConstructChoice(Part):
    """The CAR under study."""

    name: str = Field(
        description="Construct from the catalogue or of `constructs`, or the path of a construct's file "
        "(`carwright targets gates --to-construct`), seen from the study's folder.",
        min_length=1,
    )
    armour: f.ArmourName | None = Field(
        None, description="Replaces the construct's armour; 'none' removes it; null keeps it."
    )
    gate: str | None = Field(
        None, description="Replaces the construct's gate, e.g. 'CD33 AND CLL-1'; null keeps it.", min_length=1
    )


class Population(Part):
    """Virtual patients, drawn in blocks: one draw of the uncertain population per block."""

    patients: f.Count = Field(description="Virtual patients in all.")
    patients_per_population: f.Count = Field(
        description="Patients who share one draw of the population; a simulated trial draws from one block."
    )
    antigen_positive: bool = Field(
        True,
        description="Only patients whose malignant cells carry the antigens of the gate; otherwise a share of patients "
        "lacks each. Of no meaning to models without antigens.",
    )


class DoseNode(Part):
    """One dose level: cells and lymphodepletion."""

    id: f.NodeId = Field(description="Label, as in the protocol and in outcome strings.")
    cells_per_m2: f.CellsPerM2 | None = Field(
        None, description="Assigned CAR-T cells per body surface, low and high end, cells/m2."
    )
    cells_per_kg: f.CellsPerKg | None = Field(
        None, description="Assigned CAR-T cells per body weight, low and high end, cells/kg."
    )
    cells: f.CellsPerPatient | None = Field(
        None, description="Assigned CAR-T cells whatever the patient's size, low and high end, cells."
    )
    lymphodepletion: f.LymphodepletionName = Field(description="Regimen before the infusion.")

    @model_validator(mode="after")
    def _has_cells(self) -> DoseNode:
        from carwright.trial.space import MEASURES

        keys = list(MEASURES.values())
        given = [key for key in keys if getattr(self, key) is not None]
        if len(given) != 1:
            what = f"the doses of a level are given {len(given)} times" if given else "a dose level has no cells"
            refuse("band", what, f"one of {', '.join(keys)}", "give one of them; null takes away another")
        return self

    @model_serializer(mode="wrap")
    def _as_given(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in write(self).items() if value is not None}


class DoseSpace(Part):
    """Dose levels and what is known about their order."""

    nodes: tuple[DoseNode, ...] = Field(description="Dose levels.", min_length=1)
    order: tuple[str, ...] = Field(
        (), description="Chains such as '1 < 2 < 3': no more toxic to the left. Other pairs are not ordered."
    )
    source: str = Field(description="Where the levels come from.", min_length=1)


class Adjudication(Part):
    """How dose-limiting toxicity is decided."""

    rule: f.AdjudicationName = Field(description="Rule that drives the design.")
    compare: tuple[f.AdjudicationName, ...] = Field(
        (), description="Further rules under which the same patients are judged."
    )
    window_days: f.Days = Field(description="Observation window after the infusion, days.", gt=0)
    ctcae: f.CtcaeVersion = Field(description="Version of CTCAE for laboratory grades.")


class _Sourced(Part):
    """Numbers that the trial room has with their sources, unless the study gives its own."""

    own_source: ClassVar[str]
    own_kind: ClassVar[str]

    source: str = Field(description="Where the numbers come from.", min_length=1)
    kind: Literal["published", "fitted", "assumed"] = Field(description="Standing of the numbers.")

    @model_validator(mode="before")
    @classmethod
    def _source_of_what_is_given(cls, data: Any) -> Any:
        """Keep the trial room's source only where all numbers are the trial room's."""
        if not isinstance(data, dict):
            return data
        changed = bool(data.keys() - {"source", "kind"})
        source = "the study file" if changed else cls.own_source
        return {"source": source, "kind": "assumed" if changed else cls.own_kind, **data}

    def numbers(self) -> dict[str, Any]:
        """Return the settings without their source, as the trial room takes them."""
        return self.model_dump(exclude={"source", "kind"})


class Accrual(_Sourced):
    """The calendar of enrolment; what is left out is as in `carwright.trial.calendar.Calendar`."""

    own_source = "accrual and review time assumed; a sentinel gap of at least 14 days as in NCT07488546"
    own_kind = "assumed"

    accrual_per_month: f.PatientsPerMonth = Field(
        default_factory=lambda: _calendar().accrual_per_month,
        description="Enrolment while a place is free, patients/month.",
    )
    sentinel_gap_days: f.Days = Field(
        default_factory=lambda: _calendar().sentinel_gap_days,
        description="Wait after the first patient of each cohort, days.",
    )
    review_days: f.Days = Field(
        default_factory=lambda: _calendar().review_days,
        description="From the end of the last window to the next cohort, days.",
    )


class Attrition(_Sourced):
    """Loss before the infusion; what is left out is as in `carwright.trial.attrition.Attrition`."""

    own_source = (
        "losses fitted to six trials of approved products (PMC8427697, table 2), without this trial; time to "
        "infusion of tisagenlecleucel in children (doi:10.1038/s41408-024-01038-2, table 3), assumed to hold here"
    )
    own_kind = "fitted"

    failure_beta: f.BetaShape = Field(
        default_factory=lambda: _attrition().failure_beta,
        description="Beta distribution of the probability of manufacturing failure: its two shapes.",
    )
    loss_beta: f.BetaShape = Field(
        default_factory=lambda: _attrition().loss_beta,
        description="Beta distribution of the probability that a made product is not given: its two shapes.",
    )
    withdrawal_share: f.Fraction = Field(
        default_factory=lambda: _attrition().withdrawal_share,
        description="Share of those losses that is withdrawal; the rest is progression or death.",
    )
    median_days: f.Days = Field(
        default_factory=lambda: _attrition().median_days,
        description="Median time from enrolment to infusion, days.",
    )
    log_sd: f.LogSd = Field(
        default_factory=lambda: _attrition().log_sd,
        description="Standard deviation of the logarithm of that time.",
    )


class Product(_Sourced):
    """Yield of the manufacture; what is left out is as in `carwright.trial.product.Product`."""

    own_source = "assumed; products short of dose as often as with lisocabtagene maraleucel (PMC8427697)"
    own_kind = "assumed"

    median_cells: f.Cells = Field(default_factory=lambda: _product().median_cells, description="Median yield, cells.")
    log_sd: f.LogSd = Field(
        default_factory=lambda: _product().log_sd,
        description="Standard deviation of the logarithm of the yield.",
    )


class Comparator(Part):
    """The same patients with something changed."""

    name: f.Slug = Field(description="Name of the arm in tables.")
    label: str = Field(description="Name of the arm for readers.", min_length=1)
    set: dict[str, Any] = Field(description="Changed keys, as in --set.", min_length=1)


class PublishedFact(Part):
    """A published result that the simulation is shown beside."""

    quantity: f.QuantityName = Field(description="Quantity, as in summary.json.")
    count: int | None = Field(None, description="Patients with the event.", ge=0)
    of: int | None = Field(None, description="Patients observed.", ge=1)
    value: float | None = Field(None, description="Published value when it is no count; the quantity's unit.")
    source: str = Field(description="DOI and place in the publication.", min_length=1)
    certainty: Literal["published", "inferred"] = Field(
        description="Printed in the source, or derived from what it prints."
    )


class Study(Part):
    """A study as understood: every number in its documented unit, every default filled in."""

    study: f.Slug = Field(description="Name of the study.")
    title: str = Field(description="One line for readers.", min_length=1)
    label: str = Field(description="Name of the study's own arm for readers.", min_length=1)
    question: str = Field(description="The question that the study answers.", min_length=1)
    model: f.ModelName = Field(description="Disease model.")
    construct: ConstructChoice = Field(description="The CAR under study.")  # type: ignore[assignment]  # as above
    constructs: tuple[Construct, ...] = Field(
        (), description="Constructs beside the catalogue's: paths of files, or what such a file holds."
    )
    population: Population = Field(description="Virtual patients.")
    trials: f.Count = Field(description="Simulated trials.")
    seed: f.Seed = Field(description="Seed of every random stream.")
    horizon_days: f.Days = Field(description="Follow-up after the infusion, days.", gt=0, le=36525)
    dose_space: DoseSpace = Field(description="Dose levels.")
    design: Design = Field(description="Dose-finding design.")
    compare_designs: tuple[ComparedDesign, ...] = Field(
        (), description="Designs that are replayed on the same virtual patients, beside the study's own."
    )
    target_toxicity: f.Fraction = Field(
        0.30,
        description="Rate of dose-limiting toxicity aimed at, by which compared designs are judged; also the target of "
        "every design that has one, unless its options say otherwise. Assumed: 3+3 has none.",
        gt=0,
        lt=1,
    )
    adjudication: Adjudication = Field(description="Dose-limiting toxicity.")
    care: tuple[f.CareName, ...] = Field((), description="Supportive-care rules that react in the solve.")
    interventions: tuple[Intervention, ...] = Field(
        (), description="What is done beside the infusion: rescue, switches, adapters, fractions."
    )
    accrual: Accrual = Field(default_factory=lambda: Accrual.model_validate({}), description="Calendar of enrolment.")
    attrition: Attrition = Field(
        default_factory=lambda: Attrition.model_validate({}), description="Loss between enrolment and infusion."
    )
    product: Product = Field(
        default_factory=lambda: Product.model_validate({}), description="Yield of the manufacture."
    )
    comparators: tuple[Comparator, ...] = Field((), description="Further arms on the same patients.")
    parameters: dict[str, float] = Field(
        default_factory=dict,
        description="Population medians that replace those of the model's table, in the table's units.",
    )
    published: tuple[PublishedFact, ...] = Field((), description="Facts to compare with.")

    _as_given: str | None = PrivateAttr(None)
    _arms: tuple[tuple[str, str, Study], ...] = PrivateAttr(())

    @property
    def as_given(self) -> str:
        """Text of the file that the study was read from; the resolved text if it came from no file."""
        return self._as_given if self._as_given is not None else self.to_yaml()

    def arms(self) -> tuple[tuple[str, str, Study], ...]:
        """List the arms as (name, label, study): the study itself first, then its comparators resolved."""
        return ((STUDY_ARM, self.label, self), *self._arms)

    def to_yaml(self) -> str:
        """Write the study as understood; reading this text gives the same study again."""
        return write_yaml(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """SHA-256 of the resolved text: two studies with the same digest give the same results."""
        return hashlib.sha256(self.to_yaml().encode()).hexdigest()
