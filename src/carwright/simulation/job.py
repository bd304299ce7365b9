"""A simulation, checked: everything that is needed to solve any of its patients."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from carwright.engine import Dosing, Functional, Outcome, System, Trigger, compile_kernel
from carwright.simulation.population import Drawn, Rows, Tabled
from carwright.simulation.wishes import Dose
from carwright.yamlfile import write_yaml

if TYPE_CHECKING:
    import polars as pl

    from carwright.engine import Kernel, Solution

Floats = npt.NDArray[np.float64]
Columns = dict[str, Floats]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio, Fibonacci hashing (Knuth, TAOCP 3, 6.4)
_SHIFT = np.uint64(32)


@dataclass(frozen=True)
class Task:
    """What is solved for each patient; it can be sent to another machine as text.

    Parameters
    ----------
    name
        Name of the model.
    system, triggers
        The model.
    defaults
        Values of the system's parameters where the population has none.
    observed
        Names whose courses are read at ``times``.
    functionals, columns
        What is computed while solving, and the name of the column of each.
    times, start, end
        Times of the courses; bounds of the solve.
    doses
        What is given.
    kept
        Names of the population whose values are written for each patient.
    relative_tolerance, absolute_tolerance
        As in `Kernel.solve`.
    """

    name: str
    system: System = field(repr=False)
    triggers: tuple[Trigger, ...]
    defaults: tuple[float, ...] = field(repr=False)
    observed: tuple[str, ...]
    functionals: tuple[Functional, ...]
    columns: tuple[str, ...]
    times: tuple[float, ...] = field(repr=False)
    start: float
    end: float
    doses: tuple[Dose, ...]
    kept: tuple[str, ...]
    relative_tolerance: float
    absolute_tolerance: tuple[float, ...] | None = field(repr=False)

    def kernel(self) -> Kernel:
        """Compile the model, or load it from the cache."""
        return compile_kernel(
            self.system,
            observables=self.observed if self.times else (),
            functionals=self.functionals,
            triggers=self.triggers,
        )

    def solve(
        self,
        kernel: Kernel,
        numbers: npt.NDArray[np.uint32],
        columns: Columns,
        progress: Callable[[int], None] | None = None,
    ) -> dict[str, pl.DataFrame]:
        """Solve patients with these numbers and values; returns their tables by name."""
        count = len(numbers)
        parameters = np.tile(np.array(self.defaults), (count, 1))
        for i, name in enumerate(self.system.parameters):
            if name in columns:
                parameters[:, i] = columns[name]
        given = [(day, dose) for dose in self.doses for day in dose.days]
        amounts = np.empty((count, len(given)))
        for i, (_, dose) in enumerate(given):
            amounts[:, i] = columns[dose.amount] if isinstance(dose.amount, str) else dose.amount
        solution = kernel.solve(
            parameters,
            Dosing(np.array([day for day, _ in given]), tuple(dose.target for _, dose in given), amounts),
            start=self.start,
            end=self.end,
            times=np.array(self.times) if self.times else None,
            relative_tolerance=self.relative_tolerance,
            absolute_tolerance=None if self.absolute_tolerance is None else np.array(self.absolute_tolerance),
            progress=progress,
        )
        return self._tables(numbers, columns, fingerprints(np.column_stack([parameters, amounts])), solution)

    def _tables(
        self, numbers: npt.NDArray[np.uint32], columns: Columns, hashes: npt.NDArray[np.uint64], solution: Solution
    ) -> dict[str, pl.DataFrame]:
        import polars as pl

        names = {int(code): Outcome(code).name.lower() for code in Outcome}
        patients = pl.DataFrame(
            {
                "patient": numbers,
                "outcome": solution.outcome.astype(np.uint8),
                "steps": solution.steps.astype(np.uint32),
                "lowest": solution.lowest,
                "parameters_hash": hashes,
                **{name: solution.functionals[:, i] for i, name in enumerate(self.columns)},
            }
        )
        outcome_name = pl.col("outcome").replace_strict(names, return_dtype=pl.String).alias("outcome_name")
        patients = patients.with_columns(pl.col(pl.Float64).fill_nan(None))
        tables = {"patients": patients.select("patient", "outcome", outcome_name, pl.exclude("patient", "outcome"))}
        if self.kept:
            tables["parameters"] = pl.DataFrame({"patient": numbers, **{name: columns[name] for name in self.kept}})
        if self.times:
            values = {name: solution.courses[:, :, i].ravel() for i, name in enumerate(self.observed)}
            course = pl.DataFrame(
                {
                    "patient": np.repeat(numbers, len(self.times)),
                    "day": np.tile(np.array(self.times), len(numbers)),
                    **values,
                }
            )
            tables["courses"] = course.with_columns(pl.col(list(values)).fill_nan(None))
        return tables


def fingerprints(rows: Floats) -> npt.NDArray[np.uint64]:
    """One 64-bit number per row that tells rows apart (no protection against intent); the same on every machine."""
    result = np.full(len(rows), rows.shape[1], dtype=np.uint64)
    for column in rows.T:
        result = (result ^ (column + 0.0).view(np.uint64)) * _MULTIPLIER
        result ^= result >> _SHIFT
    return result


@dataclass(frozen=True)
class Job:
    """A task and its patients."""

    task: Task
    population: Drawn | Tabled | Rows
    patients: int
    seed: int
    text: str = field(repr=False)
    kept_as: str

    def solve(
        self, kernel: Kernel, items: range, progress: Callable[[int], None] | None = None
    ) -> dict[str, pl.DataFrame]:
        """Solve the patients ``items``; returns their tables by name."""
        return self.task.solve(kernel, self.population.numbers(items), self.population.columns(items), progress)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that it makes."""
        asked = {"patients": True, "parameters": bool(self.task.kept), "courses": bool(self.task.times)}
        return tuple(name for name, made in asked.items() if made)

    def described(self) -> dict[str, Any]:
        """Everything that decides the results, for the record."""
        task = self.task
        changed = {
            name: value
            for name, value, old in zip(task.system.parameters, task.defaults, task.system.defaults, strict=True)
            if value != old and not np.isnan(value)
        }
        return {
            "simulate": task.name,
            "system": task.system.digest,
            "seed": self.seed,
            "patients": self.patients,
            "population": self.population.described(),
            "set": changed,
            "doses": [{"target": d.target, "amount": d.amount, "days": list(d.days)} for d in task.doses],
            "start": task.start,
            "end": task.end,
            "functionals": list(task.columns),
            "observed": list(task.observed) if task.times else [],
            "at": list(task.times),
            "keep": list(task.kept),
            "triggers": [trigger.name for trigger in task.triggers],
            "relative_tolerance": task.relative_tolerance,
        }

    @property
    def resolved(self) -> str:
        """`described` as YAML."""
        return write_yaml(self.described())

    @property
    def digest(self) -> str:
        """SHA-256 of `resolved`."""
        return hashlib.sha256(self.resolved.encode()).hexdigest()
