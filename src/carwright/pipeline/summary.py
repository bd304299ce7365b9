"""From tables to ``summary.json``: every quantity with its interval, beside what was published."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from carwright.pipeline.measures import COUNTED, Measure
from carwright.pipeline.outcomes import ArmOutcomes, column_of
from carwright.study import QUANTITIES, STUDY_ARM
from carwright.trial.intervals import (
    Interval,
    covered,
    marginal_mean,
    marginal_median,
    marginal_rate,
    paired_mean_difference,
    paired_median_difference,
    predictive,
)
from carwright.trial.intervals.paired import Arm as Side
from carwright.trial.intervals.survival import KaplanMeier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from carwright.pipeline.arm import Arm
    from carwright.study import PublishedFact

    Floats = NDArray[np.float64]

LEVEL = 0.9
"""Probability content of every interval in a summary."""

ROUNDING = 1e-12
"""No quantity of a summary is that small; what is, is what rounding left of zero."""

SHOWN_PATHS = 40
"""Escalation paths that a summary lists, the likeliest first."""

NOTICE = "Research software: never for treatment decisions."


def entry(interval: Interval) -> dict[str, Any]:
    """An interval as JSON; null where it does not exist or, for a time, was not reached."""
    return {"estimate": number(interval.estimate), "lo": number(interval.lo), "hi": number(interval.hi)}


def number(value: float) -> float | None:
    """A finite number rounded to 10 digits, rounding errors around zero to zero; or null."""
    if not math.isfinite(value):
        return None
    return float(f"{value:.10g}") if abs(value) >= ROUNDING else 0.0


def estimate(name: str, measure: Measure, outcomes: ArmOutcomes, weights: Any) -> Interval:
    """Estimate one quantity over patients as weighted."""
    values, block = outcomes.array(measure.value), outcomes.block
    if QUANTITIES[name].kind == "rate":
        return marginal_rate(values, block, LEVEL, weights)
    return marginal_median(values, block, LEVEL, weights, outcomes.censored(measure))


def arm_quantities(
    outcomes: ArmOutcomes,
    trials: pl.DataFrame,
    trial_patients: pl.DataFrame,
    measures: Mapping[str, Measure],
    published: Sequence[PublishedFact] = (),
) -> dict[str, Any]:
    """Quantities of one arm: as treated in its simulated trials, and node by node.

    Parameters
    ----------
    outcomes
        Patients of the arm.
    trials, trial_patients
        Its trials under the study's own adjudication rule.
    measures
        How each quantity of the disease is read.
    published
        Facts to compare with.
    """
    facts = {fact.quantity: fact for fact in published}
    quantities: dict[str, Any] = {}
    for name, measure in measures.items():
        weights = outcomes.treated(trial_patients, measure.among)
        own: dict[str, Any] = {"unit": QUANTITIES[name].unit, "label": QUANTITIES[name].label}
        own |= {**entry(estimate(name, measure, outcomes, weights)), "level": LEVEL}
        by_trial = _by_trial(name, measure, outcomes, trial_patients)
        lo, hi = predictive(by_trial.value, LEVEL)
        own["predictive"] = {"lo": number(lo), "hi": number(hi)}
        if name in facts:
            own |= _compared(facts[name], by_trial, lo, hi)
        own["by_node"] = _by_node(name, measure, outcomes)
        quantities[name] = own
    quantities["recommended_node"] = recommended(trials, outcomes.nodes)
    return quantities


def _by_node(name: str, measure: Measure, outcomes: ArmOutcomes) -> dict[str, Any]:
    eligible = outcomes.eligible(measure.among)
    found = {}
    for column, node in enumerate(outcomes.nodes):
        only = np.zeros_like(eligible)
        only[:, column] = eligible[:, column]
        found[node] = entry(estimate(name, measure, outcomes, only))
    return found


@dataclass(frozen=True)
class _ByTrial:
    """A quantity in each simulated trial that anybody counts in, (t,) each.

    ``value`` is NaN where nobody has one; ``count`` is the sum of the patients' values, ``of`` how many have one.
    """

    value: Floats
    count: NDArray[Any]
    of: NDArray[Any]


def _by_trial(name: str, measure: Measure, outcomes: ArmOutcomes, trial_patients: pl.DataFrame) -> _ByTrial:
    trial, *place = outcomes.entries(trial_patients, measure.among)
    values, late = outcomes.array(measure.value)[*place], outcomes.censored(measure)
    known = ~np.isnan(values)
    _, group = np.unique(trial, return_inverse=True)
    trials = int(group.max(initial=-1)) + 1
    count, of = np.bincount(group, np.where(known, values, 0.0), trials), np.bincount(group, known, trials)
    if QUANTITIES[name].kind == "rate":
        with np.errstate(invalid="ignore"):
            return _ByTrial(count / of, count, of)
    censored = np.zeros(values.size, bool) if late is None else late[*place]
    value, unended, edges = values[known], censored[known], np.searchsorted(group[known], np.arange(trials + 1))
    medians = [_median(value[first:end], unended[first:end]) for first, end in pairwise(edges)]
    return _ByTrial(np.array(medians), count, of)


def _median(value: Floats, late: NDArray[np.bool_]) -> float:
    """Median of the values of one trial; infinite where more than half are still without the event."""
    return KaplanMeier.fit(value, np.ones(value.size), late).quantile(0.5) if value.size else math.nan


def _compared(fact: PublishedFact, by_trial: _ByTrial, lo: float, hi: float) -> dict[str, Any]:
    base = {"source": fact.source, "certainty": fact.certainty}
    seen = bool(by_trial.of.any())  # nothing simulated contradicts nothing
    if fact.count is not None and fact.of is not None:
        inside = covered(fact.count, fact.of, by_trial.count, by_trial.of, LEVEL) if seen else None
        return {"published": {"count": fact.count, "of": fact.of, **base}, "covered": inside}
    assert fact.value is not None  # noqa: S101 - the study's own checks admit nothing else
    return {"published": {"value": fact.value, **base}, "covered": lo <= fact.value <= hi if seen else None}


def recommended(trials: pl.DataFrame, nodes: tuple[str, ...]) -> dict[str, Any]:
    """Probability with which the trials recommend each node, or none."""
    block = trials["population"].to_numpy()
    chosen = trials["recommended_node"].fill_null("none").to_numpy()
    by_node = {
        node: entry(marginal_rate((chosen == node).astype(np.float64), block, LEVEL)) for node in (*nodes, "none")
    }
    quantity = QUANTITIES["recommended_node"]
    return {"unit": quantity.unit, "label": quantity.label, "level": LEVEL, "by_node": by_node}


def differences(
    study: ArmOutcomes, other: ArmOutcomes, trial_patients: pl.DataFrame, measures: Mapping[str, Measure]
) -> dict[str, Any]:
    """Paired differences, other arm minus study arm, on the patients and nodes that the study's trials treated."""
    found = {}
    for name, measure in measures.items():
        weights = study.treated(trial_patients, measure.among)
        found[name] = entry(difference(name, measure, study, other, weights))
    return found


