"""The table of patients of one arm as arrays, patients by nodes, and how often trials treated each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from carwright.pipeline.measures import COUNTED, Among, Measure
from carwright.trial.potential import PotentialOutcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def column_of(rule: str) -> str:
    """Part of a column's name that stands for an adjudication rule."""
    return rule.replace("-", "_")


class Entries(NamedTuple):
    """Patients of trials in the order of the trials: number of the trial, of the patient and of the node, (k,) each."""

    trial: NDArray[np.int64]
    patient: NDArray[np.int64]
    node: NDArray[np.int64]


@dataclass(frozen=True)
class ArmOutcomes:
    """Potential outcomes of one arm.

    Parameters
    ----------
    frame
        Rows of the arm in the table ``patients``, sorted by patient and then by node in the order of the space.
    nodes
        Labels of the nodes.
    """

    frame: pl.DataFrame
    nodes: tuple[str, ...]

    @classmethod
    def of(cls, patients: pl.DataFrame, arm: str, nodes: tuple[str, ...]) -> ArmOutcomes:
        """Take one arm from the whole table."""
        place = pl.col("node").replace_strict(list(nodes), list(range(len(nodes))), return_dtype=pl.Int32)
        own = patients.filter(pl.col("arm") == arm).with_columns(place.alias("column"))
        return cls(own.sort("patient", "column"), nodes)

    @property
    def block(self) -> NDArray[np.int64]:
        """Population of each patient, shape (n,)."""
        return self.frame["population"].to_numpy().reshape(-1, len(self.nodes))[:, 0].astype(np.int64)

    def array(self, value: pl.Expr | str) -> Floats:
        """An expression over the columns as numbers, shape (n, m); NaN where it is null."""
        expression = pl.col(value) if isinstance(value, str) else value
        column = self.frame.select(expression.cast(pl.Float64).alias("value"))["value"]
        return column.fill_null(np.nan).to_numpy().reshape(-1, len(self.nodes)).copy()

    def flags(self, name: str) -> NDArray[np.bool_]:
        """A yes-or-no column, shape (n, m); null counts as no."""
        return np.asarray(self.array(name) == 1.0)

    def eligible(self, among: Among) -> Floats:
        """Weight 1 for every patient and node that can count, whatever trials did; shape (n, m)."""
        if among == "enrolled":
            return np.ones(self.flags("infused").shape)
        own = self.flags("infused")
        return (own & self.flags("on_assigned_dose") if among == "evaluable" else own).astype(np.float64)

    def censored(self, measure: Measure) -> NDArray[np.bool_] | None:
        """Where the measure's value is only a lower bound."""
        return self.flags(measure.censored) if measure.censored else None

    def entries(self, trial_patients: pl.DataFrame, among: Among) -> Entries:
        """Who counts in the trials of this arm, trial by trial."""
        counted = trial_patients.filter(COUNTED[among]).select("trial", "patient", "node").sort("trial")
        place = pl.col("node").replace_strict(list(self.nodes), list(range(len(self.nodes))), return_dtype=pl.Int64)
        columns = counted.with_columns(place)
        return Entries(*(columns[name].cast(pl.Int64).to_numpy() for name in ("trial", "patient", "node")))

    def treated(self, trial_patients: pl.DataFrame, among: Among) -> Floats:
        """How often the trials of this arm had each patient at each node, shape (n, m)."""
        out = np.zeros((self.frame.height // len(self.nodes), len(self.nodes)))
        entries = self.entries(trial_patients, among)
        np.add.at(out, (entries.patient, entries.node), 1.0)
        return out

    def potential(self, rule: str, response: str) -> PotentialOutcomes:
        """What a replay needs, adjudicated by ``rule``; ``response`` is the column that says who responded."""
        suffix = column_of(rule)
        first = self.frame.gather_every(len(self.nodes))
        reasons = np.empty(first.height, dtype=object)
        reasons[:] = first["not_infused_reason"].to_list()
        return PotentialOutcomes(
            dlt=self.flags(f"dlt_{suffix}"),
            dlt_day=self.array(f"dlt_day_{suffix}"),
            death=~np.isnan(self.array("death_day")),
            death_day=self.array("death_day"),
            response=self.flags(response),
            on_dose=self.flags("on_assigned_dose"),
            failed=self.array("outcome") != 0.0,
            block=self.block,
            infused=first["infused"].to_numpy(),
            not_infused_reason=reasons,
            vein_to_vein_days=first["vein_to_vein_days"].to_numpy(),
            dropout_days=first["dropout_days"].fill_null(np.nan).to_numpy(),
        )
