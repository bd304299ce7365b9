"""The dose-finding rule of a study, and the rules that it is compared with on the same virtual patients."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_validator

from carwright.study import fields as f
from carwright.study.fields import Part
from carwright.study.units import refuse


class Design(Part):
    """The dose-finding rule and its way through the dose space."""

    name: f.DesignName = Field(description="Dose-finding design.")
    path: tuple[f.NodeId, ...] = Field(
        (),
        description="Nodes in the order of escalation; all nodes where the order of the dose space is one chain. Of no "
        "meaning to designs that move on the whole dose space.",
    )
    fallback: dict[str, f.NodeId] = Field(
        default_factory=dict,
        description="Node to try after the key's node was stopped for toxicity; of no meaning to designs that move on "
        "the whole dose space.",
    )
    deescalate: bool | None = Field(
        None,
        description="Confirm the node below a stopped one before recommending it, 3+3 and its relatives only; null for "
        "the design's own default.",
    )
    halt_on_death: bool = Field(True, description="A treatment-related death stops the node at once.")
    options: dict[str, Any] = Field(
        default_factory=dict, description="Further options of the design, as 'carwright design show' lists them."
    )
    rules: tuple[Any, ...] = Field(
        (),
        description="Rules around the design, the innermost first: a name, or a name with its options such as "
        "{stop_at: {n: 30}}. A design that never ends by itself stops at six patients per node.",
    )


class ComparedDesign(Part):
    """A design replayed on the same virtual patients: a name, or a mapping.

    What is left out is as in the study's own design, but for options and rules, which belong to that one.
    """

    name: f.DesignName = Field(description="Dose-finding design.")
    label: str = Field("", description="Name in tables and figures; the design's own when left out.", max_length=60)
    path: tuple[f.NodeId, ...] | None = Field(None, description="As in the study's design; null for that one's.")
    fallback: dict[str, f.NodeId] | None = Field(None, description="As in the study's design; null for that one's.")
    deescalate: bool | None = Field(None, description="As in the study's design; null for that one's.")
    halt_on_death: bool | None = Field(None, description="As in the study's design; null for that one's.")
    options: dict[str, Any] = Field(default_factory=dict, description="Options of the design; its defaults when empty.")
    rules: tuple[Any, ...] = Field((), description="Rules around the design; see the study's design.")

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, data: Any) -> Any:
        """Take a bare name for a design with its defaults."""
        if isinstance(data, str):
            return {"name": data}
        if not isinstance(data, dict):
            refuse("name", "this is not a design", "a design's name, or a mapping with the key name")
        return data

    @field_validator("label")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return " ".join(value.split())

    @property
    def key(self) -> str:
        """Name in tables and in ``summary.json``."""
        return self.label or self.name

    def beside(self, own: Design) -> Design:
        """Return the design as it is replayed beside the study's own."""
        inherited = ("path", "fallback", "deescalate", "halt_on_death")
        given = {name: getattr(self, name) for name in inherited}
        filled = {name: getattr(own, name) if value is None else value for name, value in given.items()}
        return Design(name=self.name, options=self.options, rules=self.rules, **filled)
