"""How long a simulation takes and how large it gets: measured on its first patients."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from carwright.engine import GradientKernel, Kernel
    from carwright.simulation.job import Job

PROBE: Final = 256
"""Patients that are measured; a smaller simulation is not estimated."""

SHARD_SECONDS: Final = 4.0
"""Work that a killed run loses at most, per thread."""

MOST_VALUES: Final = 1 << 22
"""Most numbers in one shard (32 MiB)."""

LEAST, MOST = 32, 16_384
"""Patients of the smallest and the largest shard."""

WORTH_SAYING: Final = 10.0
"""Seconds from which on the estimate is told."""


@dataclass(frozen=True)
class Pace:
    """What one patient costs.

    Parameters
    ----------
    seconds
        Time of one thread.
    file_bytes
        Size on disk.
    values
        Numbers in all tables.
    """

    seconds: float
    file_bytes: float
    values: int

    def shard(self) -> int:
        """Patients per shard, for a small loss when the run is killed and bounded memory."""
        by_time = int(SHARD_SECONDS / max(self.seconds, 1e-9))
        return max(min(by_time, MOST_VALUES // max(self.values, 1), MOST), LEAST)

    def sentence(self, patients: int, threads: int) -> str:
        """The estimate in words; empty if it is not worth a word."""
        seconds = self.seconds * patients / threads
        if seconds < WORTH_SAYING:
            return ""
        return (
            f"about {duration(seconds)} and {size(self.file_bytes * patients)} for {patients:,} patients "
            f"(measured on the first {PROBE}; twice that space while it runs)"
        )


def measure(job: Job, kernel: Kernel | GradientKernel) -> Pace:
    """Solve the first patients and throw the results away."""
    job.solve(kernel, range(8))  # loads what is loaded once
    began = time.perf_counter()
    tables = job.solve(kernel, range(PROBE))
    seconds = time.perf_counter() - began
    written = 0
    for frame in tables.values():
        stream = io.BytesIO()
        frame.write_parquet(stream, compression="zstd", compression_level=3)
        written += stream.tell()
    values = sum(frame.width * frame.height for frame in tables.values())
    return Pace(seconds / PROBE, written / PROBE, values // PROBE)


def duration(seconds: float) -> str:
    """Time in words, two figures."""
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{float(f'{seconds / length:.2g}'):g} {unit}"
    return f"{float(f'{seconds:.2g}'):g} s"


def size(file_bytes: float) -> str:
    """Bytes in words, two figures."""
    for unit, one in (("GB", 1e9), ("MB", 1e6)):
        if file_bytes >= one:
            return f"{float(f'{file_bytes / one:.2g}'):g} {unit}"
    return f"{max(file_bytes / 1e3, 1):.0f} kB"
