"""Antigens as data: how densely the cells of each population carry them."""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field
from scipy.special import ndtri

from carwright.construct.describe import Kind, Part
from carwright.yamlfile import read_yaml

Share = Annotated[float, Field(ge=0, le=1)]

MALIGNANT = ("aml_blasts", "aml_stem_cells", "b_all_blasts", "lymphoma_cells", "prostate_cancer_cells")
"""Populations that are the disease; their densities differ more between patients than those of normal cells."""

NORMAL = ("stem_cells", "progenitors", "neutrophils", "monocytes", "b_cells", "t_cells")
"""Populations that a patient needs."""


class Expression(Part):
    """How the cells of one population carry an antigen."""

    positive: Annotated[float, Field(gt=0, lt=1)]
    kind: Kind
    source: str
    spread: Annotated[float, Field(gt=0)] = 1.0

    def median(self, reference: float) -> float:
        """Median molecules a cell, when ``positive`` of the cells have more than ``reference`` (lognormal)."""
        return reference * math.exp(self.spread * float(ndtri(self.positive)))


class Sourced(Part):
    """A number with its kind and source."""

    value: Share
    kind: Kind
    source: str


class Antigen(Part):
    """An antigen: expression by population, and tissues outside the model that carry it."""

    name: str
    title: str
    patients: Sourced
    expression: dict[str, Expression]
    elsewhere: tuple[str, ...] = ()


class Panel(Part):
    """All antigens, and what holds for every one of them.

    ``reference`` is in molecules a cell; the standard deviations are those of ln(median density).
    """

    reference: float
    malignant_sd: float
    normal_sd: float
    population_sd: float
    antigens: dict[str, Antigen]


@cache
def antigen_panel() -> Panel:
    """The antigens of ``antigens.yaml``."""
    raw = read_yaml(files("carwright.construct") / "antigens.yaml", name="antigens.yaml").data
    return Panel(
        reference=raw["reference_density"]["molecules"],
        malignant_sd=raw["between_patients"]["malignant"],
        normal_sd=raw["between_patients"]["normal"],
        population_sd=raw["between_populations"]["sd"],
        antigens={name: Antigen.model_validate({"name": name, **row}) for name, row in raw["antigens"].items()},
    )


def list_antigens() -> tuple[str, ...]:
    """Names of the known antigens."""
    return tuple(antigen_panel().antigens)
