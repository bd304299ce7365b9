"""How each summarised quantity is read from the table of patients."""

from __future__ import annotations

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


def _column(name: str, among: Among = "infused") -> Measure:
    return Measure(pl.col(name), among)


MEASURES: dict[str, Measure] = {
    "infused_fraction": _column("infused", "enrolled"),
    "dlt_rate": _column("dlt", "evaluable"),
    **{f"crs_grade_ge{grade}": Measure(pl.col("crs_grade") >= grade) for grade in (1, 2, 3, 4)},
    "crs_death": _column("crs_death"),
    **{f"icans_grade_ge{grade}": Measure(pl.col("icans_grade") >= grade) for grade in (1, 3)},
    **{name: _column(name) for name in ("hlh_mas", "psa30", "psa50", "psa90", "psa98")},
    **{
        name: _column(name)
        for name in (
            *("cmax_copies_per_ug", "tmax_days", "persistence_days", "tumour_site_peak_cells"),
            *("il6_peak", "ifng_peak", "ferritin_peak", "crp_peak"),
            *(
                "inhibitory_index_fold_day28",
                "site_inhibition_day28",
                "antigen_low_relapse",
                "anc_below_500_days",
            ),
        )
    },
    "progression_free_days": Measure(pl.col("progression_free_days"), censored="progression_censored"),
}
"""Quantity -> how it is read; the recommended node is no property of patients and is summarised from the trials."""
