"""The parameter table of a model: every number with its unit, variability, source and kind."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Distribution = Literal["lognormal", "logitnormal", "exponential"]


class Kind(StrEnum):
    """How sure a number is."""

    PUBLISHED = "published"
    """Read in the source that is named, or in a re-implementation of it that the reference names."""
    FITTED = "fitted"
    """Solved from the data that are named."""
    ASSUMED = "assumed"
    """A choice; the source gives the reasoning."""


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(_Row):
    """One parameter or covariate.

    ``patients`` is the standard deviation between patients and ``population`` the uncertainty of the median
    between plausible populations, both of ln(value) for `lognormal` and of logit(value) for `logitnormal`. An
    exponential one has ``value`` as its mean and ignores the two deviations.
    """

    name: str
    value: float
    unit: str
    range: tuple[float, float]
    meaning: str
    kind: Kind
    source: Annotated[str, Field(min_length=3)]
    distribution: Distribution = "lognormal"
    patients: Annotated[float, Field(ge=0)] = 0.0
    population: Annotated[float, Field(ge=0)] = 0.0

    @model_validator(mode="after")
    def _value_lies_in_range(self) -> Parameter:
        low, high = self.range
        if not low <= self.value <= high:
            message = f"{self.name}: value {self.value:g} lies outside its range {low:g} to {high:g}"
            raise ValueError(message)
        if self.varies and self.distribution == "lognormal" and self.value <= 0:
            message = f"{self.name}: a lognormal parameter needs a value above 0"
            raise ValueError(message)
        if self.varies and self.distribution == "logitnormal" and not (0 < self.value < 1 and low >= 0 and high <= 1):
            message = f"{self.name}: a logit-normal parameter and its range need to lie between 0 and 1"
            raise ValueError(message)
        return self

    @property
    def low(self) -> float:
        """Smallest permitted value."""
        return self.range[0]

    @property
    def high(self) -> float:
        """Largest permitted value."""
        return self.range[1]

    @property
    def varies(self) -> bool:
        """Whether patients or populations differ in it; a fraction of exactly 0 or 1 is the same in all."""
        if self.distribution == "logitnormal" and self.value in (0.0, 1.0):
            return False
        return self.distribution == "exponential" or self.patients > 0 or self.population > 0

    @property
    def spread(self) -> str:
        """The distribution in words, for tables."""
        if self.distribution == "exponential":
            return "exponential"
        if not self.varies:
            return "the same in all patients"
        return f"{self.distribution}, SD {self.patients:g} between patients, {self.population:g} of the median"


class State(_Row):
    """One state variable; ``scale`` is the size below which its error does not matter."""

    name: str
    meaning: str
    unit: str
    scale: Annotated[float, Field(gt=0)]


class ReadOut(_Row):
    """One variable that follows from the states by an assignment rule."""

    name: str
    meaning: str
    unit: str


class Correlation(_Row):
    """Correlation of the normal deviates behind two parameters or covariates."""

    first: str
    second: str
    value: Annotated[float, Field(gt=-1, lt=1)]
    kind: Kind
    source: str


class Uncertainty(_Row):
    """How much less is unknown in one disease than its rows would say one by one.

    Rows are given their deviations between populations singly, as if nothing were known about what they do together.
    Publications about the disease tell more: every ``population`` of the table has been multiplied by ``factor``.
    """

    factor: Annotated[float, Field(gt=0, le=1)]
    kind: Kind
    source: Annotated[str, Field(min_length=3)]


class ParameterTable(_Row):
    """Everything that one disease's YAML file says beside the equations."""

    model: str
    title: str
    modules: tuple[str, ...]
    references: dict[str, str]
    states: tuple[State, ...]
    read_outs: tuple[ReadOut, ...]
    extinctions: dict[str, str]
    recognition: dict[str, str] = {}
    """Parameter that holds the recognised share of a population -> that population in `carwright.construct`."""
    edited_recognition: dict[str, str] = {}
    """The same for populations that come from an edited graft."""
    uncertainty: Uncertainty | None = None
    covariates: tuple[Parameter, ...]
    parameters: tuple[Parameter, ...]
    correlations: tuple[Correlation, ...]

    @model_validator(mode="before")
    @classmethod
    def _rows_from_mappings(cls, raw: dict[str, object]) -> dict[str, object]:
        """Turn the compact YAML (name -> row) into lists of rows."""
        out = dict(raw)
        for key in ("covariates", "parameters"):
            rows = out.get(key)
            if isinstance(rows, dict):
                out[key] = tuple({"name": name, **row} for name, row in rows.items())
        for key, names in (("states", ("meaning", "unit", "scale")), ("read_outs", ("meaning", "unit"))):
            rows = out.get(key)
            if isinstance(rows, dict):
                out[key] = tuple({"name": n, **dict(zip(names, row, strict=True))} for n, row in rows.items())
        pairs = out.get("correlations")
        if isinstance(pairs, list):
            keys = ("first", "second", "value", "kind", "source")
            out["correlations"] = tuple(dict(zip(keys, pair, strict=True)) for pair in pairs)
        return out

    @model_validator(mode="after")
    def _names_agree(self) -> ParameterTable:
        known = {row.name for row in (*self.parameters, *self.covariates)}
        states = {state.name for state in self.states}
        missing = [n for c in self.correlations for n in (c.first, c.second) if n not in known]
        missing += [n for pair in self.extinctions.items() for n in pair if n not in states | known]
        missing += [n for n in (*self.recognition, *self.edited_recognition) if n not in known]
        if missing:
            message = f"names without a row: {', '.join(missing)}"
            raise ValueError(message)
        for row in (*self.parameters, *self.covariates):
            for key in row.source.split(":")[0].split(","):
                if key.strip() not in self.references:
                    message = f"{row.name}: source {key.strip()!r} is not among the references"
                    raise ValueError(message)
        return self

    def parameter(self, name: str) -> Parameter:
        """The row of a parameter or covariate; raises KeyError for an unknown name."""
        for row in (*self.parameters, *self.covariates):
            if row.name == name:
                return row
        raise KeyError(name)

    def kinds(self) -> dict[str, int]:
        """How many parameters are published, fitted and assumed."""
        rows = (*self.parameters, *self.covariates)
        return {kind.value: sum(row.kind is kind for row in rows) for kind in Kind}
