"""Shards on a Dask cluster: the task goes there as text, tables come back as Parquet, results do not depend on it."""

from __future__ import annotations

import importlib
import io
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from carwright.engine.exchange import dumps, loads
from carwright.errors import CarwrightError, Problem
from carwright.simulation.job import Job, Task

if TYPE_CHECKING:
    import polars as pl

    from carwright.engine import GradientKernel, Kernel
    from carwright.store.spread import Computed, Spread

LOCAL: Final = "local"
"""Address that means: start workers on this machine."""

WAITING: Final = 2
"""Shards per worker thread that wait in the cluster, so that no worker runs dry."""

CONNECT_SECONDS: Final = 20.0
"""How long the scheduler may take to answer (assumed)."""

DEATHS: Final = 10
"""Workers that may die over one shard before it is given up; Dask's default of 3 is low for preemptible machines."""


def on_cluster(address: str, job: Job, threads: int) -> Spread:
    """Compute shards on the workers of a Dask scheduler.

    A worker that dies takes its shards with it; the scheduler gives them to another.

    Parameters
    ----------
    address
        Address of the scheduler such as ``tcp://host:8786``, or `LOCAL`.
    job
        What is computed.
    threads
        Workers with one thread each, for `LOCAL`.

    Raises
    ------
    CarwrightError
        If Dask is not installed or the scheduler does not answer.
    """
    text = dumps(job.task, Task)

    def spread(_: Any, pieces: Sequence[range]) -> Computed:
        with ExitStack() as stack:
            client = _connect(address, threads, stack)
            task = client.scatter(text, broadcast=True)
            most = WAITING * max(1, sum(client.nthreads().values()))
            remaining = iter(pieces)
            waiting: deque[tuple[range, Any]] = deque()
            while True:
                while len(waiting) < most and (items := next(remaining, None)) is not None:
                    population = job.population
                    given = (population.numbers(items), population.columns(items))
                    waiting.append((items, client.submit(solve_remotely, task, *given, pure=False)))
                if not waiting:
                    return
                items, future = waiting.popleft()
                yield items, _tables(future.result())

    return spread


def _connect(address: str, threads: int, stack: ExitStack) -> Any:
    try:
        config = importlib.import_module("dask").config
        distributed = importlib.import_module("distributed")
    except ImportError:
        problem = Problem("SIMULATE015", "Dask is not installed", "--scheduler", fix="pip install 'carwright[cluster]'")
        raise CarwrightError(problem) from None
    stack.enter_context(config.set({"distributed.scheduler.allowed-failures": DEATHS}))
    try:
        if address == LOCAL:
            cluster = distributed.LocalCluster(n_workers=threads, threads_per_worker=1, dashboard_address=None)
            address = stack.enter_context(closing(cluster)).scheduler_address
        return stack.enter_context(closing(distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)))
    except (OSError, ValueError) as error:
        found = str(error).splitlines()[0] if str(error) else type(error).__name__
        fix = "start one with 'dask scheduler', workers with 'dask worker ADDRESS'"
        raise CarwrightError(
            Problem("SIMULATE015", "the Dask scheduler does not answer", f"--scheduler {address}", found, fix=fix)
        ) from error


def solve_remotely(text: str, numbers: Any, columns: Mapping[str, Any]) -> dict[str, bytes]:
    """What a worker does with one shard."""
    task, kernel = _prepared(text)
    tables = task.solve(kernel, np.asarray(numbers), dict(columns))
    written = {}
    for name, frame in tables.items():
        stream = io.BytesIO()
        frame.write_parquet(stream)
        written[name] = stream.getvalue()
    return written


@cache
def _prepared(text: str) -> tuple[Task, Kernel | GradientKernel]:
    task = loads(text, Task)
    return task, task.kernel()


def _tables(written: Mapping[str, bytes]) -> dict[str, pl.DataFrame]:
    import polars as pl

    return {name: pl.read_parquet(io.BytesIO(content)) for name, content in written.items()}
