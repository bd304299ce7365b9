"""The files of a run do not depend on threads, shards, the order of patients or a violent end."""

from __future__ import annotations

import hashlib
import importlib
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from carwright.errors import CarwrightError
from carwright.simulation import Simulation
from carwright.store import Quiet

from .conftest import FUNCTIONALS, POPULATION, contents

Simulate = Callable[..., Simulation]
ASKED = {"population": POPULATION, "patients": 900, "days": 20, "functionals": FUNCTIONALS, "at": "0:20:1"}


@pytest.fixture
def expected(simulate: Simulate) -> dict[str, bytes]:
    files = contents(simulate(**ASKED).folder)
    assert {"tables/patients/part-00000.parquet", "model.ant", "summary.json", "resolved.yaml"} <= set(files)
    return files


@pytest.mark.parametrize(("threads", "shard"), [(1, 100), (2, 4096), (3, 7), (2, None)])
def test_threads_and_shards(simulate: Simulate, expected: dict[str, bytes], threads: int, shard: int | None) -> None:
    assert contents(simulate(**ASKED, threads=threads, shard=shard).folder) == expected


def test_parts_of_a_table(simulate: Simulate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files hold whole patients, in order, whatever the shards."""
    monkeypatch.setattr(importlib.import_module("carwright.simulation.compute"), "PART_VALUES", 4000)
    first, second = (simulate(**ASKED, shard=shard) for shard in (130, 900))
    files = contents(first.folder)
    assert files == contents(second.folder)
    parts = sorted(name for name in files if name.startswith("tables/courses/"))
    assert len(parts) > 10
    seen = [pl.read_parquet(first.folder / name)["patient"].unique().to_list() for name in parts]
    assert sum(map(len, seen)) == 900
    assert first.courses["patient"].to_list() == np.repeat(np.arange(900), 21).tolist()


def test_order_of_patients(simulate: Simulate) -> None:
    """A permuted table gives the permuted results."""
    drawn = simulate(**ASKED)
    rows = drawn.parameters
    order = np.random.default_rng(3).permutation(rows.height)
    asked = {key: value for key, value in ASKED.items() if key not in ("population", "patients")}
    straight = simulate(**asked, population=rows)
    permuted = simulate(**asked, population=rows[order.tolist()])
    assert straight.patients.equals(drawn.patients)
    assert permuted.patients["patient"].to_list() == order.tolist()
    assert permuted.patients.sort("patient").equals(straight.patients)


def test_more_patients_leave_the_others_as_they_were(simulate: Simulate) -> None:
    few, many = (simulate(**{**ASKED, "patients": n}) for n in (300, 900))
    assert many.patients.head(300).equals(few.patients)


KILLED = """
import os, signal, sys
import carwright
count, out = int(sys.argv[1]), sys.argv[2]
real, calls = os.fsync, 0
def fsync(descriptor):
    global calls
    calls += 1
    if calls == count:
        os.kill(os.getpid(), signal.SIGKILL)
    real(descriptor)
os.fsync = fsync
carwright.simulate("chain.ant", population={population!r}, patients=900, days=20, functionals={functionals!r},
                   at="0:20:1", threads=2, shard=100, out=out)
""".replace("{population!r}", repr(POPULATION)).replace("{functionals!r}", repr(FUNCTIONALS))


def test_killed_at_random_moments(
    command: Callable[..., subprocess.CompletedProcess[str]],
    simulate: Simulate,
    expected: dict[str, bytes],
    tmp_path: Path,
) -> None:
    """About 100 flushes to disk make a run; whichever of them is the last one, the next process finishes the work."""
    chance = random.Random(5)  # noqa: S311  # any five moments
    for moment in [*chance.sample(range(3, 70), 4), 90]:
        out = tmp_path / f"killed-{moment}"
        assert command(str(moment), str(out), code=KILLED).returncode in (-9, 0)
        assert contents(simulate(**ASKED, out=out, threads=2).folder) == expected


def test_finished_shards_are_kept(simulate: Simulate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from carwright.simulation.job import Job

    solved: list[range] = []
    real = Job.solve

    def solve(self: Job, kernel: object, items: range, progress: object = None) -> object:
        solved.append(items)
        if items.start >= 400 and len(solved) < 10:
            message = "power cut"
            raise RuntimeError(message)
        return real(self, kernel, items, progress)  # type: ignore[arg-type]

    monkeypatch.setattr(Job, "solve", solve)
    out = tmp_path / "cut"
    with pytest.raises(RuntimeError, match="power cut") as caught:
        simulate(**ASKED, out=out, shard=100)
    assert any("patients 400 to 499" in note for note in caught.value.__notes__)
    done = len(solved)
    solved.extend([range(0)] * 10)
    run = simulate(**ASKED, out=out)
    # The size of the shards is taken from the folder, so that the finished ones fit.
    assert [items.start for items in solved[done + 10 :]] == [400, 500, 600, 700, 800]
    assert run.patients["patient"].to_list() == list(range(900))


def test_a_finished_run_is_not_computed_again(simulate: Simulate, tmp_path: Path) -> None:
    class Heard(Quiet):
        stages: list[str] = []  # noqa: RUF012

        def stage(self, label: str, total: int) -> None:
            self.stages.append(label)

    out = tmp_path / "once"
    simulate(**ASKED, out=out, progress=Heard())
    assert Heard.stages == ["compiling the model", "patients", "tables"]
    simulate(**ASKED, out=out, progress=Heard())
    assert len(Heard.stages) == 3
    with pytest.raises(CarwrightError, match="another study") as caught:
        simulate(**{**ASKED, "days": 21.0}, out=out)
    assert "end: 21" in caught.value.problems[0].found


def test_the_hash_tells_parameters_and_doses_apart(simulate: Simulate) -> None:
    first = simulate(**ASKED).patients["parameters_hash"]
    assert first.n_unique() == 900
    other = simulate(**ASKED, doses=["A=1@0"]).patients["parameters_hash"]
    assert not set(first) & set(other)
    digest = hashlib.sha256(first.to_numpy().tobytes()).hexdigest()
    assert digest == hashlib.sha256(simulate(**ASKED, shard=50).patients["parameters_hash"].to_numpy()).hexdigest()
