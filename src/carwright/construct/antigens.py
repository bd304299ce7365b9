"""Antigens as data: how densely the cells of each population carry them.

The built-in table is ``antigens.yaml``. A construct may bring rows of its own; where it has one for an antigen of the
table, it must say which of the two holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated

from pydantic import Field
from scipy.special import ndtri

from carwright.construct.part import Kind, Part
from carwright.errors import Problems
from carwright.yamlfile import nearest, read_yaml

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

    title: str
    patients: Sourced
    expression: dict[str, Expression]
    elsewhere: tuple[str, ...] = ()


class OwnAntigen(Antigen):
    """An antigen that a construct brings.

    ``overrides`` says, for an antigen that the built-in table has too, whether this row takes its place (true) or
    stands only for the record (false).
    """

    overrides: bool | None = None


class Panel(Part):
    """All antigens, and what holds for every one of them.

    ``reference`` is in molecules a cell; the standard deviations are those of ln(median density).
    """

    reference: float
    malignant_sd: float
    normal_sd: float
    population_sd: float
    antigens: dict[str, Antigen]


OwnAntigens = Mapping[str, OwnAntigen]
NONE: OwnAntigens = MappingProxyType({})


@cache
def _built_in() -> Panel:
    raw = read_yaml(files("carwright.construct") / "antigens.yaml", name="antigens.yaml").data
    return Panel(
        reference=raw["reference_density"]["molecules"],
        malignant_sd=raw["between_patients"]["malignant"],
        normal_sd=raw["between_patients"]["normal"],
        population_sd=raw["between_populations"]["sd"],
        antigens={name: Antigen.model_validate(row) for name, row in raw["antigens"].items()},
    )


def antigen_panel(own: OwnAntigens = NONE) -> Panel:
    """The antigens of ``antigens.yaml``, and those that a construct brings.

    Parameters
    ----------
    own
        Rows of a construct. One with ``overrides`` takes the place of the built-in row of that name.

    Raises
    ------
    CarwrightError
        For each row that meets a built-in one without saying which holds, or names a population that no model has.
    """
    panel = _built_in()
    if not own:
        return panel
    problems = Problems()
    for name, row in own.items():
        if name in panel.antigens and row.overrides is None:
            problems.add(
                "CONSTRUCT007",
                f"the built-in table has {name} too, and the construct does not say which row holds",
                where=f"antigens.{name}",
                allowed="overrides: true, which takes this row, or overrides: false, which keeps the built-in one",
                fix="add the key, or remove the row",
            )
        for population in row.expression:
            if population not in (*MALIGNANT, *NORMAL):
                problems.add(
                    "CONSTRUCT008",
                    f"no model has the population {population!r}",
                    where=f"antigens.{name}.expression",
                    found=population,
                    allowed=", ".join((*MALIGNANT, *NORMAL)),
                    fix=nearest(population, (*MALIGNANT, *NORMAL)),
                )
    problems.raise_if_any()
    taken = {name: row for name, row in own.items() if name not in panel.antigens or row.overrides}
    return panel.model_copy(update={"antigens": {**panel.antigens, **taken}})


def list_antigens(own: OwnAntigens = NONE) -> tuple[str, ...]:
    """Names of the known antigens, with those that a construct brings."""
    return tuple(dict.fromkeys((*_built_in().antigens, *own)))
