"""Types of the values in a study file: quantities, counts and names from the registries of other rooms."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from carwright.study import names
from carwright.study.units import in_unit, refuse
from carwright.yamlfile import nearest


class Part(BaseModel):
    """A mapping in a study file: unknown keys are refused and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _quantity(unit: str) -> BeforeValidator:
    return BeforeValidator(lambda value: in_unit(value, unit))


def _plain_number(value: Any) -> float:
    return in_unit(value, "")


def _whole(value: Any) -> Any:
    if isinstance(value, bool | str):
        refuse("number", "this is not a whole number", "a whole number")
    return value


def _word(value: Any) -> Any:
    """Take numbers as words, so that a node may be written ``-3`` and a version ``4.03`` without quotes."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _one_of(kind: str) -> AfterValidator:
    def check(value: str) -> str:
        known = names.known(kind)
        if value not in known:
            refuse("name", f"unknown {kind} {value!r}", ", ".join(known), nearest(value, known))
        return value

    return AfterValidator(check)


def _ascending(band: tuple[float, float]) -> tuple[float, float]:
    if band[0] > band[1]:
        fix = f"write [{band[1]:g}, {band[0]:g}]"
        refuse("band", "the low end of the band is above its high end", "low first, then high", fix)
    return band


_Positive = Annotated[float, BeforeValidator(_plain_number), Field(gt=0)]
BetaShape = tuple[_Positive, _Positive]
Amount = _Positive
LogSd = Annotated[float, BeforeValidator(_plain_number), Field(ge=0)]
Cells = Annotated[float, _quantity("cells"), Field(gt=0, json_schema_extra={"unit": "cells"})]
AnyDay = Annotated[float, _quantity("days"), Field(json_schema_extra={"unit": "days"})]
Days = Annotated[float, _quantity("days"), Field(ge=0, json_schema_extra={"unit": "days"})]
MOST_CELLS = 1e12
"""Cells beyond any infusion: about all lymphocytes of a human body (order of magnitude, assumed)."""
MOST_PER_KG = MOST_CELLS / 100.0
"""The same in a body of 100 kg."""

_PerM2 = Annotated[float, _quantity("cells/m2"), Field(gt=0, le=MOST_CELLS, json_schema_extra={"unit": "cells/m2"})]
_PerKg = Annotated[float, _quantity("cells/kg"), Field(gt=0, le=MOST_PER_KG, json_schema_extra={"unit": "cells/kg"})]
_PerPatient = Annotated[float, _quantity("cells"), Field(gt=0, le=MOST_CELLS, json_schema_extra={"unit": "cells"})]
PatientsPerMonth = Annotated[
    float, _quantity("patients/month"), Field(gt=0, json_schema_extra={"unit": "patients/month"})
]
Fraction = Annotated[float, _quantity("fraction"), Field(ge=0, le=1, json_schema_extra={"unit": "fraction"})]
CellsPerM2 = Annotated[tuple[_PerM2, _PerM2], AfterValidator(_ascending)]
CellsPerKg = Annotated[tuple[_PerKg, _PerKg], AfterValidator(_ascending)]
CellsPerPatient = Annotated[tuple[_PerPatient, _PerPatient], AfterValidator(_ascending)]
Count = Annotated[int, BeforeValidator(_whole), Field(ge=1, le=100_000_000)]
Seed = Annotated[int, BeforeValidator(_whole), Field(ge=0, lt=2**63)]
NodeId = Annotated[str, BeforeValidator(_word), Field(min_length=1)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
ModelName = Annotated[str, _one_of("model")]
ArmourName = Annotated[str, _one_of("armour")]
LymphodepletionName = Annotated[str, _one_of("lymphodepletion")]
DesignName = Annotated[str, _one_of("design")]
AdjudicationName = Annotated[str, _one_of("adjudication rule")]
CareName = Annotated[str, _one_of("supportive-care rule")]
CtcaeVersion = Annotated[str, BeforeValidator(_word), _one_of("CTCAE version")]
InterventionName = Annotated[str, _one_of("intervention")]
QuantityName = Annotated[str, _one_of("quantity")]
