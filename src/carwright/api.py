"""The Python API: what the command line does, as functions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carwright.errors import CarwrightError, Problem
from carwright.store import Progress, Quiet, Run
from carwright.store.files import full_disk_errors, storage_errors

if TYPE_CHECKING:
    import polars as pl

    from carwright.simulation import Differentiable, Simulation
    from carwright.study import Study

__all__ = ["compare", "default_folder", "differentiate", "run", "simulate"]


def run(
    study: str | Path | Study,
    overrides: Mapping[str, Any] | Iterable[str] = (),
    *,
    out: str | Path | None = None,
    threads: int | None = None,
    report: bool = True,
    progress: Progress | None = None,
    command: str = "carwright.run",
) -> Run:
    """Run a study, or resume it, and write its report.

    Parameters
    ----------
    study
        Name of a shipped study, path of a study file, or a study.
    overrides
        New values by key, such as ``{"population.patients": 400}``; not with a study that is already loaded.
    out
        Run folder; `default_folder` of the study if it is not given. The same study in the same folder is
        resumed, and not computed again once it is finished.
    threads
        Threads of the solver; all that this process may use by default. Results do not depend on it.
    report
        Whether to write ``report.html``.
    progress
        Hears how far the work is.
    command
        What started the run, for its provenance.

    Returns
    -------
    Run
        The finished run: ``.folder``, ``.summary``, ``.table("patients")``.

    Raises
    ------
    CarwrightError
        If the study is wrong, or the folder holds something else or cannot be written.
    """
    from carwright.study import Study, load_study

    if isinstance(study, Study) and overrides:
        raise CarwrightError(
            Problem(
                "STUDY011",
                "a study that is already loaded takes no overrides",
                where="carwright.run",
                found=str(overrides),
                fix="give them to load_study, or give the study's name or path here",
            )
        )
    loaded = study if isinstance(study, Study) else load_study(study, overrides)
    progress = progress or Quiet()
    folder = Path(out) if out is not None else default_folder(loaded)
    opened = Run.open(
        folder,
        as_given=loaded.as_given,
        resolved=loaded.to_yaml(),
        digest=loaded.digest,
        command=command,
        progress=progress,
    )
    with opened, full_disk_errors(opened.folder):
        if not opened.finished:
            from carwright.pipeline import run_study

            count = threads or _available_threads()
            opened.finish(run_study(loaded, opened, threads=count, progress=progress))
        if report:
            from carwright.report import write_report

            progress.stage("report", 1)
            with storage_errors(opened.folder / "report.html"):
                write_report(opened.folder)
            progress.advance(1)
    return opened


def compare(first: str | Path | Run, second: str | Path | Run) -> dict[str, Any]:
    """Compare two finished runs on the same patients.

    Parameters
    ----------
    first, second
        Run folders or runs.

    Returns
    -------
    dict
        Paired differences, second minus first, with intervals.

    Raises
    ------
    CarwrightError
        If one is no finished run, or their patients differ.
    """
    from carwright.pipeline import compare_runs

    runs = [given if isinstance(given, Run) else Run.read(Path(given)) for given in (first, second)]
    for opened in runs:
        if "simulation" in opened.summary:
            fix = "join the patients of the two in Python, on the column 'patient'"
            raise CarwrightError(Problem("COMPARE003", "this is no run of a study", str(opened.folder), fix=fix))
    return compare_runs(*runs)


def simulate(
    model: str | Path,
    *,
    population: str | Path | Mapping[str, Any] | pl.DataFrame | None = None,
    patients: int | None = None,
    doses: Iterable[str] = (),
    days: float | None = None,
    start: float | None = None,
    at: str | Iterable[float] | None = None,
    functionals: Iterable[str] = (),
    observe: Iterable[str] = (),
    values: Mapping[str, float] | None = None,
    relative_tolerance: float = 1e-6,
    method: str = "rodas5p",
    precision: str = "double",
    gpu: bool = False,
    seed: int = 1,
    keep: str | Iterable[str] | None = None,
    gradients: Iterable[str] = (),
    max_steps: int = 100_000,
    allow_negative: bool = False,
    out: str | Path | None = None,
    threads: int | None = None,
    shard: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    command: str = "carwright.simulate",
) -> Simulation:
    """Simulate any model over a population, or resume that.

    Times are in the model's own unit of time, which is days in the built-in models.

    Parameters
    ----------
    model
        Name of a built-in model, an SBML file (``.xml``, ``.sbml``) or an Antimony file (``.ant``).
    population
        Distributions by name, as a mapping such as ``{"k": {"value": 0.5, "sd": 0.3}}`` or a YAML file of the same; or
        one row per patient and one column per parameter, as a frame, a Parquet file or a CSV file. Without it a
        built-in model draws ``patients`` from its own table, and any other model is solved once, as it stands.
    patients
        How many; all rows, 1000 draws or one patient by default.
    doses
        ``"TARGET=AMOUNT@DAY,DAY"``: amounts that are added to states. AMOUNT is a number or a name of the population.
    days, start
        Bounds of the solve; by default the last time that is asked for, and 0 (-7 for built-in models).
    at
        Times of the courses: numbers, ``"0,1,7"``, ``"0:180:1"``.
    functionals
        Numbers that are computed while solving, such as ``"max:psa"``, ``"time_of_max:psa@0..28"``,
        ``"days_below:neutrophils_per_ul<500"``, ``"value_at:psa@28"``.
    observe
        Names whose courses are written; all states by default (states and read-outs of a built-in model).
    values
        Values of parameters that replace the model's.
    relative_tolerance
        Error allowed per step relative to each state.
    method
        ``"rodas5p"``, or ``"rodas4"`` to screen at loose tolerances.
    precision
        ``"double"``, or ``"single"`` to screen: faster, at relative tolerances of 1e-5 or more.
    gpu
        Solve on a CUDA device, one patient a thread (extra ``gpu``).
    seed
        Seed of the draws.
    keep
        Names of the population whose values are written: ``"all"``, ``"none"`` or names; by default all that differ
        between patients, unless that is more than 20 million numbers.
    gradients
        Parameters, or names of dose amounts, with respect to which exact derivatives of all courses and functionals
        are computed, for each patient at his own values.
    max_steps
        Steps tried per patient before it is given up.
    allow_negative
        Keep patients in whom a species falls below zero by more than the solver's error explains; they fail by default.
    out
        Run folder; below ``runs`` by default. The same simulation in the same folder is resumed.
    threads
        Threads of the solver; all that this process may use by default. Results do not depend on it.
    shard
        Patients per piece of work; chosen by speed and size by default. Results do not depend on it.
    scheduler
        Address of a Dask scheduler whose workers do the work; ``"local"`` starts one on this machine.
    progress
        Hears how far the work is.
    command
        What started it, for the provenance.

    Returns
    -------
    Simulation
        ``.patients``, ``.courses``, ``.parameters``, ``.gradients`` (polars), ``.summary``, ``.folder``,
        ``.to_xarray()``.

    Raises
    ------
    CarwrightError
        Listing everything that is wrong with the model, the population and the request.
    """
    from carwright.simulation import simulate as simulate_
    from carwright.simulation.prepare import Request

    request = Request(
        model=model,
        population=population,
        patients=patients,
        doses=doses,
        days=days,
        start=start,
        at=at,
        functionals=functionals,
        observe=observe,
        values=values or {},
        relative_tolerance=relative_tolerance,
        method=method,
        precision=precision,
        gpu=gpu,
        seed=seed,
        keep=keep,
        gradients=gradients,
        max_steps=max_steps,
        allow_negative=allow_negative,
    )
    return simulate_(
        request,
        out=None if out is None else Path(out),
        threads=threads or _available_threads(),
        shard=shard,
        scheduler=scheduler,
        progress=progress or Quiet(),
        command=command,
    )


def differentiate(
    model: str | Path,
    names: Iterable[str],
    *,
    doses: Iterable[str] = (),
    days: float | None = None,
    start: float | None = None,
    at: str | Iterable[float] | None = None,
    functionals: Iterable[str] = (),
    observe: Iterable[str] = (),
    values: Mapping[str, float] | None = None,
    relative_tolerance: float = 1e-6,
) -> Differentiable:
    """Make a model a function of some of its parameters, with exact derivatives, for calibration.

    Parameters
    ----------
    model
        Name of a built-in model, an SBML file or an Antimony file.
    names
        The arguments of the function: parameters, or names of dose amounts.
    doses, days, start, at, functionals, observe, values, relative_tolerance
        As in `simulate`.

    Returns
    -------
    Differentiable
        Called with the values of the names, it returns the courses (time by time, each with all observables) and the
        functionals as one vector, and its Jacobian. ``.quantities`` says what is where.

    Raises
    ------
    CarwrightError
        Listing everything that is wrong, and every part of the model that has no derivative.
    """
    from carwright.simulation import Differentiable
    from carwright.simulation.prepare import Request

    request = Request(
        model=model,
        doses=doses,
        days=days,
        start=start,
        at=at,
        functionals=functionals,
        observe=observe,
        values=values or {},
        relative_tolerance=relative_tolerance,
    )
    return Differentiable(request, tuple(names))


def default_folder(study: Study) -> Path:
    """Folder of a run when none is given: ``runs/<study>-seed<seed>-<digest>`` in the current folder."""
    return Path("runs") / f"{study.study}-seed{study.seed}-{study.digest[:8]}"


def _available_threads() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