def by_arm(name: str, quantities: Mapping[str, Any], comparators: Mapping[str, Any]) -> dict[str, Any]:
    """One quantity in every arm, each as treated in its own trials, and its paired difference from the study's arm."""
    ends = ("estimate", "lo", "hi")
    found = {STUDY_ARM: {end: quantities[name][end] for end in ends}}
    for arm, comparator in comparators.items():
        own = {end: comparator["quantities"][name][end] for end in ends}
        found[arm] = {**own, "difference": comparator["differences"][name]}
    return found


def difference(name: str, measure: Measure, first: ArmOutcomes, second: ArmOutcomes, weights: Any) -> Interval:
    """Paired difference of one quantity, second minus first."""
    block, a, b = first.block, first.array(measure.value), second.array(measure.value)
    if QUANTITIES[name].kind == "rate":
        found = paired_mean_difference(Side(b, weights), Side(a, weights), block, LEVEL)
        # The normal approximation does not know that shares lie between 0 and 1.
        return replace(found, lo=max(found.lo, -1.0), hi=min(found.hi, 1.0))
    late = [side.censored(measure) for side in (first, second)]
    return paired_median_difference(Side(b, weights, late[1]), Side(a, weights, late[0]), block, LEVEL)


def adjudications(outcomes: ArmOutcomes, trials: pl.DataFrame, trial_patients: pl.DataFrame) -> dict[str, Any]:
    """How toxicity and recommendation move with the definition of a dose-limiting toxicity.

    Parameters
    ----------
    outcomes
        Patients of the arm.
    trials, trial_patients
        Its trials under every rule.
    """
    found = {}
    for rule, own in trials.group_by("adjudication", maintain_order=True):
        name = str(rule[0])
        entries = trial_patients.filter(pl.col("adjudication") == name)
        verdicts, weights = outcomes.array(f"dlt_{column_of(name)}"), outcomes.treated(entries, "evaluable")
        duration = own["duration_days"].to_numpy()
        found[name] = {
            "dlt_rate": entry(marginal_rate(verdicts, outcomes.block, LEVEL, weights)),
            "recommended_node": recommended(own, outcomes.nodes)["by_node"],
            "duration_days": entry(marginal_mean(duration, own["population"].to_numpy(), LEVEL)),
        }
    return found


