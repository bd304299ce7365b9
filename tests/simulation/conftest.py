"""One small model with a closed form, which all tests here share so that its kernels are compiled once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import carwright
from carwright.simulation import Simulation

CHAIN = """
model chain()
  substanceOnly species A, B
  A = 10; B = 0; k = 0.5; m = 0.1
  J: A -> B; k*A
  E: B -> ; m*B
  total := A + B
end
"""
POPULATION = {"k": {"value": 0.5, "sd": 0.4}, "m": {"distribution": "uniform", "range": [0.05, 0.2]}}
FUNCTIONALS = ("max:B", "time_of_max:B", "days_below:A<1")


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    path = tmp_path / "chain.ant"
    path.write_text(CHAIN)
    return path


@pytest.fixture
def simulate(chain: Path, tmp_path: Path) -> Callable[..., Simulation]:
    """`carwright.simulate` of the chain in a folder of its own."""
    folders = iter(tmp_path / f"run-{i}" for i in range(100))

    def call(**asked: Any) -> Simulation:
        return partial(carwright.simulate, chain, threads=1)(**{"out": next(folders), **asked})

    return call


@pytest.fixture
def command(tmp_path: Path, chain: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line in a process of its own, in the folder of the model."""

    def call(*arguments: str | Path, code: str = "") -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", code] if code else [sys.executable, "-m", "carwright"]
        return subprocess.run(
            [*program, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
        )

    return call


def contents(folder: Path) -> dict[str, bytes]:
    """Every reproducible file of a run; provenance.json alone holds times."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"folder"
        for path in folder.rglob("*")
        if path.name != "provenance.json"
    }
