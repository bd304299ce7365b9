"""The main job: potential outcomes shard by shard, then trials replayed on them, then the summary."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from carwright import __version__
from carwright.clinic.adjudication import RULES
from carwright.pipeline import designs as d
from carwright.pipeline import summary as s
from carwright.pipeline.arm import Arm, arms_of
from carwright.pipeline.design_summary import designs_summary
from carwright.pipeline.frames import frame_of
from carwright.pipeline.measures import Measure, measures_of
from carwright.pipeline.outcomes import ArmOutcomes
from carwright.pipeline.solve import outcome_explanation, solve_shard
from carwright.store.shards import ranges
from carwright.store.spread import Stop, in_threads
from carwright.study import QUANTITIES
from carwright.trial.replay import replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from carwright.store import Progress, Run
    from carwright.study import Study

SHARD = 200
"""Patients per shard: small enough that a killed run loses seconds of work, large enough to fill the solver's lanes."""

TABLES = ("patients", "courses", "parameters")


def run_study(study: Study, run: Run, *, threads: int, progress: Progress) -> dict[str, Any]:
    """Compute a study and write its tables.

    Parameters
    ----------
    study
        The study as understood.
    run
        The open run folder; finished shards in it are not computed again.
    threads
        Shards that are solved at a time; they change no result.
    progress
        Hears how far the work is.

    Returns
    -------
    dict
        The summary, as in ``summary.json``.
    """
    arms = arms_of(study)
    _compile(arms, progress)
    pieces, stop = ranges(study.population.patients, SHARD), Stop()
    run.shards.compute(
        "patients", pieces, partial(solve_shard, arms, heed=stop.heed), progress, spread=in_threads(threads, stop)
    )
    for table in TABLES:
        run.write_table(table, _in_order(run.shards.read("patients", table), table, arms))
    patients = run.table("patients")
    trials, trial_patients, designs = _replay(arms, patients, progress)
    run.write_table("trials", trials)
    run.write_table("trial_patients", trial_patients)
    if designs is not None:
        run.write_table(d.TABLE, designs)
    progress.stage("summary", len(arms) + (designs is not None))
    summary = _summary(study, arms, patients, trials, trial_patients, progress)
    if designs is not None:
        main = arms[0]
        outcomes = ArmOutcomes.of(patients, main.name, main.space.labels)
        summary["designs"] = designs_summary(
            outcomes, designs, d.designs_of(main), d.own_name(main), study.target_toxicity
        )
        progress.advance(1)
    return summary


def _compile(arms: tuple[Arm, ...], progress: Progress) -> None:
    """Make every arm's kernel before several threads ask for it, so that none is compiled twice."""
    progress.stage("compiling the models", len(arms))
    for arm in arms:
        _ = arm.kernel
        progress.advance(1)


def _in_order(frame: pl.DataFrame, table: str, arms: tuple[Arm, ...]) -> pl.DataFrame:
    """Rows by arm, node and patient: an order that knows nothing of shards."""
    if table == "parameters":
        return frame
    arm = pl.Enum([arm.name for arm in arms])
    node = pl.Enum(list(dict.fromkeys(label for arm in arms for label in arm.space.labels)))
    keys = [pl.col("arm").cast(arm), pl.col("node").cast(node), pl.col("patient")]
    return frame.sort([*keys, pl.col("day")] if table == "courses" else keys)


def _replay(
    arms: tuple[Arm, ...], patients: pl.DataFrame, progress: Progress
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None]:
    """Replay the trials of every arm under every adjudication rule, and the study's other designs on its own arm."""
    main = arms[0]
    replays = [len(arm.rules) * arm.study.trials for arm in arms]
    progress.stage("trials", sum(replays) + d.extra_replays(main) * main.study.trials)
    trials, entries = [], []
    designs = None
    for arm in arms:
        by_rule = {}
        study = arm.study
        outcomes = ArmOutcomes.of(patients, arm.name, arm.space.labels)
        for rule in arm.rules:
            replayed = replay(
                study.trials,
                arm.trial.design,
                outcomes.potential(rule, arm.disease.response),
                arm.trial.calendar,
                study.seed,
                arm=arm.name,
                adjudication=rule,
            )
            by_rule[rule] = replayed
            trials.append(frame_of(replayed.trials))
            entries.append(frame_of(replayed.trial_patients))
            progress.advance(study.trials)
        if arm is main and study.compare_designs:
            designs = d.design_table(arm, outcomes, by_rule, progress)
    measures = measures_of(main.disease.quantities)
    return _with_rates(pl.concat(trials), pl.concat(entries), patients, measures), pl.concat(entries), designs


