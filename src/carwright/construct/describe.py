"""What a construct is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["published", "fitted", "assumed"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Domain(_Part):
    """One domain of the receptor, and how sure it is."""

    name: str
    kind: Kind
    source: str


class Effect(_Part):
    """Strength of one named effect on the model; what it acts on stands in `carwright.construct.effects`."""

    value: float
    kind: Kind
    source: str


class Armour(_Part):
    """A further transgene, as the effects that it has on the cell."""

    name: str
    title: str
    effects: dict[str, Effect]


class Construct(_Part):
    """A CAR-T construct: antigen, domains from outside to inside, and armour."""

    name: str
    title: str
    antigen: str
    generation: Annotated[int, Field(ge=1, le=5)]
    binder: Domain
    hinge: Domain
    transmembrane: Domain
    costimulation: Domain
    signalling: Domain
    vector: Domain
    armour: str
