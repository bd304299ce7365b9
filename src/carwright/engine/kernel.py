"""Compiled kernels and the solving of patients in chunks over threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from carwright.engine import expression as ex
from carwright.engine.compilation import Tables, plan
from carwright.engine.compiled import Compiled
from carwright.engine.evaluate import evaluate
from carwright.engine.expression import TIME
from carwright.engine.generator import Program
from carwright.engine.interpret import Interpreter
from carwright.engine.outcome import Outcome
from carwright.engine.precision import DOUBLE, SHAPES, SINGLE, check_precision, check_single
from carwright.engine.requests import Dosing, Functional, Trigger
from carwright.engine.schedule import Schedule, schedule
from carwright.engine.solution import Solution
from carwright.engine.system import System
from carwright.engine.tableau import METHODS, RODAS5P, Tableau
from carwright.engine.tape import discontinuous
from carwright.errors import CarwrightError, Problem, Problems

Floats = npt.NDArray[np.float64]

COMPILED: Final = "compiled"
INTERPRETED: Final = "interpreted"
GPU: Final = "gpu"
LARGEST: Final = 60
"""States up to which code is compiled; beyond, compiling takes minutes (assumed)."""
CHUNK: Final = 512
"""Patients per call of the compiled code: long enough that lanes stay full, short enough to answer an interrupt."""
DEVICE_CHUNK: Final = 131_072
"""Patients per launch on a device: enough for all its threads (assumed)."""
FIRST_STEP: Final = 1e-3
"""First step as a part of the solve; error control corrects it within a few steps either way."""
RELATIVE_FLOOR: Final = 1e-3
"""Default absolute tolerance as a part of the relative tolerance and of the state's initial value in the file
(assumed).
"""


def compile_kernel(
    system: System,
    observables: Sequence[str] = (),
    functionals: Sequence[Functional] = (),
    triggers: Sequence[Trigger] = (),
    path: str | None = None,
    method: str = RODAS5P.name,
    precision: str = DOUBLE,
) -> Kernel:
    """Generate and compile the code that solves a system, or load it from the cache on disk.

    Parameters
    ----------
    system
        The model.
    observables
        Names of states and observables for the dense output.
    functionals, triggers
        What to compute and what may happen while solving.

    path
        ``compiled`` or ``interpreted``; by default the interpreter where the model has events of its own, rates that
        jump at times of their own, or more than `LARGEST` states, compiled code elsewhere. Both solve with the same
        method and the same control of errors. ``gpu`` is the compiled path on a CUDA device.
    method
        ``rodas5p``, or ``rodas4`` for screening: of lower order, so cheaper per step and dearer per correct digit (see
        `carwright.engine.tableau`).
    precision
        ``double``, or ``single`` for screening on the compiled path: twice as many patients in a register, at relative
        tolerances of `carwright.engine.precision.TOLERANCE` or more, with the errors that ``NOTE`` there gives. Times
        are rounded to single precision too, but errors of time do not add up.

    Raises
    ------
    CarwrightError
        Listing every unknown name, unreadable formula and impossible window.
    """
    program, tables = plan(system, observables, functionals, triggers)
    path = path or _fitting(system)
    allowed = [INTERPRETED] if system.events else [COMPILED, GPU, INTERPRETED]
    if path not in allowed:
        raise CarwrightError(
            Problem(
                "ENGINE030",
                "this model cannot be solved on this path",
                where="path",
                found=path,
                allowed=", ".join(allowed),
            )
        )
    if method not in METHODS:
        raise CarwrightError(
            Problem("ENGINE030", "no such method", where="method", found=method, allowed=", ".join(METHODS))
        )
    check_precision(precision, may_be_single=path == COMPILED)
    asked = tuple(observables), tuple(functionals), tuple(triggers)
    solver = _solver(program, METHODS[method], path, precision)
    return Kernel(system, *asked, path, method, precision, program, tables, solver)


def _solver(program: Program, method: Tableau, path: str, precision: str) -> Compiled | Interpreter:
    if path == INTERPRETED:
        return Interpreter(program, method)
    if path == GPU:
        from carwright.engine.device import OnDevice

        return OnDevice(program, method)
    return Compiled(program, method, SHAPES[precision])


def _fitting(system: System) -> str:
    """Path that a model needs; compiled steps would run across a short pulse of the clock without seeing it."""
    pulses = any(TIME in ex.symbols([node]) for node in discontinuous(system.rates))
    large = len(system.states) > LARGEST or not system.states
    return INTERPRETED if system.events or pulses or large else COMPILED


@dataclass(frozen=True)
class Kernel:
    """A model made ready to be solved, by `compile_kernel`; ``path``, ``method`` and ``precision`` say how."""

    system: System
    observables: tuple[str, ...]
    functionals: tuple[Functional, ...]
    triggers: tuple[Trigger, ...]
    path: str
    method: str
    precision: str
    _program: Program = field(repr=False)
    _tables: Tables = field(repr=False)
    _solver: Compiled | Interpreter = field(repr=False)

    def solve(
        self,
        parameters: npt.ArrayLike,
        dosing: Dosing | None = None,
        *,
        start: float = 0.0,
        end: float,
        times: npt.ArrayLike | None = None,
        relative_tolerance: float = 1e-6,
        absolute_tolerance: npt.ArrayLike | None = None,
        threads: int = 1,
        max_steps: int = 100_000,
        negative_limit: float = np.inf,
        chunk: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Solution:
        """Solve n patients; the same bytes for any order of patients, number of threads and size of chunks.

        Parameters
        ----------
        parameters
            (n, p) values in the order of ``system.parameters``.
        dosing
            Amounts added to states; none by default.
        start, end
            Days.
        times
            (k,) ascending times of the dense output within the solve; none by default.
        relative_tolerance
            Error allowed per step relative to each state.
        absolute_tolerance
            (m,) error allowed per step in the order of ``system.states``; by default ``relative_tolerance``
            times 1e-3 times the
            state's initial value under the file's own parameters (or times 1 where that is 0).
        threads
            Threads of this process.
        max_steps
            Steps tried per patient before it is given up: a limit of work that does not depend on the machine.
        negative_limit
            Absolute tolerances below zero at which a patient is given up, such as `NEGATIVE_LIMIT`; never by default.
        chunk
            Patients per call of the compiled code; by default what suits the path.
        progress
            Called with the number of patients that have just been finished.

        Raises
        ------
        CarwrightError
            Listing everything wrong with the arguments. A patient that cannot be solved is no error but an
            outcome code.
        """
        values = np.ascontiguousarray(parameters, dtype=np.float64)
        problems = Problems()
        if values.ndim != 2 or values.shape[1] != len(self.system.parameters):
            problems.add(
                "ENGINE030", "parameters must be a table of patients x model parameters", where="parameters",
                found=str(values.shape), allowed=f"(n, {len(self.system.parameters)})",
            )  # fmt: skip
            problems.raise_if_any()
        plan_ = self._schedule(values, dosing, start, end, times, problems)
        tolerances = self._tolerances(relative_tolerance, absolute_tolerance, problems)
        chunk = chunk if chunk is not None else (DEVICE_CHUNK if self.path == GPU else CHUNK)
        if threads < 1 or chunk < 1 or max_steps < 1:
            problems.add("ENGINE030", "threads, chunk and max_steps must be at least 1", where="solve")
        # A step below a few units in the last place of time cannot move on.
        tiny = 8.0 * float(np.finfo(SHAPES[self.precision].number).eps) * max(abs(start), abs(end))
        if self.precision == SINGLE:
            most = max([max_steps, *(trigger.at_most for trigger in self.triggers)])
            check_single(relative_tolerance, plan_.stops, tiny, most, problems)
        problems.raise_if_any()
        n = len(values)
        solution = Solution(
            outcome=np.zeros(n, np.uint8),
            times=plan_.times,
            courses=np.empty((n, len(plan_.times), len(self.observables))),
            functionals=np.empty((n, len(self.functionals))),
            trigger_counts=np.empty((n, len(self.triggers))),
            trigger_days=np.empty((n, len(self.triggers))),
            steps=np.zeros(n, np.int64),
            lowest=np.empty(n),
            path=self.path,
        )
        settings = np.array([relative_tolerance, max_steps, FIRST_STEP * (end - start), tiny])

        def run(first: int) -> int:
            part = slice(first, min(first + chunk, n))
            self._solver.solve(
                values[part], plan_.amounts[part], plan_.stops, plan_.dose_first, plan_.dose_state,
                plan_.dose_column,
                plan_.times, settings, tolerances, self._tables.functional_codes, plan_.functional_values,
                self._tables.trigger_codes, plan_.trigger_values, solution.outcome[part], solution.courses[part],
                solution.functionals[part], solution.trigger_counts[part], solution.trigger_days[part],
                solution.steps[part], solution.lowest[part],
            )  # fmt: skip
            return part.stop - part.start

        run_all(run, range(0, n, chunk), threads, progress)
        solution.give_up((solution.outcome == Outcome.OK) & (solution.lowest < -negative_limit), Outcome.NEGATIVE)
        return solution

    def _schedule(
        self,
        values: Floats,
        dosing: Dosing | None,
        start: float,
        end: float,
        times: npt.ArrayLike | None,
        problems: Problems,
    ) -> Schedule:
        columns = {name: values[:, i] for i, name in enumerate(self.system.parameters)}
        scales = {
            name: None if scale is None else evaluate([scale], columns)[0]
            for name, scale in zip(self.system.states, self.system.dose_scales, strict=True)
        }
        chosen = dosing if dosing is not None else Dosing.none(len(values))
        order = {name: i for i, name in enumerate(self._program.order())}
        return schedule(order, scales, len(values), chosen, start, end, times, self._tables, problems)

    def _tolerances(self, relative: float, absolute: npt.ArrayLike | None, problems: Problems) -> Floats:
        """(m, 2) absolute tolerance and, for states that cannot be negative, its inverse; kernel order."""
        states = self.system.states
        if not 0.0 < relative < 1.0:
            problems.add("ENGINE030", "the relative tolerance must lie between 0 and 1", found=str(relative))
        if absolute is None:
            given = default_tolerances(self.system, relative)
        else:
            given = np.asarray(absolute, dtype=np.float64)
            if given.shape != (len(states),) or not np.all(np.isfinite(given) & (given > 0.0)):
                problems.add(
                    "ENGINE030", "absolute tolerances must be positive, one per state", where="absolute_tolerance",
                    found=str(given.shape), allowed=f"({len(states)},)",
                )  # fmt: skip
                given = np.ones(len(states))
        table = np.stack([given, np.where(self.system.non_negative, 1.0 / given, 0.0)], axis=1)
        return np.ascontiguousarray(table[[states.index(name) for name in self._program.order()]])


def default_tolerances(system: System, relative: float) -> Floats:
    """(m,) absolute tolerances where none are given, see `Kernel.solve`."""
    scale = np.abs(system.initial_values(system.defaults[None])[0])
    return relative * RELATIVE_FLOOR * np.where(np.isfinite(scale) & (scale > 0.0), scale, 1.0)


def run_all(
    run: Callable[[int], int], chunks: Sequence[int], threads: int, progress: Callable[[int], None] | None
) -> None:
    """Run every chunk; an interrupt stops before the next one."""
    if threads == 1 or len(chunks) <= 1:
        for first in chunks:
            done = run(first)
            if progress is not None:
                progress(done)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="carwright-engine")
    try:
        waiting: set[Future[int]] = set()
        remaining = iter(chunks)
        exhausted = False
        while waiting or not exhausted:
            while not exhausted and len(waiting) < 2 * threads:
                upcoming = next(remaining, None)
                exhausted = upcoming is None
                if upcoming is not None:
                    waiting.add(pool.submit(run, upcoming))
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                done = future.result()
                if progress is not None:
                    progress(done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
