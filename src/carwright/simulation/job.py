"""A simulation, checked: everything that is needed to solve any of its patients."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from carwright.engine import NEGATIVE_LIMIT, Dosing, Functional, Kernel, Outcome, System, Trigger, compile_kernel
from carwright.engine.precision import DOUBLE
from carwright.engine.tableau import RODAS5P
from carwright.simulation.population import Drawn, Rows, Tabled
from carwright.simulation.wishes import Dose
from carwright.yamlfile import write_yaml

if TYPE_CHECKING:
    import polars as pl

    from carwright.engine import GradientKernel, Gradients, Solution

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
    gradients
        Names with respect to which derivatives are taken: parameters, or amounts of doses.
    relative_tolerance, absolute_tolerance, max_steps
        As in `Kernel.solve`.
    allow_negative
        Whether a species may be below zero.
    method, precision, path
        As in `compile_kernel`.
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
    gradients: tuple[str, ...]
    relative_tolerance: float
    method: str
    precision: str
    path: str | None
    absolute_tolerance: tuple[float, ...] | None = field(repr=False)
    max_steps: int
    allow_negative: bool

    def kernel(self) -> Kernel | GradientKernel:
        """Compile the model, or load it from the cache."""
        observed = self.observed if self.times else ()
        if self.gradients:
            from carwright.engine.gradient import compile_gradients

            return compile_gradients(
                self.system, self.gradients, observed, self.functionals, self.triggers, self.dosed()
            )
        return compile_kernel(
            self.system, observed, self.functionals, self.triggers,
            path=self.path, method=self.method, precision=self.precision,
        )  # fmt: skip

    def dosed(self) -> dict[str, list[str]]:
        """States that each amount with a name goes to."""
        names = dict.fromkeys(dose.amount for dose in self.doses if isinstance(dose.amount, str))
        return {name: [dose.target for dose in self.doses if dose.amount == name] for name in names}

    def solve(
        self,
        kernel: Kernel | GradientKernel,
        numbers: npt.NDArray[np.uint32],
        columns: Columns,
        progress: Callable[[int], None] | None = None,
    ) -> dict[str, pl.DataFrame]:
        """Solve patients with these numbers and values; returns their tables by name."""
        parameters, dosing = self.given(len(numbers), columns)
        hashes = fingerprints(np.column_stack([parameters, np.asarray(dosing.amounts)]))
        if isinstance(kernel, Kernel):
            return self._tables(numbers, columns, hashes, kernel.solve(parameters, dosing, **self._how(progress)))
        found = self.differentiate(kernel, parameters, dosing, progress)
        return self._tables(numbers, columns, hashes, found.solution) | {"gradients": self._gradients(numbers, found)}

    def given(self, count: int, columns: Columns) -> tuple[Floats, Dosing]:
        """Parameters (count, p) and doses of patients with these values."""
        parameters = np.tile(np.array(self.defaults), (count, 1))
        for i, name in enumerate(self.system.parameters):
            if name in columns:
                parameters[:, i] = columns[name]
        given = [(day, dose) for dose in self.doses for day in dose.days]
        amounts = np.empty((count, len(given)))
        for i, (_, dose) in enumerate(given):
            amounts[:, i] = columns[dose.amount] if isinstance(dose.amount, str) else dose.amount
        return parameters, Dosing(np.array([day for day, _ in given]), tuple(dose.target for _, dose in given), amounts)

    def differentiate(
        self, kernel: GradientKernel, parameters: Floats, dosing: Dosing,
        progress: Callable[[int], None] | None = None, threads: int = 1,
    ) -> Gradients:  # fmt: skip
        """Solve patients with derivatives."""
        amounts = [dose.amount for dose in self.doses for _ in dose.days]
        slopes = {
            name: np.tile([float(amount == name) for amount in amounts], (len(parameters), 1))
            for name in self.gradients
            if name in self.dosed()
        }
        return kernel.solve(parameters, dosing, dose_slopes=slopes, threads=threads, **self._how(progress))

    def _how(self, progress: Callable[[int], None] | None) -> dict[str, Any]:
        return {
            "start": self.start,
            "end": self.end,
            "times": np.array(self.times) if self.times else None,
            "relative_tolerance": self.relative_tolerance,
            "absolute_tolerance": None if self.absolute_tolerance is None else np.array(self.absolute_tolerance),
            "max_steps": self.max_steps,
            "negative_limit": np.inf if self.allow_negative else NEGATIVE_LIMIT,
            "progress": progress,
        }

    def quantities(self) -> list[tuple[str, float]]:
        """What derivatives are taken of: observables with their times, then functionals with NaN for a time."""
        courses = [(name, time) for time in self.times for name in self.observed]
        return [*courses, *((name, np.nan) for name in self.columns)]

    def _gradients(self, numbers: npt.NDArray[np.uint32], found: Gradients) -> pl.DataFrame:
        """One row per patient, quantity and name."""
        import polars as pl

        n, k = len(numbers), len(self.gradients)
        flat = found.solution.courses.reshape(n, -1), found.courses.reshape(n, -1, k)
        values = np.concatenate([flat[0], found.solution.functionals], axis=1)
        slopes = np.concatenate([flat[1], found.functionals], axis=1)
        quantities = self.quantities()
        frame = pl.DataFrame(
            {
                "patient": np.repeat(numbers, len(quantities) * k),
                "quantity": np.tile(np.repeat([name for name, _ in quantities], k), n),
                "day": np.tile(np.repeat([time for _, time in quantities], k), n),
                "parameter": np.tile(np.array(self.gradients), n * len(quantities)),
                "value": np.repeat(values.ravel(), k),
                "derivative": slopes.ravel(),
            }
        )
        return frame.with_columns(pl.col(pl.Float64).fill_nan(None))

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
        self, kernel: Kernel | GradientKernel, items: range, progress: Callable[[int], None] | None = None
    ) -> dict[str, pl.DataFrame]:
        """Solve the patients ``items``; returns their tables by name."""
        return self.task.solve(kernel, self.population.numbers(items), self.population.columns(items), progress)

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that it makes."""
        task = self.task
        asked = {"patients": True, "parameters": task.kept, "courses": task.times, "gradients": task.gradients}
        return tuple(name for name, made in asked.items() if made)

    def rows_each(self, table: str) -> int:
        """Rows of one patient in a table."""
        task = self.task
        each = {"courses": len(task.times), "gradients": len(task.quantities()) * len(task.gradients)}
        return each.get(table, 1)

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
            "max_steps": task.max_steps,
            "allow_negative": task.allow_negative,
            **({"method": task.method} if task.method != RODAS5P.name else {}),
            **({"precision": task.precision} if task.precision != DOUBLE else {}),
            **({"path": task.path} if task.path else {}),
            **({"gradients": list(task.gradients)} if task.gradients else {}),
        }

    @property
    def resolved(self) -> str:
        """`described` as YAML."""
        return write_yaml(self.described())

    @property
    def digest(self) -> str:
        """SHA-256 of `resolved`."""
        return hashlib.sha256(self.resolved.encode()).hexdigest()
