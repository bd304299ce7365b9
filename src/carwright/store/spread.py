"""Where shards are computed: one after the other, or several at a time in threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
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


class StoppedError(Exception):
    """Work that nobody waits for any more."""


class Stop:
    """Tells work in other threads that nobody waits for it any more."""

    def __init__(self) -> None:
        self._event = Event()

    def set(self) -> None:
        """Tell them."""
        self._event.set()

    def heed(self, _done: int = 0) -> None:
        """Give up here if nobody waits; work calls it now and then."""
        if self._event.is_set():
            raise StoppedError


def in_threads(threads: int, stop: Stop) -> Spread:
    """Compute so many shards at a time, for work that lets go of Python's lock; memory holds one more than that.

    Parameters
    ----------
    threads
        Threads.
    stop
        Is set at the end, so that work that goes on after an error or an interrupt gives up.
    """

    def spread(work: Work, pieces: Sequence[range]) -> Computed:
        pool = ThreadPoolExecutor(threads, thread_name_prefix="carwright-shard")
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
            stop.set()
            # Not waited for: work in the threads writes nothing, and who interrupts twice must not wait here.
            pool.shutdown(wait=False, cancel_futures=True)

    return spread
