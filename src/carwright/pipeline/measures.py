"""How each summarised quantity is read from the table of patients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import polars as pl

Among = Literal["infused", "evaluable", "enrolled"]

COUNTED: dict[Among, pl.Expr] = {
    "infused": pl.col("status") != "not_infused",
    "evaluable": pl.col("evaluable"),
    "enrolled": pl.lit(value=True),
}
"""Which rows of the table ``trial_patients`` count."""


@dataclass(frozen=True)
class Measure:
    """One quantity of `carwright.study.quantities` over the columns of the table ``patients``.

    Parameters
    ----------
    value
        Expression that gives the value of a patient at a node; null where there is none.
    among
        Patients of a simulated trial that count.
    censored
        Column that says where the value is only a lower bound.
    """

    value: pl.Expr
    among: Among = "infused"
    censored: str | None = None


_SPECIAL: dict[str, Measure] = {
    "infused_fraction": Measure(pl.col("infused"), "enrolled"),
    "dlt_rate": Measure(pl.col("dlt"), "evaluable"),
    **{f"crs_grade_ge{grade}": Measure(pl.col("crs_grade") >= grade) for grade in (1, 2, 3, 4)},
    **{f"icans_grade_ge{grade}": Measure(pl.col("icans_grade") >= grade) for grade in (1, 3)},
    **{f"{name}_ge3": Measure(pl.col(name) >= 3) for name in ("icaht_early", "icaht_late")},
    "progression_free_days": Measure(pl.col("progression_free_days"), censored="progression_censored"),
}
"""Quantities that are more than a column of their own name over infused patients."""


def measures_of(quantities: Iterable[str]) -> dict[str, Measure]:
    """Say how quantities are read, in their order: as `_SPECIAL` has it, else as the column of that name.

    The recommended node is no property of patients and is summarised from the trials.
    """
    return {name: _SPECIAL.get(name) or Measure(pl.col(name)) for name in quantities}
