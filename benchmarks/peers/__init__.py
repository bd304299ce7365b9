"""The engines that are timed: ours and others, each behind the same two calls."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import numpy.typing as npt

from benchmarks.problems import Problem

Floats = npt.NDArray[np.float64]
Solve = Callable[[Problem, float], Floats]
"""States (n, k, m) of a problem's patients at a relative tolerance."""
Prepare = Callable[[Problem], Solve]
"""Load or compile whatever does not depend on the patients."""


@dataclass(frozen=True)
class Engine:
    """One engine in one of its methods.

    Attributes
    ----------
    peer
        The software; several methods of one software share it.
    module, name
        Where `Prepare` is defined, and what it is called there.
    package
        Distribution that it needs.
    tolerances
        Relative tolerances that are tried.
    patients
        Number of patients, so that a run takes seconds; also in the quick mode.
    """

    name: str
    peer: str
    module: str
    package: str
    tolerances: tuple[float, ...]
    patients: int
    quick_tolerances: tuple[float, ...]
    arguments: tuple[str, ...] = ()

    def missing(self) -> str | None:
        """Why the engine cannot be run here, or None."""
        try:
            version(self.package)
        except PackageNotFoundError:
            return f"{self.package} is not installed"
        return None

    def prepare(self, problem: Problem) -> Solve:
        """Compile for a problem."""
        made: Solve = importlib.import_module(f"benchmarks.peers.{self.module}").prepare(problem, *self.arguments)
        return made


OURS = "carwright"
_FINE = (1e-5, 1e-6, 1e-7, 1e-8)
ENGINES: tuple[Engine, ...] = (
    Engine(
        "carwright Rodas5P", OURS, "ours", "llvmlite", (1e-4, 1e-5, 1e-6, 1e-7), 4096, (1e-4, 1e-5, 1e-6), ("rodas5p",)
    ),
    Engine("carwright Rodas4", OURS, "ours", "llvmlite", (1e-3, 1e-4, 1e-5, 1e-6), 4096, (1e-4, 1e-5), ("rodas4",)),
    Engine(
        "carwright Rodas5P single",
        "carwright single",
        "ours",
        "llvmlite",
        (1e-3, 1e-4, 1e-5),
        4096,
        (1e-4, 1e-5),
        ("rodas5p", "single"),
    ),
    Engine("libroadrunner CVODE", "libroadrunner", "libroadrunner", "libroadrunner", _FINE, 128, (1e-6, 1e-7)),
    Engine("numbalsoda LSODA", "numbalsoda", "lsoda", "numbalsoda", (1e-4, *_FINE), 256, (1e-5, 1e-6, 1e-7)),
    Engine("scikit-sundae CVODE BDF", "scikit-sundae", "sundae", "scikit-sundae", _FINE, 32, (1e-6, 1e-7)),
    Engine("SciPy LSODA", "scipy", "scipy", "scipy", (1e-5, 1e-6, 1e-7), 16, (1e-5, 1e-6), ("LSODA",)),
    Engine("SciPy BDF", "scipy", "scipy", "scipy", (1e-6, 1e-7), 8, (), ("BDF",)),
    Engine("SciPy Radau", "scipy", "scipy", "scipy", (1e-4, 1e-5), 8, (), ("Radau",)),
    Engine("diffrax Tsit5", "diffrax", "jax", "diffrax", (1e-5, 1e-6, 1e-7), 256, (1e-5, 1e-6), ("Tsit5",)),
    Engine("diffrax Kvaerno5", "diffrax", "jax", "diffrax", (1e-4, 1e-5, 1e-6), 64, (), ("Kvaerno5",)),
    Engine("diffrax Kvaerno3", "diffrax", "jax", "diffrax", (1e-5, 1e-6), 64, (), ("Kvaerno3",)),
)


def chosen(peers: list[str] | None) -> Iterator[Engine]:
    """Ours and those of the given peers (all when None)."""
    for engine in ENGINES:
        if peers is None or engine.peer == OURS or engine.peer in peers:
            yield engine
