"""The Python API: what the command line does, as functions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from carwright.store import Progress, Quiet, Run
from carwright.store.files import full_disk_errors, storage_errors
from carwright.study import Study, load_study

__all__ = ["compare", "default_folder", "load_study", "run"]


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
    return compare_runs(*runs)


def default_folder(study: Study) -> Path:
    """Folder of a run when none is given: ``runs/<study>-seed<seed>-<digest>`` in the current folder."""
    return Path("runs") / f"{study.study}-seed{study.seed}-{study.digest[:8]}"


def _available_threads() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
