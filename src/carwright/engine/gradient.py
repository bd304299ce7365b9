"""Exact derivatives of courses and functionals with respect to parameters and doses, patient by patient.

A gradient over k names is k directions. Each compiled system carries tangents along a few of them (`Tangents`), and a
patient takes as many rows of the ordinary kernel as that needs: lanes, threads and dense output are those of any
solve, and so is the promise of equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from carwright.engine.compilation import nearest
from carwright.engine.evaluate import evaluate
from carwright.engine.expression import Expr
from carwright.engine.kernel import LARGEST, Kernel, compile_kernel, default_tolerances, run_all
from carwright.engine.moments import DIRECT, Moments, Shape, companion
from carwright.engine.requests import Dosing, Functional, Trigger
from carwright.engine.smooth import refuse_jumps
from carwright.engine.solution import Solution
from carwright.engine.system import System
from carwright.engine.tangent import BEND, SLOPE, Tangents, direction, tangent, twist
from carwright.errors import Problems

Floats = npt.NDArray[np.float64]

WIDEST: Final = 8
"""Most directions in one compiled system: more make it slow to compile and save little."""
CHUNK: Final = 32
"""Patients whose moments (summits, crossings) are looked at together: each adds times to the others' dense output."""


@dataclass(frozen=True)
class Gradients:
    """Values and derivatives of n patients.

    Attributes
    ----------
    names
        k names of parameters and doses.
    solution
        The solve itself, as from `Kernel.solve`.
    outcome
        (n,) how the solve with tangents ended; a derivative of a patient whose outcome is not OK is NaN.
    courses
        (n, times, observables, k) derivatives of ``solution.courses``.
    functionals
        (n, functionals, k) derivatives of ``solution.functionals``. NaN where there is none: a threshold that is never
        crossed, or a summit at a kink.
    """

    names: tuple[str, ...]
    solution: Solution
    outcome: npt.NDArray[np.uint8]
    courses: Floats
    functionals: Floats


def compile_gradients(
    system: System,
    names: Sequence[str],
    observables: Sequence[str] = (),
    functionals: Sequence[Functional] = (),
    triggers: Sequence[Trigger] = (),
    dosed: Mapping[str, Sequence[str]] | None = None,
) -> GradientKernel:
    """Make a model ready to be solved with derivatives.

    Parameters
    ----------
    system
        The model.
    names
        Parameters with respect to which derivatives are taken, or names of ``dosed``.
    observables, functionals, triggers
        As in `compile_kernel`.
    dosed
        By the name of a dose, the states that it goes to.

    Raises
    ------
    CarwrightError
        Listing every unknown name, and every part of the model that has no derivative.
    """
    problems, dosed = Problems(), dosed or {}
    for name in names:
        if name not in system.parameters and name not in dosed:
            known = [*system.parameters, *dosed]
            problems.add("ENGINE020", "no such parameter", where="gradients", found=name, fix=nearest(name, known))
    if not names or len(set(names)) < len(names):
        problems.add("ENGINE030", "gradients need different names of parameters", where="gradients")
    moving = [name for name in names if name in system.parameters]
    shaped = [f for f in functionals if f.kind not in DIRECT]
    asked = {name: found for name in [*observables, *(f.of for f in functionals)]
             if (found := system.expression(name)) is not None}  # fmt: skip
    refuse_jumps(system, set(moving), asked, problems)
    tangents = Tangents(system, moving, [s for name in names for s in dosed.get(name, ())], triggers, problems)
    problems.raise_if_any()
    shapes_of = tuple(dict.fromkeys(f.of for f in shaped))
    primal = compile_kernel(
        tangents.system_with(0, (), shapes_of),
        observables=[*observables, *(x for name in shapes_of for x in (name, f"{name}|{SLOPE}"))],
        functionals=[*functionals, *(companion(f) for f in shaped)],
        triggers=triggers,
    )
    room = (LARGEST - len(system.states)) // max(len(tangents.reached), 1)
    width = max(1, min(len(names), room, WIDEST))
    direct = [f for f in functionals if f.kind in DIRECT]
    slots = range(width)
    columns = [tangent(name, slot) for name in observables for slot in slots]
    for name in shapes_of:
        columns += [name, f"{name}|{SLOPE}", f"{name}|{BEND}"]
        columns += [tangent(name, slot) for slot in slots] + [twist(name, slot) for slot in slots]
    followed = compile_kernel(
        tangents.system_with(width, [*observables, *(f.of for f in direct)], shapes_of),
        observables=columns,
        functionals=[Functional(f.kind, tangent(f.of, slot), f.start, f.end) for f in direct for slot in slots],
        triggers=tangents.triggers(width),
    )
    scales = [tangents.dose_slopes(slot) for slot in slots]
    return GradientKernel(
        system, tuple(names), tuple(observables), tuple(functionals), dict(dosed), width, tangents.reached,
        primal, followed, scales,
    )  # fmt: skip


