"""A run folder of invented numbers that follows the schema of a finished run; for tests of the report only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from carwright.pipeline.design_summary import characteristics
from carwright.trial.space import DoseNode, DoseSpace

NODES = ("1", "2", "3", "-3")
ARMS = ("study", "without-armour")
RULES = ("protocol", "any-grade-3-crs", "grade-4")
POWER = {"1": 0.25, "2": 0.6, "3": 1.0, "-3": 0.55}
"""How strongly the invented cells act at each node."""
PATIENTS, TRIALS, SAMPLED = 400, 300, 40

RESOLVED = {
    "study": "synthetic",
    "title": "SYNTHETIC TEST DATA: invented numbers, no simulation",
    "label": "With the armour",
    "question": "Does the report read well?",
    "model": "mcrpc",
    "construct": {"name": "psma-dntgfbr2", "armour": None},
    "population": {"patients": PATIENTS, "patients_per_population": 40},
    "trials": TRIALS,
    "seed": 7,
    "horizon_days": 365.0,
    "dose_space": {
        "source": "invented",
        "order": ["1 < 2 < 3", "1 < -3 < 3"],
        "nodes": [
            {"id": "1", "cells_per_m2": [1e7, 3e7], "lymphodepletion": "none"},
            {"id": "2", "cells_per_m2": [1e8, 3e8], "lymphodepletion": "none"},
            {"id": "3", "cells_per_m2": [1e8, 3e8], "lymphodepletion": "flu-cy-300-30x3"},
            {"id": "-3", "cells_per_m2": [1e7, 3e7], "lymphodepletion": "flu-cy-300-30x3"},
        ],
    },
    "design": {"name": "three-plus-three", "path": ["1", "2", "3"], "fallback": {"3": "-3"}},
    "adjudication": {"rule": "protocol", "compare": list(RULES[1:]), "window_days": 28.0, "ctcae": "4.03"},
    "care": ["tocilizumab"],
    "accrual": {
        "patients_per_month": 1.0,
        "sentinel_gap_days": 14.0,
        "review_days": 14.0,
        "source": "invented",
        "kind": "assumed",
    },
    "attrition": {
        "manufacturing_failure": 0.05,
        "progression": 0.17,
        "withdrawal": 0.06,
        "source": "invented",
        "kind": "assumed",
    },
    "comparators": [{"name": "without-armour", "label": "Without the armour", "set": {"construct.armour": "none"}}],
    "published": [
        {"quantity": "crs_grade_ge2", "count": 5, "of": 13, "source": "invented", "certainty": "published"},
        {"quantity": "psa98", "count": 1, "of": 13, "source": "invented", "certainty": "inferred"},
    ],
}


def synthetic_run(folder: Path) -> Path:
    """Write the run folder and return it."""
    random = np.random.default_rng(1)
    (folder / "tables").mkdir(parents=True)
    patients = _patients(random)
    trial_patients, trials = _trials(patients, random)
    courses = _courses(random)
    for name, frame in (
        ("patients", patients),
        ("trial_patients", trial_patients),
        ("trials", trials),
        ("courses", courses),
    ):
        frame.write_parquet(folder / "tables" / f"{name}.parquet")
    (folder / "resolved.yaml").write_text(yaml.safe_dump(RESOLVED, sort_keys=False), encoding="utf-8")
    (folder / "summary.json").write_text(json.dumps(_summary(patients, trials), indent=1), encoding="utf-8")
    return folder


def _patients(random: np.random.Generator) -> pl.DataFrame:
    sensitivity = random.lognormal(0, 0.5, PATIENTS)
    lost = random.random(PATIENTS) < 0.28
    reasons = np.where(random.random(PATIENTS) < 0.6, "progression", "manufacturing_failure")
    frames = []
    for arm in ARMS:
        for node in NODES:
            effect = POWER[node] * sensitivity * (1.0 if arm == "study" else 0.6)
            grade = np.clip(np.floor(effect * 2.2 + random.normal(0, 0.4, PATIENTS)), 0, 4).astype(np.uint8)
            death = (grade == 4) & (random.random(PATIENTS) < 0.2)
            grade = np.where(death, 5, grade).astype(np.uint8)
            change = np.clip(0.4 - 0.7 * effect + random.normal(0, 0.2, PATIENTS), -0.995, 3.0)
            free = np.clip(random.exponential(110, PATIENTS) * (1 + effect), 10, 365)
            dlt = (grade >= 4) | ((grade == 3) & (random.random(PATIENTS) < 0.2))
            frames.append(
                pl.DataFrame(
                    {
                        "patient": np.arange(PATIENTS, dtype=np.uint32),
                        "population": (np.arange(PATIENTS) // 40).astype(np.uint32),
                        "arm": [arm] * PATIENTS,
                        "node": [node] * PATIENTS,
                        "infused": ~lost,
                        "not_infused_reason": [
                            reason if gone else None for reason, gone in zip(reasons, lost, strict=True)
                        ],
                        "vein_to_vein_days": random.uniform(28, 56, PATIENTS),
                        "outcome": np.where(np.arange(PATIENTS) == 11, 1, 0).astype(np.uint8),
                        "crs_grade": grade,
                        "crs_onset_day": [
                            float(day) if g else None
                            for day, g in zip(random.uniform(1, 9, PATIENTS), grade, strict=True)
                        ],
                        "crs_days": np.where(grade > 0, random.uniform(2, 9, PATIENTS), 0.0),
                        "icans_grade": np.clip(grade.astype(int) - 2, 0, 4).astype(np.uint8),
                        "hlh_mas": grade >= 4,
                        "sepsis": random.random(PATIENTS) < 0.04,
                        "crs_death": death,
                        "death_day": [20.0 if d else None for d in death],
                        "psa_best_change": change,
                        "progression_free_days": np.where(death, 20.0, free),
                        "progression_censored": (free >= 365) & ~death,
                        "tocilizumab_doses": (grade >= 2).astype(float) + (grade >= 3),
                        "corticosteroid_doses": (grade >= 3).astype(float),
                        "anakinra_doses": (grade >= 4).astype(float),
                        "dlt": dlt,
                        "dlt_day": [12.0 if d else None for d in dlt],
                    }
                )
            )
    return pl.concat(frames, how="vertical_relaxed")


def _trials(patients: pl.DataFrame, random: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    seen = {(row["arm"], row["node"], row["patient"]): row for row in patients.to_dicts()}
    members, trials = [], []
    for arm in ARMS:
        for rule in RULES:
            for trial in range(TRIALS):
                order, sequence, day, dlts, infused, path = iter(random.permutation(PATIENTS)), 0, 0.0, 0, 0, []
                for node in NODES:
                    letters, size = "", 1 if node == "3" else 3
                    while len(letters) < size:
                        patient, day, sequence = int(next(order)), day + random.exponential(30), sequence + 1
                        row = seen[arm, node, patient]
                        status = "treated" if row["infused"] else "not_infused"
                        infused += row["infused"]
                        dlts += bool(row["dlt"] and row["infused"])
                        if row["infused"]:
                            letters += (
                                ("B" if row["psa_best_change"] <= -0.3 else "T")
                                if row["dlt"]
                                else "E"
                                if row["psa_best_change"] <= -0.3
                                else "N"
                            )
                        members.append(
                            {
                                "trial": trial,
                                "arm": arm,
                                "adjudication": rule,
                                "sequence": sequence,
                                "patient": patient,
                                "node": node,
                                "status": status,
                                "enrolled_day": day,
                                "infusion_day": day + 40 if row["infused"] else None,
                                "evaluable": row["infused"],
                                "dlt": bool(row["dlt"] and row["infused"]),
                                "dlt_day": row["dlt_day"] if row["infused"] else None,
                            }
                        )
                    path.append(node + letters)
                    if sum(letter in "TB" for letter in letters) > 1 and node != "3":
                        break
                trials.append(
                    {
                        "trial": trial,
                        "arm": arm,
                        "adjudication": rule,
                        "enrolled": sequence,
                        "infused": infused,
                        "evaluable": infused,
                        "recommended_node": "-3" if node == "-3" else None,
                        "path": " ".join(path),
                        "duration_days": day + 28,
                        "dlts": dlts,
                    }
                )
    types = {"patient": pl.UInt32, "trial": pl.UInt32, "sequence": pl.UInt16}
    return pl.DataFrame(members, schema_overrides=types | {"dlt_day": pl.Float64}), pl.DataFrame(
        trials, schema_overrides={"trial": pl.UInt32}
    )


def _courses(random: np.random.Generator) -> pl.DataFrame:
    days = np.arange(-7.0, 366.0)
    strength = random.lognormal(0, 0.5, SAMPLED)
    frames = []
    for arm in ARMS:
        for node in NODES:
            for patient in range(SAMPLED):
                effect = POWER[node] * strength[patient] * (1.0 if arm == "study" else 0.6)
                after = np.clip(days, 0, None)
                pulse = effect * (after / 9) * np.exp(1 - after / 9)
                copies = 2e4 * pulse + np.where(days > 0, 200 * effect * np.exp(-after / 90), 0)
                tumour = 1e10 * np.exp(0.01 * after - 2.2 * effect * (1 - np.exp(-after / 12)))
                depleted = node in {"3", "-3"}
                frames.append(
                    pl.DataFrame(
                        {
                            "patient": np.full(days.size, patient, dtype=np.uint32),
                            "arm": [arm] * days.size,
                            "node": [node] * days.size,
                            "day": days,
                            "crs_grade": np.zeros(days.size, dtype=np.uint8),
                            "car_copies_per_ug": copies,
                            "tumour_site_cells": 1e8 * pulse + 1,
                            "tumour_cells": tumour,
                            "antigen_low_cells": tumour * np.clip(0.02 + after / 500, 0, 1),
                            "tgf_beta": 0.3 + 0.1 * pulse,
                            "inhibitory_index": np.clip(0.1 + 0.4 * effect * (1 - np.exp(-after / 15)), 0, 1),
                            "site_inhibition": np.clip(0.3 + 0.2 * effect * (1 - np.exp(-after / 15)), 0, 1),
                            "pd_l1": 1 + 2 * effect * (1 - np.exp(-after / 15)),
                            "tim_3": 1 + 1.5 * effect * (1 - np.exp(-after / 20)),
                            "tigit": 1 + effect * (1 - np.exp(-after / 25)),
                            "il15": 5 + 40 * depleted * np.exp(-(((days - 1) / 6) ** 2)),
                            "ifn_gamma": 5 + 900 * pulse**2,
                            "il6": 4 + 2500 * pulse**3,
                            "il1": np.clip(0.5 * pulse, 0, 1),
                            "crp": 8 + 90 * pulse,
                            "ferritin": 300 + 4000 * pulse**2,
                            "neutrophils_per_ul": 4500 - depleted * 4100 * np.exp(-(((days - 8) / 7) ** 2)),
                            "psa": tumour / 1e8,
                        }
                    ).with_columns(pl.col(pl.Float64).cast(pl.Float32))
                )
    return pl.concat(frames, how="vertical_relaxed")


def _share(values: pl.Series) -> dict[str, float]:
    estimate = float(values.cast(pl.Float64).mean() or 0.0)
    return {"estimate": estimate, "lo": max(0.0, estimate - 0.06), "hi": min(1.0, estimate + 0.06)}


def _designs(shares: dict[str, dict[str, float]]) -> dict[str, object]:
    """Three designs whose invented numbers differ by constants."""
    space = DoseSpace(tuple(map(DoseNode, NODES)), ("1 < 2 < 3", "1 < -3 < 3"))
    known = characteristics(space)

    def reading(middle: float, half: float) -> dict[str, object]:
        ends = {"lo": middle - half / 3, "hi": middle + half / 3}
        return {"estimate": middle, "lo": middle - half, "hi": middle + half, "monte_carlo": ends}

    def value(key: str, unit: str) -> float:
        node = key.removeprefix("recommends_")
        if node in shares:
            return shares[node]["estimate"]
        return 0.4 if unit.startswith(("probability", "fraction")) else 400.0 if unit == "days" else 5.0

    by_design = {
        name: {
            rule: {
                "characteristics": {
                    key: reading(value(key, unit) + 0.02 * place - 0.05 * step, 0.09)
                    for key, (_, unit) in known.items()
                },
                "differences": {key: reading(0.02 * place, 0.03) for key in known},
                "moves": {key: reading(-0.05 * step, 0.03) for key in known if key.startswith("recommends_")},
            }
            for step, rule in enumerate(RULES)
        }
        for place, name in enumerate(("three-plus-three", "boin", "crm"))
    }
    by_node = {node: reading(0.1 + 0.1 * place, 0.09) for place, node in enumerate(NODES)}
    highest = {"1": 0.1, "2": 0.2, "3": 0.4, "-3": 0.6, "none": 0.1}
    return {
        "own": "three-plus-three",
        "target": 0.3,
        "level": 0.9,
        "rules": list(RULES),
        "records": {name: {"options": {"target": 0.3, "path": ["1", "2"]}, "rules": []} for name in by_design},
        "truth": {rule: {"dlt_rate": by_node, "highest_tolerated": highest} for rule in RULES},
        "labels": {key: label for key, (label, _) in known.items()},
        "units": {key: unit for key, (_, unit) in known.items()},
        "by_design": by_design,
    }


def _summary(patients: pl.DataFrame, trials: pl.DataFrame) -> dict[str, object]:
    rates = {
        "infused_fraction": ("Enrolled patients who were infused", pl.col("infused"), (13, 18)),
        "dlt_rate": ("Dose-limiting toxicity", pl.col("dlt"), None),
        "crs_grade_ge2": ("CRS grade 2 or higher", pl.col("crs_grade") >= 2, (5, 13)),
        "crs_grade_ge3": ("CRS grade 3 or higher", pl.col("crs_grade") >= 3, (3, 13)),
        "crs_death": ("Death from CRS", pl.col("crs_death"), (1, 13)),
        "psa30": ("PSA fall of 30 % or more", pl.col("psa_best_change") <= -0.3, (4, 13)),
        "psa98": ("PSA fall of 98 % or more", pl.col("psa_best_change") <= -0.98, (12, 13)),
    }
    arms: dict[str, dict[str, dict[str, object]]] = {}
    for arm in ARMS:
        arms[arm] = {}
        for name, (label, flag, published) in rates.items():
            found = patients.filter(pl.col("arm") == arm).select(flag.alias("flag"), "node")
            rate = _share(found["flag"])
            predictive = {"lo": max(0.0, rate["estimate"] - 0.25), "hi": min(1.0, rate["estimate"] + 0.25)}
            quantity: dict[str, object] = {
                "unit": "fraction of infused",
                "label": label,
                **rate,
                "level": 0.9,
                "predictive": predictive,
            }
            quantity["by_node"] = {node: _share(found.filter(pl.col("node") == node)["flag"]) for node in NODES}
            if published:
                share = published[0] / published[1]
                quantity["published"] = {
                    "count": published[0],
                    "of": published[1],
                    "source": "invented for tests",
                    "certainty": "inferred",
                }
                quantity["covered"] = predictive["lo"] <= share <= predictive["hi"]
            arms[arm][name] = quantity
        arms[arm]["il6_peak"] = {
            "unit": "pg/mL",
            "label": "Peak IL-6",
            "estimate": 812.5,
            "lo": 640.0,
            "hi": 990.0,
            "level": 0.9,
        }
    reference = trials.filter((pl.col("arm") == "study") & (pl.col("adjudication") == "protocol"))

    def recommended(frame: pl.DataFrame) -> dict[str, dict[str, float]]:
        chosen = frame["recommended_node"].fill_null("none")
        return {node: _share(chosen == node) for node in (*NODES, "none")}

    arms["study"]["recommended_node"] = {
        "unit": "probability",
        "label": "Recommended dose",
        "by_node": recommended(reference),
    }
    designs = _designs(recommended(reference))
    counts = reference["path"].value_counts().sort("count", "path", descending=[True, False])
    return {
        "study": "synthetic",
        "title": RESOLVED["title"],
        "seed": 7,
        "patients": PATIENTS,
        "trials": TRIALS,
        "level": 0.9,
        "question": RESOLVED["question"],
        "nodes": RESOLVED["dose_space"]["nodes"],
        "arms": [
            {"name": "study", "label": "With the armour"},
            {"name": "without-armour", "label": "Without the armour"},
        ],
        "adjudication": {"rule": "protocol", "text": {rule: f"Invented text of {rule}." for rule in RULES}},
        "references": {"invented": "No such publication <exists>"},
        "designs": designs,
        "outcomes": {
            "ok": PATIENTS - 1,
            "failed": 1,
            "solves": 8 * PATIENTS,
            "failed_solves": 8,
            "by_code": {"max_steps": 8},
            "explained": {"max_steps": "the step limit was reached"},
        },
        "quantities": arms["study"],
        "comparators": {
            "without-armour": {
                "quantities": arms["without-armour"],
                "differences": {
                    name: {
                        "estimate": arms["without-armour"][name]["estimate"] - arms["study"][name]["estimate"],
                        "lo": -0.31,
                        "hi": 0.02,
                    }
                    for name in [*rates, "il6_peak"]
                },
            }
        },
        "adjudications": {
            rule: {
                "dlt_rate": _share(patients["dlt"]),
                "recommended_node": recommended(
                    trials.filter((pl.col("arm") == "study") & (pl.col("adjudication") == rule))
                ),
            }
            for rule in RULES
        },
        "paths": [
            {
                "path": path,
                "probability": count / TRIALS,
                "lo": 0.8 * count / TRIALS,
                "hi": 1.3 * count / TRIALS,
                "recommended_node": "-3",
            }
            for path, count in counts.head(40).iter_rows()
        ],
        "funnel": {
            step: {"estimate": mean, "lo": mean - 0.8, "hi": mean + 0.8, "predictive": {"lo": mean - 6, "hi": mean + 7}}
            for step, mean in (("enrolled", 18.4), ("infused", 13.2), ("evaluable", 12.7))
        },
        "parameters": {"published": 31, "fitted": 12, "assumed": 44},
        "parameter_table": [
            {
                "name": f"parameter_{index}",
                "meaning": "an invented rate & its <meaning>",
                "value": 0.5 * index,
                "unit": "1/d",
                "distribution": "lognormal, SD 0.3",
                "set_by": ("table", "construct", "study")[index % 3],
                "kind": ("published", "fitted", "assumed")[index % 3],
                "source": "invented for tests",
            }
            for index in range(87)
        ],
        "provenance": {"carwright": "0.1.0", "study_digest": "0123abcd", "model": "mcrpc"},
        "notice": "research software, never for treatment decisions",
    }


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of invented numbers."""
    return synthetic_run(tmp_path_factory.mktemp("report") / "run")
