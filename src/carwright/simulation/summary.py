"""What a simulation found, in one page: how the solves ended, and quantiles of the functionals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import polars as pl

from carwright import __version__
from carwright.engine import EXPLAIN, NEGATIVE_LIMIT, Outcome
from carwright.engine.precision import NOTE, SINGLE

if TYPE_CHECKING:
    from carwright.simulation.job import Job
    from carwright.store import Run

NOTICE: Final = "Research software: never for treatment decisions."

QUANTILES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""Quantiles that are written, linear between order statistics; 0 and 1 are the extremes."""


def summarise(job: Job, run: Run) -> dict[str, Any]:
    """Contents of ``summary.json``; memory holds one column of the patients at a time."""
    task = job.task
    patients = pl.scan_parquet(run.parts("patients"))
    counts = dict(patients.group_by("outcome").len().collect().sort("outcome").iter_rows())
    failed = {Outcome(code).name.lower(): count for code, count in counts.items() if code}
    units = task.system.units
    return {
        "simulation": task.name,
        "notice": NOTICE,
        **({"precision": {"name": SINGLE, "error": NOTE}} if task.precision == SINGLE else {}),
        "seed": job.seed,
        "patients": job.patients,
        "start": task.start,
        "end": task.end,
        "outcomes": {
            "ok": counts.get(0, 0),
            "failed": sum(failed.values()),
            "by_code": failed,
            "explained": {name: EXPLAIN[Outcome[name.upper()]] for name in failed},
        },
        "negative_species": _collected(patients.select((pl.col("lowest") < -NEGATIVE_LIMIT).sum())),
        "steps": _quantiles(patients, "steps"),
        "functionals": {
            name: {
                "kind": functional.kind,
                "of": functional.of,
                "unit": _unit(functional.kind, units.get(functional.of, "")),
                **_quantiles(patients, name),
            }
            for name, functional in zip(task.columns, task.functionals, strict=True)
        },
        "courses": {"times": len(task.times), "observed": list(task.observed) if task.times else []},
        **({"gradients": _gradients(run, task.gradients)} if task.gradients else {}),
        "tables": list(job.tables),
        "parameters": list(task.kept),
        "population": _counted(job.population.described()),
        "provenance": {"carwright": __version__, "system_digest": task.system.digest, "digest": job.digest},
    }


def _gradients(run: Run, names: tuple[str, ...]) -> dict[str, Any]:
    """How many values there are, and how many of them have no derivative."""
    table = pl.scan_parquet(run.parts("gradients"))
    has_value = pl.col("value").is_not_null()
    counted = table.select(has_value.sum(), (has_value & pl.col("derivative").is_null()).sum().alias("none")).collect()
    return {
        "names": list(names),
        "derivatives": counted["value"].item() - counted["none"].item(),
        "undefined": counted["none"].item(),
    }


def _collected(lazy: pl.LazyFrame) -> Any:
    return lazy.collect().item()


def _quantiles(patients: pl.LazyFrame, column: str) -> dict[str, Any]:
    """Quantiles of a column over the patients that have a value, and how many have none."""
    values = patients.filter(pl.col("outcome") == 0).select(pl.col(column).cast(pl.Float64)).collect().to_series()
    known = values.drop_nulls().sort()
    return {
        "quantiles": {f"{q:g}": None if known.is_empty() else _finite(known.quantile(q, "linear")) for q in QUANTILES},
        "without_value": values.null_count(),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and abs(value) != float("inf") else None


def _unit(kind: str, unit: str) -> str:
    """Unit of a functional; times are in the model's own unit of time."""
    if kind == "integral":
        return f"{unit} x time" if unit else ""
    return unit if kind in ("maximum", "minimum", "value_at") else "time"


def _counted(described: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in described.items() if key != "rows" or isinstance(value, int)}
