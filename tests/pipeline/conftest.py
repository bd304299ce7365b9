"""A small real run, computed once for all tests of the pipeline."""

from pathlib import Path

import pytest

from carwright.pipeline import run_study
from carwright.store import Run
from carwright.store.progress import Quiet
from carwright.study import load_study
from carwright.study.overrides import parse_override

SMALL = ("population.patients=160", "population.patients_per_population=8", "trials=60")


def compute(folder: Path, *overrides: str, threads: int = 2) -> Run:
    study = load_study("psma-dntgfbr2", dict(map(parse_override, [*SMALL, *overrides])))
    with Run.open(
        folder,
        as_given=study.as_given,
        resolved=study.to_yaml(),
        digest=study.digest,
        command="test",
        progress=Quiet(),
    ) as run:
        run.finish(run_study(study, run, threads=threads, progress=Quiet()))
    return Run.read(folder)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory) -> Run:
    return compute(tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture(scope="session")
def bare_run(tmp_path_factory) -> Run:
    return compute(tmp_path_factory.mktemp("runs") / "bare", "construct.armour=none")
