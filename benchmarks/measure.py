"""Work and precision of engines on problems, and their ratios at equal error."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers import Engine
from benchmarks.peers.scipy import prepare
from benchmarks.problems import Problem

Floats = npt.NDArray[np.float64]
Row = dict[str, Any]

REFERENCE = 1e-10
"""Relative tolerance of the reference, SciPy's LSODA: no code of ours."""
REFERENCE_PATIENTS = 64
ERRORS = (2e-5, 1e-5, 1e-6, 2e-4)
"""Median errors at which engines are compared; the first is the one that ratios are quoted at, the last
is for single precision."""
REPEATS = 3
SPENT = 1.0
"""Runs are repeated for as many CPU seconds at least: short ones say little by themselves."""
LONG = 5.0
"""A run of more CPU seconds is not repeated."""


def reference(problem: Problem) -> Floats:
    """States (n, k, m) of the first patients, solved far more tightly than anything that is timed."""
    return prepare(problem.first(REFERENCE_PATIENTS))(problem.first(REFERENCE_PATIENTS), REFERENCE)


def errors(courses: Floats, exact: Floats, resolution: Floats) -> Floats:
    """(n,) largest |y - ref| / (|ref| + 1e-3 max over times |ref| + resolution) over times and states."""
    n = min(len(courses), len(exact))
    size = np.abs(exact[:n])
    size = size + 1e-3 * size.max(axis=1, keepdims=True) + resolution
    difference = np.abs(courses[:n] - exact[:n])
    # A state that is zero throughout, as an unused drug, counts where a solver moves it.
    relative = np.divide(difference, size, out=np.where(difference == 0.0, 0.0, np.inf), where=size > 0.0)
    return np.where(np.isnan(relative), np.inf, relative).max(axis=(1, 2))


def rows_of(engine: Engine, problem: Problem, exact: Floats, patients: int, tolerances: Sequence[float]) -> list[Row]:
    """One row per tolerance: error and patients per CPU second of the whole process, best of three runs or more."""
    begun = time.perf_counter()
    solve = engine.prepare(problem)
    loaded = time.perf_counter() - begun
    part, rows = problem.first(patients), []
    for tolerance in tolerances:
        courses = solve(part, tolerance)  # compiles what is compiled at the first call
        best, total, runs = np.inf, 0.0, 0
        while runs < REPEATS or total < SPENT:
            begun = time.process_time()
            courses = solve(part, tolerance)
            spent = time.process_time() - begun
            best, total, runs = min(best, spent), total + spent, runs + 1
            if spent > LONG:
                break
        error = errors(courses, exact, problem.resolution)
        rows.append(
            {
                "engine": engine.name,
                "peer": engine.peer,
                "model": problem.name,
                "rtol": tolerance,
                "median_error": float(np.median(error)),
                "p95_error": float(np.quantile(error, 0.95)),
                "patients_per_cpu_second": len(part.parameters) / best,
                "patients": len(part.parameters),
                "prepare_seconds": loaded,
            }
        )
    return rows


def speed_at(rows: Sequence[Row], error: float) -> float | None:
    """Largest throughput of any of the engines in the rows at a median error, interpolated between its tolerances.

    Work-precision lines are straight on logarithmic axes to a good approximation. Nothing is extrapolated: None
    where no engine has tolerances on both sides.
    """
    found = []
    for name in dict.fromkeys(row["engine"] for row in rows):
        points = sorted(
            (np.log(row["median_error"]), np.log(row["patients_per_cpu_second"]))
            for row in rows
            if row["engine"] == name and 0.0 < row["median_error"] < np.inf
        )
        x = np.array([point[0] for point in points])
        if len(x) and x[0] <= np.log(error) <= x[-1]:
            found.append(float(np.exp(np.interp(np.log(error), x, [point[1] for point in points]))))
    return max(found, default=None)


def ratios(rows: Sequence[Row], ours: str) -> dict[str, dict[str, dict[str, float]]]:
    """By model, peer and median error: our throughput over theirs.

    Where a peer has no point on the looser side of an error, it is compared at the error of its loosest point.
    """
    result: dict[str, dict[str, dict[str, float]]] = {}
    for model in dict.fromkeys(row["model"] for row in rows):
        here = [row for row in rows if row["model"] == model]
        mine = [row for row in here if row["peer"] == ours]
        for peer in dict.fromkeys(row["peer"] for row in here if row["peer"] != ours):
            theirs = [row for row in here if row["peer"] == peer]
            for error in ERRORS:
                at = min(error, max(row["median_error"] for row in theirs))
                speeds = speed_at(mine, at), speed_at(theirs, at)
                if speeds[0] is not None and speeds[1] is not None:
                    result.setdefault(model, {}).setdefault(peer, {})[f"{error:g}"] = speeds[0] / speeds[1]
    return result


def table(rows: Sequence[Row], ratio: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Both as Markdown."""
    lines = ["| engine | model | rtol | median error | 95th percentile | patients per CPU second |"]
    lines += ["|---|---|---|---|---|---|"]
    lines += [
        f"| {r['engine']} | {r['model']} | {r['rtol']:.0e} | {r['median_error']:.1e} | {r['p95_error']:.1e} "
        f"| {r['patients_per_cpu_second']:,.0f} |"
        for r in rows
    ]
    lines += ["", "How many times as many patients per CPU second, at the same median error:", ""]
    lines += ["| model | peer | " + " | ".join(f"{error:g}" for error in ERRORS) + " |"]
    lines += ["|---|---|" + "---|" * len(ERRORS)]
    for model, peers in ratio.items():
        for peer, values in peers.items():
            cells = " | ".join(f"{values[f'{e:g}']:.1f}" if f"{e:g}" in values else "-" for e in ERRORS)
            lines.append(f"| {model} | {peer} | {cells} |")
    return "\n".join(lines)