@dataclass(frozen=True)
class GradientKernel:
    """A model made ready to be solved with derivatives, by `compile_gradients`.

    Attributes
    ----------
    primal, followed
        Kernels of the model alone, and of the model with ``width`` tangents.
    """

    system: System
    names: tuple[str, ...]
    observables: tuple[str, ...]
    functionals: tuple[Functional, ...]
    dosed: dict[str, Sequence[str]]
    width: int
    reached: tuple[str, ...] = field(repr=False)
    primal: Kernel = field(repr=False)
    followed: Kernel = field(repr=False)
    _scales: list[dict[str, Expr]] = field(repr=False)

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
        progress: Callable[[int], None] | None = None,
        dose_slopes: Mapping[str, npt.ArrayLike] | None = None,
    ) -> Gradients:
        """Solve n patients with derivatives; the same bytes for any order of patients and number of threads.

        Parameters
        ----------
        parameters, dosing, start, end, times, relative_tolerance, absolute_tolerance, threads, max_steps, progress
            As in `Kernel.solve`. Tangents take part in the control of the step size, at the tolerances of their states:
            a tangent is measured along a direction as long as the parameter is large (as CVODES does; Hindmarsh, A. C.
            et al. (2005) ACM Trans Math Softw 31:363, doi:10.1145/1089014.1089020).
        dose_slopes
            By the name of a dose, the derivative of ``dosing.amounts`` (n, m) with respect to it.

        Raises
        ------
        CarwrightError
            As `Kernel.solve`.
        """
        values = np.ascontiguousarray(parameters, dtype=np.float64)
        given = dosing if dosing is not None else Dosing.none(len(values))
        asked = np.asarray([] if times is None else times, dtype=np.float64).reshape(-1)
        settings = _Settings(start, end, relative_tolerance, absolute_tolerance, max_steps, self.system)
        # The whole request is checked on no patient at all before any is solved.
        nobody = Dosing(given.times, given.targets, np.asarray(given.amounts, dtype=np.float64)[:0])
        settings.solve(self.primal, values[:0] if values.ndim == 2 else values, nobody, asked)
        n, k = len(values), len(self.names)
        parts: dict[int, Gradients] = {}

        def run(first: int) -> int:
            part = slice(first, min(first + CHUNK, n))
            amounts = np.asarray(given.amounts, dtype=np.float64)
            slopes = {name: np.asarray(slope, dtype=np.float64)[part] for name, slope in (dose_slopes or {}).items()}
            own = Dosing(given.times, given.targets, amounts[part])
            parts[first] = _Chunk(self, values[part], own, slopes, asked, settings).gradients()
            return part.stop - part.start

        run_all(run, range(0, n, CHUNK), threads, progress)
        done = [parts[first] for first in sorted(parts)]
        if not done:
            return Gradients(self.names, settings.solve(self.primal, values, given, asked), np.empty(0, np.uint8),
                             np.empty((0, len(asked), len(self.observables), k)),
                             np.empty((0, len(self.functionals), k)))  # fmt: skip
        return Gradients(
            self.names,
            _joined([part.solution for part in done]),
            np.concatenate([part.outcome for part in done]),
            np.concatenate([part.courses for part in done]),
            np.concatenate([part.functionals for part in done]),
        )


