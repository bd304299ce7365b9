"""Where shards are computed: one after the other, or several at a time in threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

Work = Callable[[range], Mapping[str, "pl.DataFrame"]]
Computed = Generator[tuple[range, Mapping[str, "pl.DataFrame"]], None, None]
Spread = Callable[[Work, Sequence[range]], Computed]
"""Does the work on each of the ranges, and yields each range with its tables; closing it stops the work."""


def in_turn(work: Work, pieces: Sequence[range]) -> Computed:
    """Compute one shard after the other in this thread."""
    for items in pieces:
        yield items, work(items)


def in_threads(threads: int, stop: Callable[[], None]) -> Spread:
    """Compute so many shards at a time, for work that lets go of Python's lock; memory holds one more than that.

    Parameters
    ----------
    threads
        Threads.
    stop
        Called at the end, so that work that goes on after an error or an interrupt can give up.
    """

    def spread(work: Work, pieces: Sequence[range]) -> Computed:
        with ThreadPoolExecutor(threads, thread_name_prefix="carwright-shard") as pool:
            remaining = iter(pieces)
            waiting: deque[tuple[range, Future[Mapping[str, pl.DataFrame]]]] = deque()
            try:
                while True:
                    while len(waiting) <= threads and (items := next(remaining, None)) is not None:
                        waiting.append((items, pool.submit(work, items)))
                    if not waiting:
                        return
                    items, future = waiting.popleft()
                    yield items, future.result()
            finally:
                stop()
                pool.shutdown(wait=False, cancel_futures=True)

    return spread
