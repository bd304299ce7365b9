"""A small job with two stages, run in a process of its own so that tests can kill it.

``python job.py FOLDER [KILL_AT]``: the process kills itself (SIGKILL) at its KILL_AT-th flush to disk, which
falls before a rename, after one, or after a line of the manifest, as the count goes up.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import polars as pl

from carwright.store import Quiet, Run, ranges

RESOLVED = "study: fake\npatients: 50\n"


def patients(items: range) -> dict[str, pl.DataFrame]:
    ids = list(items)
    wide = pl.DataFrame({"patient": ids, "value": [(i * 2654435761 % 1000) / 7 for i in ids]})
    return {"patients": wide, "parameters": wide.select("patient", k=pl.col("value") ** 2)}


def run(folder: Path, progress: Quiet | None = None, cut: int = 7, resolved: str = RESOLVED) -> Run:
    progress = progress or Quiet()
    with Run.open(
        folder, as_given="# mine\n", resolved=resolved, digest=resolved, command="job", progress=progress
    ) as opened:
        if not opened.finished:
            opened.shards.compute("patients", ranges(50, cut), patients, progress)
            frame = opened.shards.read("patients", "patients")

            def trials(items: range) -> dict[str, pl.DataFrame]:
                rates = [frame["value"].gather([i % 50, 49 - i % 50]).mean() for i in items]
                return {"trials": pl.DataFrame({"trial": list(items), "rate": rates})}

            opened.shards.compute("trials", ranges(20, 5), trials, progress)
            opened.write_table("patients", frame)
            opened.write_table("parameters", opened.shards.read("patients", "parameters"))
            opened.write_table("trials", opened.shards.read("trials", "trials"))
            opened.finish({"mean": frame["value"].mean()})
    return opened


def contents(folder: Path) -> dict[str, bytes]:
    """Every reproducible file of a run; provenance.json alone holds times."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"folder"
        for path in folder.rglob("*")
        if path.name != "provenance.json"
    }


def kill_at(count: int) -> None:
    real = os.fsync
    calls = 0

    def fsync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        real(descriptor)

    os.fsync = fsync


if __name__ == "__main__":
    if len(sys.argv) > 2:
        kill_at(int(sys.argv[2]))
    run(Path(sys.argv[1]))
