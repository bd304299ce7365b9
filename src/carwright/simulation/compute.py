"""The job: shard by shard to disk, then tables in parts whose bytes do not depend on the shards."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carwright.simulation.pace import LEAST, PROBE, measure
from carwright.simulation.prepare import Request, prepare
from carwright.simulation.result import Simulation
from carwright.simulation.summary import summarise
from carwright.store import Run, ranges
from carwright.store.files import full_disk_errors
from carwright.store.spread import Stop, in_threads

if TYPE_CHECKING:
    from carwright.engine import GradientKernel, Kernel
    from carwright.simulation.job import Job
    from carwright.store import Progress
    from carwright.store.spread import Spread

PART_VALUES: Final = 1 << 22
"""Most numbers in one file of a table (32 MiB in memory); fixed, because it shapes the bytes."""

MOST_ROWS: Final = 1 << 17
"""Most rows in one file of a table; fixed, because it shapes the bytes."""


def simulate(
    request: Request,
    *,
    out: Path | None,
    threads: int,
    shard: int | None,
    scheduler: str | None,
    progress: Progress,
    command: str,
) -> Simulation:
    """Check a request, solve its patients and write their tables; or resume that.

    Parameters
    ----------
    request
        What is asked for.
    out
        Run folder; below ``runs`` by default.
    threads
        Shards that are solved at a time.
    shard
        Patients per shard; chosen by speed and size if it is not given. Results do not depend on it.
    scheduler
        Address of a Dask scheduler whose workers solve the shards, ``local`` for one on this machine; this process by
        default.
    progress
        Hears how far the work is.
    command
        What started it, for the provenance.

    Raises
    ------
    CarwrightError
        Listing everything that is wrong with the request; or if the folder cannot be used.
    """
    job = prepare(request)
    folder = out if out is not None else default_folder(job)
    opened = Run.open(
        folder,
        as_given=job.text,
        resolved=job.resolved,
        digest=job.digest,
        command=command,
        progress=progress,
        given_name=job.kept_as,
    )
    with opened, full_disk_errors(opened.folder):
        if not opened.finished:
            _compute(job, opened, threads, shard, scheduler, progress)
    return Simulation(opened)


def default_folder(job: Job) -> Path:
    """Folder when none is given: ``runs/simulate-<model>-seed<seed>-<digest>`` in the current folder."""
    return Path("runs") / f"simulate-{job.task.name}-seed{job.seed}-{job.digest[:8]}"


def _compute(job: Job, run: Run, threads: int, shard: int | None, scheduler: str | None, progress: Progress) -> None:
    progress.stage("compiling the model", 1)
    kernel = job.task.kernel()
    progress.advance(1)
    pieces = ranges(job.patients, shard or _shard(job, run, kernel, threads, progress))
    stop = Stop()
    if scheduler is None:
        spread: Spread = in_threads(threads, stop)
    else:
        from carwright.simulation.cluster import on_cluster

        spread = on_cluster(scheduler, job, threads)
    run.shards.compute("patients", pieces, partial(job.solve, kernel, progress=stop.heed), progress, spread=spread)
    progress.stage("tables", len(job.tables))
    for table in job.tables:
        width = next(iter(run.shards.each("patients", table))).width
        run.write_parts(table, run.shards.each("patients", table), _part(width, table, job))
        progress.advance(1)
    run.finish(summarise(job, run))


def _shard(job: Job, run: Run, kernel: Kernel | GradientKernel, threads: int, progress: Progress) -> int:
    """Patients per shard: as in what is already there, or by speed and size."""
    if recorded := run.shards.recorded("patients"):
        return max(recorded)
    if job.patients <= PROBE:
        return LEAST
    pace = measure(job, kernel)
    if sentence := pace.sentence(job.patients, threads):
        progress.notice(sentence)
    return max(LEAST, min(pace.shard(), -(-job.patients // threads)))


def _part(width: int, table: str, job: Job) -> int:
    """Rows per file: whole patients, so that a patient's course stays together."""
    rows_each = job.rows_each(table)
    return max(1, min(MOST_ROWS, PART_VALUES // width) // rows_each) * rows_each