@dataclass(frozen=True)
class _Settings:
    start: float
    end: float
    relative: float
    absolute: npt.ArrayLike | None
    max_steps: int
    system: System

    def solve(self, kernel: Kernel, values: Floats, dosing: Dosing, times: Floats) -> Solution:
        return kernel.solve(
            values, dosing, start=self.start, end=self.end, times=times, relative_tolerance=self.relative,
            absolute_tolerance=self.absolute, max_steps=self.max_steps,
        )  # fmt: skip

    def follow(self, kernel: GradientKernel, values: Floats, dosing: Dosing, times: Floats) -> Solution:
        """The same with tangents, whose absolute tolerance is that of their state: directions are scaled for that."""
        absolute = self.absolute if self.absolute is not None else default_tolerances(self.system, self.relative)
        own = np.asarray(absolute, dtype=np.float64)
        tangents = own[[self.system.states.index(name) for name in kernel.reached]]
        return kernel.followed.solve(
            values, dosing, start=self.start, end=self.end, times=times, relative_tolerance=self.relative,
            absolute_tolerance=np.concatenate([own, np.tile(tangents, kernel.width)]), max_steps=self.max_steps,
        )  # fmt: skip


def _joined(parts: Sequence[Solution]) -> Solution:
    def all_of(name: str) -> npt.NDArray[np.generic]:
        return np.concatenate([getattr(part, name) for part in parts])

    names = ("outcome", "courses", "functionals", "trigger_counts", "trigger_days", "steps", "lowest")
    return Solution(times=parts[0].times, path=parts[0].path, **{name: all_of(name) for name in names})  # type: ignore[arg-type]


