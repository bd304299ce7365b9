"""Shards in threads: in order, whatever finishes first; work that nobody waits for gives up."""

import threading
import time

import pytest

from carwright.store.spread import Stop, StoppedError, in_threads, in_turn

PIECES = [range(first, first + 2) for first in range(0, 24, 2)]


def slow_first(items):
    time.sleep(0.02 if items.start % 6 == 0 else 0.0)
    return {"first": items.start}


def test_shards_come_in_order():
    expected = list(in_turn(slow_first, PIECES))
    for threads in (1, 3):
        assert list(in_threads(threads, Stop())(slow_first, PIECES)) == expected


def test_an_error_ends_the_work_of_the_others():
    stop, other, gave_up = Stop(), threading.Event(), threading.Event()

    def work(items):
        if items.start == 0:
            other.wait(10.0)
            message = "wrong"
            raise ValueError(message)
        other.set()
        try:
            while True:
                time.sleep(0.001)
                stop.heed()
        except StoppedError:
            gave_up.set()
            raise

    with pytest.raises(ValueError, match="wrong"):
        list(in_threads(2, stop)(work, PIECES))
    assert gave_up.wait(10.0)
