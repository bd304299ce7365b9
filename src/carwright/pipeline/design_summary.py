"""Designs on the same patients, summarised: what they recommend, whom they treat, and how they differ.

Every number has two intervals. ``lo`` and ``hi`` say where it lies in a population like those drawn, as everywhere in
the summary. ``monte_carlo`` says how precisely the run knows the mean over populations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from carwright.pipeline.designs import infused_at
from carwright.pipeline.outcomes import column_of
from carwright.pipeline.summary import LEVEL, entry, number
from carwright.trial.course import NO_PATIENTS_LEFT
from carwright.trial.intervals import (
    Interval,
    marginal_mean,
    marginal_rate,
    monte_carlo_mean,
    monte_carlo_rate,
    paired_mean_difference,
)
from carwright.trial.intervals.paired import Arm as Side
from carwright.trial.record import record_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carwright.pipeline.outcomes import ArmOutcomes
    from carwright.trial.design import Design
    from carwright.trial.space import DoseSpace

    Floats = NDArray[np.float64]

_ROUNDING = 1e-9
"""Rates that differ by less are equal."""


@dataclass(frozen=True)
class Truth:
    """How toxic each node is in each population draw, among patients who can be evaluated there.

    Parameters
    ----------
    draw
        Number of each population draw, shape (b,).
    rate
        Rate of dose-limiting toxicity by draw and node, shape (b, m); NaN where nobody can be evaluated.
    tolerated
        Nodes that are not above the target, nor above a node that is; shape (b, m).
    highest
        Tolerated nodes with no tolerated node above them: what a design should recommend; shape (b, m). None where
        every node is too toxic. Two nodes that no order compares can both be the highest.
    """

    draw: NDArray[np.int64]
    rate: Floats
    tolerated: NDArray[np.bool_]
    highest: NDArray[np.bool_]

    @classmethod
    def of(cls, outcomes: ArmOutcomes, rule: str, space: DoseSpace, target: float) -> Truth:
        """Find the truth under one adjudication rule."""
        verdict, weight = outcomes.array(f"dlt_{column_of(rule)}"), outcomes.eligible("evaluable")
        weight = np.where(np.isnan(verdict), 0.0, weight)
        draw, index = np.unique(outcomes.block, return_inverse=True)
        sums = np.zeros((2, draw.size, weight.shape[1]))
        for place, values in enumerate((weight, weight * np.nan_to_num(verdict))):
            np.add.at(sums[place], index, values)
        with np.errstate(invalid="ignore"):
            rate = sums[1] / sums[0]
        low = rate <= target + _ROUNDING
        columns, labels = space.columns, space.labels
        below = [[columns[other] for other in (label, *space.below(label))] for label in labels]
        tolerated = np.stack([low[:, members].all(axis=1) for members in below], axis=1)
        above = [[columns[other] for other in space.above(label)] for label in labels]
        highest = np.stack(
            [tolerated[:, column] & ~tolerated[:, above[column]].any(axis=1) for column in range(len(labels))], axis=1
        )
        return cls(draw, rate, tolerated, highest)


def designs_summary(
    outcomes: ArmOutcomes, table: pl.DataFrame, designs: Mapping[str, Design], own: str, target: float
) -> dict[str, Any]:
    """Summarise the designs of a study.

    Parameters
    ----------
    outcomes
        Patients of the study's own arm.
    table
        As `carwright.pipeline.designs.design_table` gives.
    designs
        The designs by their names in the table.
    own
        Name of the study's own design.
    target
        Rate of dose-limiting toxicity aimed at.

    Returns
    -------
    dict
        ``records``: every design as `carwright.trial.record` writes it. ``truth``: by rule the toxicity of each node
        and how often it is a highest tolerated one. ``by_design``: by design and rule its ``characteristics``, their
        paired ``differences`` from the study's own design under the same rule, and the ``moves`` of its recommendation
        from the study's own rule, the first of ``rules``.
    """
    space = designs[own].space
    names = table["design"].unique(maintain_order=True).to_list()
    rules = table["adjudication"].unique(maintain_order=True).to_list()
    found: dict[str, Any] = {name: {} for name in names}
    truths = {}
    first: dict[str, dict[str, _Reading]] = {}
    for rule in rules:
        truth = Truth.of(outcomes, rule, space, target)
        truths[rule] = _truth_entry(outcomes, rule, truth, space)
        readings = {
            name: _readings(table.filter(pl.col("design") == name, pl.col("adjudication") == rule), truth, space)
            for name in names
        }
        first = first or readings
        for name in names:
            found[name][rule] = {
                "characteristics": {key: reading.entry() for key, reading in readings[name].items()},
                "differences": {key: reading.minus(readings[own][key]) for key, reading in readings[name].items()},
                "moves": {
                    key: reading.minus(first[name][key])
                    for key, reading in readings[name].items()
                    if key.startswith("recommends_")
                },
            }
    return {
        "own": own,
        "target": target,
        "level": LEVEL,
        "rules": rules,
        "records": {name: record_of(designs[name]) for name in names},
        "truth": truths,
        "labels": {key: label for key, (label, _) in characteristics(space).items()},
        "units": {key: unit for key, (_, unit) in characteristics(space).items()},
        "by_design": found,
    }


def characteristics(space: DoseSpace) -> dict[str, tuple[str, str]]:
    """Label and unit of each characteristic."""
    return {
        **{f"recommends_{node}": (f"Recommends node {node}", "probability") for node in space.labels},
        "recommends_none": ("Recommends no node", "probability"),
        "correct": ("Recommends a highest tolerated node", "probability"),
        "too_toxic": ("Recommends a node above the target", "probability"),
        "too_low": ("Recommends less than is tolerated", "probability"),
        "infused": ("Patients infused", "patients"),
        **{infused_at(node): (f"Patients infused at node {node}", "patients") for node in space.labels},
        "infused_above": ("Patients infused at nodes above the target", "patients"),
        "enrolled": ("Patients enrolled", "patients"),
        "dlts": ("Dose-limiting toxicities", "patients"),
        "dlt_rate": ("Dose-limiting toxicity", "fraction of evaluable patients"),
        "deaths": ("Treatment-related deaths", "patients"),
        "duration_days": ("Duration of the trial", "days"),
        "ran_out": ("Ends for want of patients in the population draw", "probability"),
    }


@dataclass(frozen=True)
class _Reading:
    """One characteristic of one design in every trial."""

    kind: Literal["rate", "mean"]
    value: Floats
    block: NDArray[np.int64]
    weight: Floats | None = None

    def entry(self) -> dict[str, Any]:
        marginal, simulated = (
            (marginal_rate, monte_carlo_rate) if self.kind == "rate" else (marginal_mean, monte_carlo_mean)
        )
        return _both(
            marginal(self.value, self.block, LEVEL, self.weight),
            simulated(self.value, self.block, LEVEL, self.weight),
            least=0.0,
        )

    def minus(self, other: _Reading) -> dict[str, Any]:
        """Paired difference, trial by trial; of a ratio, by its first-order effect of each trial."""
        first, second = self._centred(), other._centred()
        centre = self._mean() - other._mean()
        differences = first - second + centre
        return _both(
            paired_mean_difference(Side(first + self._mean()), Side(second + other._mean()), self.block, LEVEL),
            monte_carlo_mean(differences, self.block, LEVEL),
        )

    def _mean(self) -> float:
        if self.weight is not None and not self.weight.any():
            return math.nan
        return float(np.average(self.value, weights=self.weight))

    def _centred(self) -> Floats:
        if self.weight is None or not self.weight.any():
            return self.value - self._mean()
        share: Floats = self.weight / self.weight.mean()
        return share * (self.value - self._mean())


def _readings(own: pl.DataFrame, truth: Truth, space: DoseSpace) -> dict[str, _Reading]:
    block = own["population"].to_numpy().astype(np.int64)
    chosen = own["recommended_node"].fill_null("none").to_numpy()
    row = np.searchsorted(truth.draw, block)
    columns = np.array([space.columns.get(label, -1) for label in chosen])
    picked = columns >= 0
    right = np.where(picked, truth.highest[row, columns], ~truth.tolerated[row].any(axis=1))
    toxic = picked & ~truth.tolerated[row, columns]
    infused = np.stack([own[infused_at(label)].to_numpy() for label in space.labels], axis=1).astype(np.float64)
    above = (infused * ~truth.tolerated[row]).sum(axis=1)
    evaluable = own["evaluable"].to_numpy().astype(np.float64)
    with np.errstate(invalid="ignore"):
        toxicity = np.where(evaluable > 0, own["dlts"].to_numpy() / np.maximum(evaluable, 1.0), 0.0)

    def rate(flags: Any) -> _Reading:
        return _Reading("rate", np.asarray(flags, dtype=np.float64), block)

    def mean(values: Any) -> _Reading:
        return _Reading("mean", np.asarray(values, dtype=np.float64), block)

    return {
        **{f"recommends_{label}": rate(chosen == label) for label in (*space.labels, "none")},
        "correct": rate(right),
        "too_toxic": rate(toxic),
        "too_low": rate(~right & ~toxic),
        "infused": mean(own["infused"].to_numpy()),
        **{infused_at(label): mean(infused[:, space.columns[label]]) for label in space.labels},
        "infused_above": mean(above),
        "enrolled": mean(own["enrolled"].to_numpy()),
        "dlts": mean(own["dlts"].to_numpy()),
        "dlt_rate": _Reading("rate", toxicity, block, evaluable),
        "deaths": mean(own["deaths"].to_numpy()),
        "duration_days": mean(own["duration_days"].to_numpy()),
        "ran_out": rate(own["stop_reason"].to_numpy() == NO_PATIENTS_LEFT),
    }


def _both(marginal: Interval, simulated: Interval, least: float = -math.inf) -> dict[str, Any]:
    """Both intervals as JSON; means of what is never negative do not reach below ``least``."""
    lows = [low if math.isnan(low) else max(low, least) for low in (marginal.lo, simulated.lo)]
    return {
        **entry(replace(marginal, lo=lows[0])),
        "monte_carlo": {"lo": number(lows[1]), "hi": number(simulated.hi)},
    }


def _truth_entry(outcomes: ArmOutcomes, rule: str, truth: Truth, space: DoseSpace) -> dict[str, Any]:
    verdict, eligible = outcomes.array(f"dlt_{column_of(rule)}"), outcomes.eligible("evaluable")
    by_node, highest = {}, {}
    for column, label in enumerate(space.labels):
        own = (verdict[:, column], outcomes.block, LEVEL, np.where(np.isnan(verdict), 0.0, eligible)[:, column])
        values = np.nan_to_num(own[0])
        by_node[label] = _both(
            marginal_rate(values, own[1], LEVEL, own[3]), monte_carlo_rate(values, own[1], LEVEL, own[3])
        )
        highest[label] = number(float(truth.highest[:, column].mean()))
    highest["none"] = number(float((~truth.tolerated.any(axis=1)).mean()))
    return {"dlt_rate": by_node, "highest_tolerated": highest}