class _Chunk:
    """A few patients: solve them alone, find the moments that matter, solve them with tangents, put it together."""

    def __init__(
        self, kernel: GradientKernel, values: Floats, dosing: Dosing, dose_slopes: Mapping[str, Floats], times: Floats,
        settings: _Settings,
    ) -> None:  # fmt: skip
        self.kernel, self.values, self.dosing, self.settings = kernel, values, dosing, settings
        self.dose_slopes, self.times = dose_slopes, times
        self.groups = -(-len(kernel.names) // kernel.width)
        self.scales = np.stack([self._scale(name) for name in kernel.names], axis=1)

    def gradients(self) -> Gradients:
        kernel, f, k = self.kernel, len(self.kernel.functionals), len(self.kernel.names)
        doses = np.unique(np.asarray(self.dosing.times, dtype=np.float64).reshape(-1))
        moments = Moments(kernel.functionals, self.settings.start, self.settings.end, doses)
        wanted = np.union1d(self.times, moments.grid)
        first = self.settings.solve(kernel.primal, self.values, self.dosing, wanted)
        asked = np.searchsorted(wanted, self.times)
        solution = Solution(
            first.outcome, self.times, first.courses[:, asked, : len(kernel.observables)], first.functionals[:, :f],
            first.trigger_counts, first.trigger_days, first.steps, first.lowest, first.path,
        )  # fmt: skip
        levels = np.stack([self._level(functional) for functional in kernel.functionals], axis=1) if f else (
            np.empty((len(self.values), 0)))  # fmt: skip
        moments.find(first, levels, len(kernel.observables))
        wanted = np.union1d(self.times, moments.times)
        rows, dosing = self._rows()
        second = self.settings.follow(kernel, rows, dosing, wanted)
        shape = (len(self.values), self.groups)
        outcome = np.maximum(first.outcome, second.outcome.reshape(shape).max(axis=1))
        courses = second.courses.reshape(*shape, len(wanted), -1)
        observed = len(kernel.observables)
        asked = np.searchsorted(wanted, self.times)
        own = courses[:, :, asked, : observed * kernel.width].reshape(*shape, len(asked), observed, kernel.width)
        slopes = np.full((len(self.values), f, k), np.nan)
        direct = [i for i, functional in enumerate(kernel.functionals) if functional.kind in DIRECT]
        found = second.functionals.reshape(*shape, len(direct), kernel.width)
        slopes[:, direct] = self._by_name(found)
        shaped = [functional.of for functional in kernel.functionals if functional.kind not in DIRECT]
        for i, functional in enumerate(kernel.functionals):
            if functional.kind in DIRECT:
                continue
            at = list(dict.fromkeys(shaped)).index(functional.of) * (3 + 2 * kernel.width) + observed * kernel.width
            block = courses[:, :, :, at : at + 3 + 2 * kernel.width]
            along = self._by_name(block[..., 3 : 3 + kernel.width])
            turning = self._by_name(block[..., 3 + kernel.width :])
            level_slopes = self.scales * [functional.threshold == name for name in kernel.names]
            shape_ = Shape(wanted, block[:, 0, :, 0], block[:, 0, :, 1], block[:, 0, :, 2], along, turning)
            slopes[:, i] = moments.slopes(i, shape_, solution.functionals[:, i], levels[:, i], level_slopes)
        slopes /= self.scales[:, None, :]
        by_name = self._by_name(own) / self.scales[:, None, None, :]
        slopes[outcome > 0] = np.nan
        by_name[outcome > 0] = np.nan
        return Gradients(kernel.names, solution, outcome.astype(np.uint8), by_name, slopes)

    def _by_name(self, found: Floats) -> Floats:
        """(patients, groups, ..., width) to (patients, ..., k): the groups side by side, without the unused slots."""
        moved = np.moveaxis(found, 1, -2)
        return moved.reshape(*moved.shape[:-2], self.groups * self.kernel.width)[..., : len(self.kernel.names)]

    def _level(self, functional: Functional) -> Floats:
        threshold = functional.threshold
        if isinstance(threshold, str):
            return self.values[:, self.kernel.system.parameters.index(threshold)]
        return np.full(len(self.values), np.nan if threshold is None else threshold)

    def _scale(self, name: str) -> Floats:
        """How far a direction goes: by the size of the parameter, so that a tangent has the size of its state."""
        system = self.kernel.system
        if name in system.parameters:
            index = system.parameters.index(name)
            own, default = np.abs(self.values[:, index]), abs(system.defaults[index])
            return np.where(own > 0.0, own, default if 0.0 < default < np.inf else 1.0)
        slopes = np.abs(self.dose_slopes[name]).max(axis=1, initial=0.0)
        amounts = np.abs(np.asarray(self.dosing.amounts, dtype=np.float64)).max(axis=1, initial=0.0)
        return np.where((slopes > 0.0) & (amounts > 0.0), amounts / np.where(slopes > 0.0, slopes, 1.0), 1.0)

    def _rows(self) -> tuple[Floats, Dosing]:
        """Parameters and doses of every patient along every group of directions."""
        kernel, system = self.kernel, self.kernel.system
        n, rows = len(self.values), len(self.values) * self.groups
        parameters = self.kernel.followed.system.parameters
        table = np.zeros((rows, len(parameters)))
        table[:, : len(system.parameters)] = np.repeat(self.values, self.groups, axis=0)
        steps = np.zeros((n, self.groups, kernel.width, len(kernel.names)))
        for index in range(len(kernel.names)):
            steps[:, index // kernel.width, index % kernel.width, index] = self.scales[:, index]
        steps = steps.reshape(rows, kernel.width, len(kernel.names))
        for slot in range(kernel.width):
            for index, name in enumerate(kernel.names):
                if direction(name, slot) in parameters:
                    table[:, parameters.index(direction(name, slot))] = steps[:, slot, index]
        return table, self._doses(table, steps)

    def _doses(self, table: Floats, steps: Floats) -> Dosing:
        kernel = self.kernel
        amounts = np.repeat(np.asarray(self.dosing.amounts, dtype=np.float64), self.groups, axis=0)
        times = np.asarray(self.dosing.times, dtype=np.float64).reshape(-1)
        columns = {name: table[:, i] for i, name in enumerate(kernel.followed.system.parameters)}
        scales = dict(zip(kernel.system.states, kernel.system.dose_scales, strict=True))
        days, targets, more = list(times), list(self.dosing.targets), [amounts]
        for i, target in enumerate(self.dosing.targets):
            for slot in range(kernel.width):
                if target not in kernel.reached:
                    continue
                jump = np.zeros(len(table))
                if target in kernel._scales[slot]:
                    jump += amounts[:, i] * evaluate([kernel._scales[slot][target]], columns)[0]
                for index, name in enumerate(kernel.names):
                    if name in self.dose_slopes and (scale := scales[target]) is not None:
                        moved = np.repeat(self.dose_slopes[name][:, i], self.groups) * evaluate([scale], columns)[0]
                        jump += moved * steps[:, slot, index]
                if jump.any():
                    days.append(times[i])
                    targets.append(tangent(target, slot))
                    more.append(jump[:, None])
        return Dosing(np.array(days), tuple(targets), np.concatenate(more, axis=1))
