"""Shards on Dask workers, of which one is killed: the same bytes."""

from __future__ import annotations

import importlib.util
import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from carwright.errors import CarwrightError
from carwright.simulation import Simulation

from .conftest import FUNCTIONALS, POPULATION, contents

Simulate = Callable[..., Simulation]
ASKED = {"population": POPULATION, "patients": 900, "days": 20, "functionals": FUNCTIONALS, "at": "0:20:1"}
HAVE_DASK = importlib.util.find_spec("distributed") is not None


@pytest.mark.skipif(HAVE_DASK, reason="Dask is installed")
def test_without_dask_the_way_to_it_is_shown(simulate: Simulate) -> None:
    with pytest.raises(CarwrightError, match=r"carwright\[cluster\]"):
        simulate(**ASKED, scheduler="tcp://127.0.0.1:1")


@pytest.mark.skipif(not HAVE_DASK, reason="Dask is not installed; pip install 'carwright[cluster]'")
class TestCluster:
    @pytest.mark.parametrize("workers", [1, 4])
    def test_a_cluster_of_its_own(self, simulate: Simulate, workers: int) -> None:
        expected = contents(simulate(**ASKED).folder)
        assert contents(simulate(**ASKED, scheduler="local", threads=workers, shard=150).folder) == expected

    def test_a_worker_is_killed(self, simulate: Simulate) -> None:
        from distributed import LocalCluster

        expected = contents(simulate(**ASKED).folder)
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
            victims = [worker.pid for worker in cluster.workers.values()]

            def kill() -> None:
                time.sleep(2.0)
                os.kill(victims[0], signal.SIGKILL)

            killer = threading.Thread(target=kill)
            killer.start()
            run = simulate(**ASKED, scheduler=cluster.scheduler_address, shard=5)
            killer.join()
            assert {worker.pid for worker in cluster.workers.values()} != set(victims)
        assert contents(run.folder) == expected

    def test_a_scheduler_that_does_not_answer(self, simulate: Simulate, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("carwright.simulation.cluster.CONNECT_SECONDS", 1.0)
        for address in ("tcp://127.0.0.1:1", "nonsense"):
            with pytest.raises(CarwrightError, match="does not answer"):
                simulate(**ASKED, scheduler=address)
