"""From what a user asks to a job; everything that is wrong is found before anything is solved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from carwright.engine import Functional
from carwright.engine.kernel import GPU
from carwright.engine.precision import DOUBLE, SHAPES, SINGLE, TOLERANCE
from carwright.engine.tableau import METHODS, RODAS5P
from carwright.errors import CarwrightError, Problems
from carwright.models import load_model
from carwright.population import rows_with
from carwright.simulation.job import Job, Task
from carwright.simulation.population import PATIENT, Drawn, Rows, Tabled
from carwright.simulation.population_file import read_population
from carwright.simulation.source import Source, read_source
from carwright.simulation.wishes import Dose, read_dose, read_functional, read_times
from carwright.yamlfile import nearest

if TYPE_CHECKING:
    import polars as pl

DEFAULT_PATIENTS: Final = 1000
"""Patients drawn from distributions when no number is given."""

DEFAULT_TIMES: Final = 101
"""Times of the courses when nothing is asked for."""

MOST_COURSES: Final = 1000
"""Most patients whose courses are written without being asked for."""

MOST_KEPT: Final = 20_000_000
"""Most values of parameters that are written without being asked for."""

MAX_STEPS: Final = 100_000
"""Steps tried per patient before it is given up; the median patient of a built-in model takes some hundreds."""

_RESERVED: Final = (PATIENT, "day")


@dataclass(frozen=True)
class Request:
    """What a user asks for; see `carwright.simulate` for each."""

    model: str | Path
    population: str | Path | Mapping[str, Any] | pl.DataFrame | None = None
    patients: int | None = None
    doses: Iterable[str | Dose] = ()
    days: float | None = None
    start: float | None = None
    at: str | Iterable[float] | None = None
    functionals: Iterable[str] = ()
    observe: Iterable[str] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    relative_tolerance: float = 1e-6
    method: str = "rodas5p"
    precision: str = DOUBLE
    gpu: bool = False
    seed: int = 1
    keep: str | Iterable[str] | None = None
    gradients: Iterable[str] = ()
    max_steps: int = MAX_STEPS
    allow_negative: bool = False


def prepare(request: Request) -> Job:
    """Check a request.

    Raises
    ------
    CarwrightError
        Listing everything that is wrong with the model, the population and the request.
    """
    return _Preparation(request).job()


class _Preparation:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.problems = Problems()
        self.source = self._source()
        self.doses = [dose for given in request.doses if (dose := read_dose(given, self.problems))]
        self.times = () if request.at is None else read_times(request.at, "--at", self.problems)
        named = {text: read_functional(text, self.problems) for text in dict.fromkeys(request.functionals)}
        self.functionals: dict[str, Functional] = {text: f for text, f in named.items() if f is not None}
        self.values = self._values()
        self.population = self._population()
        self.patients = self._patients()

    def job(self) -> Job:
        request, source = self.request, self.source
        start, end = self._bounds()
        self._numbers()
        self._within(start, end)
        if source is None:
            self.problems.raise_if_any()
            message = "a model that cannot be read is a problem"
            raise RuntimeError(message)
        observed = self._observed(source)
        self._names(source)
        self._gradients(source)
        kept = self._kept(source)
        defaults = self._defaults(source)
        self.problems.raise_if_any()
        if not self.times and not self.functionals:
            self.times = self._default_times(start, end)
            self.problems.raise_if_any()
        task = Task(
            name=source.name,
            system=source.system,
            triggers=source.triggers,
            defaults=defaults,
            observed=observed,
            functionals=tuple(self.functionals.values()),
            columns=tuple(self.functionals),
            times=self.times,
            start=start,
            end=end,
            doses=tuple(self.doses),
            kept=kept,
            gradients=tuple(dict.fromkeys(request.gradients)),
            relative_tolerance=request.relative_tolerance,
            method=request.method,
            precision=request.precision,
            path=GPU if request.gpu else None,
            absolute_tolerance=source.absolute_tolerances(request.relative_tolerance),
            max_steps=request.max_steps,
            allow_negative=request.allow_negative,
        )
        if self.population is None:
            message = "a population that cannot be read is a problem"
            raise RuntimeError(message)
        if task.gradients:
            from carwright.engine.gradient import check_gradients

            observed = task.observed if task.times else ()
            check_gradients(task.system, task.gradients, observed, task.functionals, task.triggers, task.dosed())
        return Job(task, self.population, self.patients, request.seed, source.text, source.kept_as)

    # ------------------------------------------------------------------------------------------- the parts

    def _source(self) -> Source | None:
        try:
            source = read_source(self.request.model)
        except CarwrightError as error:
            self.problems.extend(error)
            return None
        if not source.system.states:
            what, fix = "nothing in the model changes by a rate or a reaction", "there is nothing to solve"
            self.problems.add("SIMULATE002", what, where=str(self.request.model), fix=fix)
        return source

    def _values(self) -> dict[str, float]:
        read = {}
        for name, value in self.request.values.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                self.problems.add(
                    "SIMULATE014", "a value must be a finite number", where=f"--set {name}", found=str(value)
                )
            else:
                read[name] = float(value)
        if self.source is not None:
            known = self._settable(self.source)
            for name in read:
                if name not in known:
                    self.problems.add(
                        "SIMULATE005", "the model has no such parameter", where=f"--set {name}", found=name,
                        fix=nearest(name, known),
                    )  # fmt: skip
        return read

    def _settable(self, source: Source) -> list[str]:
        return [*source.system.parameters, *self._covariates(source)]

    def _covariates(self, source: Source) -> list[str]:
        return [row.name for row in source.built_in.table.covariates] if source.built_in else []

    def _population(self) -> Drawn | Tabled | Rows | None:
        request, source = self.request, self.source
        if request.population is None:
            if source is not None and source.built_in is not None and request.patients is not None:
                return self._tabled(source.name)
            return Drawn({}, request.seed)
        read = read_population(request.population, request.seed, self.problems)
        if isinstance(read, Drawn):
            rows = dict(read.distributions)
            for name in self.values.keys() & rows.keys():
                if rows[name].kind == "uniform" or not rows[name].low <= self.values[name] <= rows[name].high:
                    self.problems.add(
                        "SIMULATE014", "this value does not fit the population's distribution of it",
                        where=f"--set {name}", found=f"{self.values[name]:g}",
                    )  # fmt: skip
                rows[name] = replace(rows[name], value=self.values[name])
            return Drawn(rows, request.seed)
        if read is not None:
            for name in sorted(self.values.keys() & set(read.names)):
                self.problems.add("SIMULATE014", "the population has a column of this name", where=f"--set {name}")
        return read

    def _tabled(self, model: str) -> Tabled:
        rows = rows_with(load_model(model).table)
        for name, value in self.values.items():
            if name in rows and not rows[name].low <= value <= rows[name].high:
                self.problems.add(
                    "SIMULATE014", "a value lies outside the parameter's range", where=f"--set {name}",
                    found=f"{value:g}", allowed=f"{rows[name].low:g} to {rows[name].high:g}",
                )  # fmt: skip
        return Tabled(model, {name: value for name, value in self.values.items() if name in rows}, self.request.seed)

    def _patients(self) -> int:
        asked, population = self.request.patients, self.population
        if asked is not None and asked < 1:
            self.problems.add("SIMULATE012", "there must be at least one patient", where="--patients", found=str(asked))
            return 1
        if asked is not None and asked >= 2**32:
            self.problems.add(
                "SIMULATE012", "too many patients", where="--patients", found=f"{asked:,}", allowed="4,294,967,295"
            )
        if isinstance(population, Rows):
            if asked is not None and asked > population.height:
                self.problems.add(
                    "SIMULATE012", "the population has fewer rows", where="--patients", found=f"{asked:,}",
                    allowed=f"up to {population.height:,}",
                )  # fmt: skip
            return population.height if asked is None else asked
        if isinstance(population, Drawn) and not population.distributions:
            if asked is not None and asked > 1:
                self.problems.add(
                    "SIMULATE012", "these patients would all be the same", where="--patients", found=f"{asked:,}",
                    fix="give --population with distributions, or leave --patients out",
                )  # fmt: skip
            return 1
        return DEFAULT_PATIENTS if asked is None else asked

    def _bounds(self) -> tuple[float, float]:
        request = self.request
        start = request.start if request.start is not None else self.source.start if self.source else 0.0
        last = [*self.times, *(f.end for f in self.functionals.values() if math.isfinite(f.end))]
        end = request.days if request.days is not None else max(last, default=math.nan)
        if math.isnan(end) and request.days is None:
            self.problems.add(
                "SIMULATE009", "nothing says when the simulation ends", where="--days",
                fix="give --days, or times with --at",
            )  # fmt: skip
            return start, start + 1.0
        if not (math.isfinite(start) and math.isfinite(end) and start < end):
            self.problems.add(
                "SIMULATE009", "the simulation must start before it ends", where="--start, --days",
                found=f"{start:g} to {end:g}",
            )  # fmt: skip
            return start, math.nan
        return start, end

    def _numbers(self) -> None:
        request = self.request
        if not 1e-14 <= request.relative_tolerance <= 0.1:
            self.problems.add(
                "SIMULATE012", "this tolerance makes no sense", where="--rtol",
                found=f"{request.relative_tolerance:g}", allowed="1e-14 to 0.1",
            )  # fmt: skip
        elif request.precision == SINGLE and request.relative_tolerance < TOLERANCE:
            self.problems.add(
                "SIMULATE012", "single precision cannot resolve this tolerance", where="--rtol",
                found=f"{request.relative_tolerance:g}", allowed=f"{TOLERANCE:g} to 0.1",
                fix=f"give --rtol {10 * TOLERANCE:g}, or leave --precision out",
            )  # fmt: skip
        if not 1 <= request.max_steps < 2**32:
            self.problems.add(
                "SIMULATE012", "a patient needs at least one step", where="--max-steps", found=str(request.max_steps),
                allowed="1 to 4,294,967,295",
            )  # fmt: skip
        if request.gpu and request.gradients:
            self.problems.add(
                "SIMULATE012", "gradients are solved on the processor", where="--gpu", fix="leave --gpu out"
            )
        if request.method not in METHODS or (request.gradients and request.method != RODAS5P.name):
            self.problems.add(
                "SIMULATE012", "no such method here", where="--method", found=request.method,
                allowed=RODAS5P.name if request.gradients else ", ".join(METHODS),
            )  # fmt: skip
        only_double = request.gpu or request.gradients
        if request.precision not in SHAPES or (only_double and request.precision != DOUBLE):
            self.problems.add(
                "SIMULATE012", "no such precision here", where="--precision", found=request.precision,
                allowed=DOUBLE if only_double else ", ".join(SHAPES),
            )  # fmt: skip
        if not 0 <= request.seed < 2**64:
            self.problems.add("SIMULATE012", "the seed is out of range", where="--seed", found=str(request.seed),
                              allowed="0 to 2**64 - 1")  # fmt: skip

    def _within(self, start: float, end: float) -> None:
        """Times, windows and doses lie within the simulation."""
        if math.isnan(end):
            return
        allowed = f"{start:g} to {end:g}"
        outside = [time for time in self.times if not start <= time <= end]
        if outside:
            found = ", ".join(f"{time:g}" for time in outside[:5])
            self.problems.add(
                "SIMULATE009", "a time lies outside the simulation", where="--at", found=found, allowed=allowed
            )
        for text, functional in self.functionals.items():
            for bound in (functional.start, functional.end):
                if math.isfinite(bound) and not start <= bound <= end:
                    self.problems.add("SIMULATE010", "a window leaves the simulation", where=f"--functional {text}",
                                      found=f"{bound:g}", allowed=allowed)  # fmt: skip
        for dose in self.doses:
            for day in dose.days:
                if not start <= day <= end:
                    self.problems.add(
                        "SIMULATE008",
                        "a dose lies outside the simulation",
                        where=f"--dose {dose.target}",
                        found=f"{day:g}",
                        allowed=allowed,
                    )

    # ------------------------------------------------------------------------------------------- the names

    def _observed(self, source: Source) -> tuple[str, ...]:
        known = [*source.system.states, *source.system.observables]
        observed = tuple(dict.fromkeys(self.request.observe)) or source.observed
        for name in self.request.observe:
            if name not in known:
                self._unknown("SIMULATE011", "the model has no such observable", "--observe", name, known)
        for text, functional in self.functionals.items():
            if functional.of not in known:
                where = f"--functional {text}"
                self._unknown("SIMULATE011", "the model has no such observable", where, functional.of, known)
            if isinstance(functional.threshold, str) and functional.threshold not in source.system.parameters:
                where = f"--functional {text}"
                self._unknown("SIMULATE005", "the model has no such parameter", where, functional.threshold,
                              source.system.parameters)  # fmt: skip
        for name in observed:
            if name in _RESERVED and self.times:
                self.problems.add("SIMULATE011", "this name is taken by a column of the courses", where=name,
                                  fix="name what to write with --observe")  # fmt: skip
        return observed

    def _names(self, source: Source) -> None:
        """Doses go to states, and amounts and columns are known."""
        system, population = source.system, self.population
        names = population.names if population is not None else ()
        for dose in self.doses:
            where = f"--dose {dose.target}"
            if dose.target not in system.states:
                self._unknown(
                    "SIMULATE008", "a dose goes to something that is no state", where, dose.target, system.states
                )
            elif system.dose_scales[system.states.index(dose.target)] is None:
                self.problems.add("SIMULATE008", "a dose goes to a concentration in a changing volume", where=where)
            if isinstance(dose.amount, str) and dose.amount not in names and population is not None:
                self._unknown("SIMULATE006", "the population has no column for this amount", where, dose.amount, names)
        amounts = {dose.amount for dose in self.doses if isinstance(dose.amount, str)}
        extra = {*amounts, *self._covariates(source), *(["population"] if isinstance(population, Rows) else [])}
        for name in () if isinstance(population, Tabled) else names:
            if name not in system.parameters and name not in extra:
                what = "the model has no parameter of this name"
                self._unknown("SIMULATE005", what, self._place(name), name, system.parameters)
        if isinstance(population, Rows) and population.sound:
            self._negative_amounts(population, sorted(amounts & set(names)))

    def _gradients(self, source: Source) -> None:
        amounts = [dose.amount for dose in self.doses if isinstance(dose.amount, str)]
        known = [*source.system.parameters, *amounts]
        for name in dict.fromkeys(self.request.gradients):
            if name not in known:
                self._unknown("SIMULATE005", "the model has no such parameter", "--gradients", name, known)

    def _negative_amounts(self, rows: Rows, names: list[str]) -> None:
        for name in names:
            for first in range(0, self.patients, 1 << 17):
                values = rows.columns(range(first, min(first + (1 << 17), self.patients)))[name]
                wrong = np.flatnonzero(values < 0)
                if len(wrong):
                    self.problems.add(
                        "SIMULATE008", "an amount must be 0 or more",
                        where=f"{self._place(name)}, row {first + int(wrong[0]) + 1}", found=f"{values[wrong[0]]:g}",
                    )  # fmt: skip
                    break

    def _place(self, name: str) -> str:
        given = self.request.population
        return f"{given if isinstance(given, str | Path) else 'population'}, {name}"

    def _unknown(self, code: str, what: str, where: str, name: str, known: Iterable[str]) -> None:
        names = list(known)
        allowed = ", ".join(names) if len(names) <= 12 else ""
        self.problems.add(code, what, where=where, found=name, allowed=allowed, fix=nearest(name, names))

    def _kept(self, source: Source) -> tuple[str, ...]:
        keep, population = self.request.keep, self.population
        if population is None:
            return ()
        asked = [keep] if isinstance(keep, str) else keep
        if asked is None:
            used = {*source.system.parameters, *self._covariates(source)}
            used |= {dose.amount for dose in self.doses if isinstance(dose.amount, str)}
            kept = tuple(name for name in population.varying if name in used and name not in _RESERVED)
            return kept if len(kept) * self.patients <= MOST_KEPT else ()
        names = tuple(dict.fromkeys(name for name in asked if name != "none"))
        if "all" in names:
            return tuple(name for name in population.varying if name not in _RESERVED)
        for name in names:
            if name not in population.names:
                self._unknown("SIMULATE005", "the population has no such name", "--keep", name, population.names)
        return names

    def _defaults(self, source: Source) -> tuple[float, ...]:
        system = source.system
        given = set(self.population.names) if self.population is not None else set(system.parameters)
        values = []
        for name, default in zip(system.parameters, system.defaults, strict=True):
            value = self.values.get(name, float(default))
            if math.isnan(value) and name not in given:
                self.problems.add(
                    "SIMULATE006", "a parameter has no value, neither in the model nor in the population", where=name,
                    fix=f"add a column or row {name!r} to the population, or give --set {name}=VALUE",
                )  # fmt: skip
            values.append(value)
        return tuple(values)

    def _default_times(self, start: float, end: float) -> tuple[float, ...]:
        if self.patients > MOST_COURSES:
            self.problems.add(
                "SIMULATE013", "say what to write for so many patients", where="--functional, --at",
                found=f"{self.patients:,} patients", fix="for example --functional max:NAME, or --at 0,7,28",
            )  # fmt: skip
        return tuple(float(time) for time in np.linspace(start, end, DEFAULT_TIMES))