def _with_rates(
    trials: pl.DataFrame, entries: pl.DataFrame, patients: pl.DataFrame, measures: Mapping[str, Measure]
) -> pl.DataFrame:
    """Add to each trial the shares of its infused patients with each graded event."""
    events = [
        name for name, measure in measures.items() if QUANTITIES[name].kind == "rate" and measure.among == "infused"
    ]
    values = patients.select(
        "arm", "node", "patient", *(measures[name].value.cast(pl.Float64).alias(name) for name in events)
    )
    keys = ["arm", "adjudication", "trial"]
    rates = (
        entries.filter(pl.col("status") != "not_infused")
        .join(values, on=["arm", "node", "patient"], how="left")
        .group_by(keys)
        .agg(pl.col(name).mean() for name in events)
    )
    return trials.join(rates, on=keys, how="left", maintain_order="left")


def _summary(
    study: Study,
    arms: tuple[Arm, ...],
    patients: pl.DataFrame,
    trials: pl.DataFrame,
    trial_patients: pl.DataFrame,
    progress: Progress,
) -> dict[str, Any]:
    rule = study.adjudication.rule
    own = pl.col("adjudication") == rule
    of_arm = {arm.name: ArmOutcomes.of(patients, arm.name, arm.space.labels) for arm in arms}
    main, *others = arms
    main_trials = trials.filter(own, pl.col("arm") == main.name)
    main_entries = trial_patients.filter(own, pl.col("arm") == main.name)
    measures = measures_of(main.disease.quantities)
    quantities = s.arm_quantities(of_arm[main.name], main_trials, main_entries, measures, study.published)
    progress.advance(1)
    comparators = {}
    for arm in others:
        entries = trial_patients.filter(own, pl.col("arm") == arm.name)
        comparators[arm.name] = {
            "label": arm.label,
            "quantities": s.arm_quantities(
                of_arm[arm.name], trials.filter(own, pl.col("arm") == arm.name), entries, measures
            ),
            "differences": s.differences(of_arm[main.name], of_arm[arm.name], main_entries, measures),
        }
        progress.advance(1)
    for name in measures:
        quantities[name]["by_arm"] = s.by_arm(name, quantities, comparators)
    solved = s.solver_outcomes(patients)
    return {
        "study": study.study,
        "title": study.title,
        "question": study.question,
        "notice": s.NOTICE,
        "seed": study.seed,
        "patients": study.population.patients,
        "trials": study.trials,
        "level": s.LEVEL,
        "arms": [{"name": arm.name, "label": arm.label} for arm in arms],
        "nodes": [node.model_dump(mode="json") for node in study.dose_space.nodes],
        "outcomes": solved | {"explained": {name: outcome_explanation(name) for name in solved["by_code"]}},
        "quantities": quantities,
        "comparators": comparators,
        "adjudication": {
            "rule": rule,
            "text": {name: RULES[name].text for name in main.rules},
            "reasons": s.dlt_reasons(of_arm[main.name], main_entries),
        },
        "adjudications": s.adjudications(
            of_arm[main.name],
            trials.filter(pl.col("arm") == main.name),
            trial_patients.filter(pl.col("arm") == main.name),
        ),
        "paths": s.paths(main_trials),
        "funnel": s.funnel(main_trials),
        "parameters": main.model.table.kinds(),
        "parameter_table": s.parameter_rows(main),
        "references": main.model.table.references,
        "provenance": {"carwright": __version__, "study_digest": study.digest, "model": study.model},
    }