def dlt_reasons(outcomes: ArmOutcomes, trial_patients: pl.DataFrame) -> dict[str, float]:
    """Share of each criterion among the dose-limiting toxicities of evaluable patients, the commonest first."""
    reasons = outcomes.frame.select("patient", "node", "dlt_reason")
    met = (
        trial_patients.filter(COUNTED["evaluable"])
        .join(reasons, on=["patient", "node"], how="left")
        .drop_nulls("dlt_reason")
    )
    counts = met.group_by("dlt_reason").len().sort(["len", "dlt_reason"], descending=[True, False])
    return {reason: count / met.height for reason, count in counts.iter_rows()}


def paths(trials: pl.DataFrame) -> list[dict[str, Any]]:
    """The likeliest escalation paths, without responses, with their probability and what they recommend.

    One path can end in two recommendations: a death closes a node where another toxicity would not.
    """
    block = trials["population"].to_numpy()
    keys = ["toxicity_path", "recommended_node"]
    common = (
        trials.group_by(keys)
        .len()
        .sort(["len", *keys], descending=[True, False, False], nulls_last=True)
        .head(SHOWN_PATHS)
    )
    found = []
    for path, node, _ in common.iter_rows():
        taken = trials.select(pl.col("toxicity_path").eq(path) & pl.col("recommended_node").eq_missing(node))
        share = marginal_rate(taken.to_series().to_numpy().astype(np.float64), block, LEVEL)
        entries = entry(share)
        found.append(
            {"path": path, "probability": entries["estimate"], "lo": entries["lo"], "hi": entries["hi"]}
            | {"recommended_node": node}
        )
    return found


def funnel(trials: pl.DataFrame) -> dict[str, Any]:
    """Patients per trial: enrolled, infused, evaluable; and the length of the trial."""
    block = trials["population"].to_numpy()
    names = ("enrolled", "infused", "evaluable", "duration_days")
    means = {name: marginal_mean(trials[name].to_numpy().astype(np.float64), block, LEVEL) for name in names}
    return {
        name: {
            **entry(mean),
            "predictive": dict(zip(("lo", "hi"), predictive(trials[name].to_numpy(), LEVEL), strict=True)),
        }
        for name, mean in means.items()
    }


def solver_outcomes(patients: pl.DataFrame) -> dict[str, Any]:
    """How many patients were solved everywhere, and why the others were not."""
    worst = patients.group_by("patient").agg(pl.col("outcome").max())
    failed = int((worst["outcome"] > 0).sum())
    codes = patients.filter(pl.col("outcome") > 0).group_by("outcome_name").len().sort("outcome_name")
    return {
        "ok": worst.height - failed,
        "failed": failed,
        "solves": patients.height,
        "failed_solves": int((patients["outcome"] > 0).sum()),
        "by_code": dict(codes.iter_rows()),
    }


def parameter_rows(arm: Arm) -> list[dict[str, Any]]:
    """The parameter table as it holds for an arm, for the report."""
    table = arm.model.table
    return [
        {
            "name": row.name,
            "meaning": row.meaning,
            "value": arm.medians.get(row.name, row.value),
            "set_by": _origin(arm, row.name),
            "unit": row.unit,
            "distribution": row.spread,
            "kind": row.kind.value,
            "source": row.source,
        }
        for row in (*table.parameters, *table.covariates)
    ]


def _origin(arm: Arm, name: str) -> str:
    if name in arm.study.parameters:
        return "study"
    return "construct" if name in arm.medians else "table"
