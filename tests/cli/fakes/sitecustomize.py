"""On the path of a test's child process: stands in for the rooms that compute, so that commands are quick to test.

``CARWRIGHT_FAKE_PAUSE=N``: after N shards the fake says so on standard error and waits for a signal.
``CARWRIGHT_FAKE_FAILURE``: the fake fails in this way: ``bug`` or ``full`` (a full disk that polars reports).
"""

from __future__ import annotations

import os
import signal
import sys
import types
from pathlib import Path
from typing import Any

NODES = ("1", "2", "3", "-3")


def patients(items: range, arm: str) -> Any:
    import polars as pl

    rows = [
        {
            "patient": i,
            "population": i // 40,
            "arm": arm,
            "node": node,
            "infused": i % 4 != 3,
            "not_infused_reason": "manufacturing_failure" if i % 4 == 3 else None,
            "assigned_cells_low": 1.8e7,
            "assigned_cells_high": 5.4e7,
            "delivered_cells": 3e7,
            "on_assigned_dose": i % 5 != 4,
            "outcome": 1 if i == 6 and node == "3" else 0,
            "outcome_name": "max_steps" if i == 6 and node == "3" else "ok",
            "crs_grade": i % 5,
            "crs_onset_day": 2.0 if i % 5 else None,
            "crs_days": 4.0 if i % 5 else 0.0,
            "icans_grade": 1 if i % 5 == 4 else 0,
            "icans_onset_day": 5.0 if i % 5 == 4 else None,
            "hlh_mas": False,
            "sepsis": i % 7 == 0,
            "sepsis_day": 9.0 if i % 7 == 0 else None,
            "death_day": None,
            "psa_baseline": 40.0,
            "psa_best_change": -0.45,
            "psa_progression_day": 120.0,
            "cmax_copies_per_ug": 12_300.0,
            "tmax_days": 10.0,
            "persistence_days": 60.0,
            "tocilizumab_doses": 2 if i % 5 >= 2 else 0,
            "corticosteroid_doses": 0,
            "anakinra_doses": 0,
            "dlt": i % 5 == 4,
            "dlt_day": 6.0 if i % 5 == 4 else None,
            "dlt_reason": "CRS grade 4" if i % 5 == 4 else None,
            "dlt_any_grade_3_crs": i % 5 >= 3,
        }
        for i in items
        for node in NODES
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def run_study(study: Any, run: Any, *, threads: int, progress: Any) -> dict[str, Any]:
    import polars as pl

    from carwright.store import ranges

    failure = os.environ.get("CARWRIGHT_FAKE_FAILURE")
    pause = int(os.environ.get("CARWRIGHT_FAKE_PAUSE", "-1"))
    names = [name for name, _, _ in study.arms()]
    done = 0

    def work(items: range) -> dict[str, Any]:
        nonlocal done
        if failure == "bug":
            raise ZeroDivisionError
        if failure == "full":
            pl.DataFrame({"a": [1]}).write_parquet("/dev/full")
        if done == pause:
            sys.stderr.write("waiting\n")
            signal.pause()
        done += 1
        return {"patients": pl.concat([patients(items, name) for name in names])}

    run.shards.compute("patients", ranges(study.population.patients, 10), work, progress)
    run.write_table("patients", run.shards.read("patients", "patients"))
    run.write_table("courses", _courses())
    run.write_table("trials", _trials(names))
    run.write_table("trial_patients", _members(names))
    return _summary(study)


def _courses() -> Any:
    import polars as pl

    grades = [0, 2, 2, 1, 0]
    course = {"patient": 2, "arm": "study", "node": "1", "day": [1.0, 2.0, 3.0, 4.0, 5.0], "crs_grade": grades}
    return pl.DataFrame(course)


def _trials(names: list[str]) -> Any:
    import polars as pl

    return pl.DataFrame(
        [
            {
                "trial": 0,
                "population": 0,
                "arm": arm,
                "adjudication": rule,
                "design": "3+3",
                "enrolled": 4,
                "infused": 3,
                "evaluable": 2,
                "recommended_node": None,
                "stop_reason": "two DLTs at node 1",
                "path": "1TT",
                "duration_days": 150.0,
                "dlts": 2,
            }
            for arm in names
            for rule in ("protocol", "any-grade-3-crs")
        ]
    )


def _members(names: list[str]) -> Any:
    import polars as pl

    statuses = [("treated", True, 6.0), ("treated", True, 3.0), ("off_dose", False, None), ("not_infused", False, None)]
    return pl.DataFrame(
        [
            {
                "trial": 0,
                "arm": arm,
                "adjudication": rule,
                "sequence": sequence,
                "patient": 10 + sequence,
                "node": "1",
                "status": status,
                "not_infused_reason": "progression" if status == "not_infused" else None,
                "enrolled_day": 10.0 * sequence,
                "infusion_day": None if status == "not_infused" else 60.0 + sequence,
                "evaluable": evaluable,
                "dlt": day is not None,
                "dlt_day": day,
            }
            for arm in names
            for rule in ("protocol", "any-grade-3-crs")
            for sequence, (status, evaluable, day) in enumerate(statuses)
        ]
    )


def _summary(study: Any) -> dict[str, Any]:
    psa30 = {
        "unit": "fraction of infused",
        "label": "PSA fall of 30 % or more",
        "estimate": 0.31,
        "lo": 0.28,
        "hi": 0.34,
        "level": 0.9,
        "predictive": {"lo": 0.08, "hi": 0.6},
        "published": {"count": 4, "of": 13, "source": "x"},
        "covered": True,
        "by_node": {node: {"estimate": 0.3, "lo": 0.2, "hi": 0.4} for node in NODES},
    }
    recommended = {"unit": "probability", "label": "Recommended dose"}
    recommended["by_node"] = {node: {"estimate": 0.25, "lo": 0.2, "hi": 0.3} for node in NODES}
    quantities = {"psa30": psa30, "recommended_node": recommended}
    differences = {"psa30": {"estimate": -0.1, "lo": -0.15, "hi": -0.05}}
    return {
        "study": study.study,
        "title": study.title,
        "seed": study.seed,
        "notice": "Research software: never for treatment decisions.",
        "patients": study.population.patients,
        "trials": study.trials,
        "arms": [name for name, _, _ in study.arms()],
        "outcomes": {"ok": 319, "failed": 1, "by_code": {"max_steps": 1}},
        "quantities": quantities,
        "provenance": {"model": study.model},
        "comparators": {
            "without-armour": {
                "label": "Without the armour",
                "quantities": quantities,
                "differences": differences,
            }
        },
    }


def compare_runs(first: Any, second: Any) -> dict[str, Any]:
    entry = {"estimate": 0.1, "lo": 0.05, "hi": 0.2}
    psa30 = {"unit": "fraction of infused", "label": "PSA30"} | dict.fromkeys(("first", "second", "difference"), entry)
    return {"changed": ["construct.armour: None -> none"], "level": 0.9, "quantities": {"psa30": psa30}}


def write_report(folder: Path) -> Path:
    (folder / "report.html").write_text("<!doctype html>")
    return folder / "report.html"


def solve_again(*asked: Any) -> Any:
    from carwright.errors import CarwrightError, Problem

    raise CarwrightError(Problem("FAKE001", "a stand-in has solved nothing"))


def stand_in(name: str, **functions: Any) -> None:
    module = types.ModuleType(name)
    vars(module).update(functions)
    sys.modules[name] = module


stand_in("carwright.pipeline", run_study=run_study, compare_runs=compare_runs)
stand_in("carwright.report", write_report=write_report)
stand_in("carwright.pipeline.again", solve_again=solve_again)
