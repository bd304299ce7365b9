"""What a construct is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from carwright.construct.antigens import OwnAntigen
from carwright.construct.part import Kind, Part


class Domain(Part):
    """One domain of the receptor, and how sure it is."""

    name: str
    kind: Kind
    source: str


class Effect(Part):
    """Strength of one named effect on the model; what it acts on stands in `carwright.construct.effects`."""

    value: float
    kind: Kind
    source: str


class Armour(Part):
    """A further transgene, as the effects that it has on the cell."""

    name: str
    title: str
    effects: dict[str, Effect]


class Threshold(Part):
    """Density at which half of the cells are seen by the binder."""

    molecules: Annotated[float, Field(gt=0)] = 1500.0
    kind: Kind = "assumed"
    source: str = "as the reference density of antigens.yaml; the binder's own threshold is not published"


class Construct(Part):
    """A CAR-T construct: gate over antigens, domains from outside to inside, armour, and effects of its own.

    ``antigens`` are rows of its own, for antigens that the built-in table lacks or has otherwise.
    """

    name: str
    title: str
    gate: str
    generation: Annotated[int, Field(ge=1, le=5)]
    binder: Domain
    hinge: Domain
    transmembrane: Domain
    costimulation: Domain
    signalling: Domain
    vector: Domain
    armour: str
    threshold: Threshold = Threshold()
    effects: dict[str, Effect] = Field(default_factory=dict)
    antigens: dict[str, OwnAntigen] = Field(default_factory=dict)

    def with_gate(self, gate: str) -> Construct:
        """The same cells with another gate."""
        return self.model_copy(update={"gate": gate})
