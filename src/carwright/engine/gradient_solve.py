"""A few patients with their derivatives: rows of the kernel with tangents, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from carwright.engine.evaluate import evaluate
from carwright.engine.kernel import Kernel, default_tolerances
from carwright.engine.moments import DIRECT, Moments, Shape
from carwright.engine.requests import Dosing, Functional
from carwright.engine.solution import Solution
from carwright.engine.system import System
from carwright.engine.tangent import direction, tangent

if TYPE_CHECKING:
    from carwright.engine.gradient import GradientKernel

Floats = npt.NDArray[np.float64]


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


@dataclass(frozen=True)
class Settings:
    """What all solves of a request share."""

    start: float
    end: float
    relative: float
    absolute: npt.ArrayLike | None
    max_steps: int
    negative_limit: float
    system: System

    def solve(self, kernel: Kernel, values: Floats, dosing: Dosing, times: Floats) -> Solution:
        """Patients without tangents."""
        return kernel.solve(
            values, dosing, start=self.start, end=self.end, times=times, relative_tolerance=self.relative,
            absolute_tolerance=self.absolute, max_steps=self.max_steps, negative_limit=self.negative_limit,
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


def joined(parts: Sequence[Solution]) -> Solution:
    """Solutions of patients one after the other as one."""

    def all_of(name: str) -> npt.NDArray[np.generic]:
        return np.concatenate([getattr(part, name) for part in parts])

    names = ("outcome", "courses", "functionals", "trigger_counts", "trigger_days", "steps", "lowest")
    return Solution(times=parts[0].times, path=parts[0].path, **{name: all_of(name) for name in names})  # type: ignore[arg-type]


class Chunk:
    """A few patients: solve them alone, find the moments that matter, solve them with tangents, put it together."""

    def __init__(
        self, kernel: GradientKernel, values: Floats, dosing: Dosing, dose_slopes: Mapping[str, Floats], times: Floats,
        settings: Settings,
    ) -> None:  # fmt: skip
        self.kernel, self.values, self.dosing, self.settings = kernel, values, dosing, settings
        self.dose_slopes, self.times = dose_slopes, times
        self.groups = -(-len(kernel.names) // kernel.width)
        self.scales = np.stack([self._scale(name) for name in kernel.names], axis=1)

    def gradients(self) -> Gradients:
        """Solve the patients and take their derivatives."""
        kernel, settings, f = self.kernel, self.settings, len(self.kernel.functionals)
        doses = np.unique(np.asarray(self.dosing.times, dtype=np.float64).reshape(-1))
        moments = Moments(kernel.functionals, settings.start, settings.end, doses)
        wanted = np.union1d(self.times, moments.grid)
        first = settings.solve(kernel.primal, self.values, self.dosing, wanted)
        observed = first.courses[:, np.searchsorted(wanted, self.times), : len(kernel.observables)]
        solution = replace(first, times=self.times, courses=observed, functionals=first.functionals[:, :f])
        levels = np.empty((len(self.values), f))
        for i, functional in enumerate(kernel.functionals):
            levels[:, i] = self._level(functional)
        moments.find(first, levels, len(kernel.observables))
        wanted = np.union1d(self.times, moments.times)
        second = settings.follow(kernel, *self._rows(), wanted)
        shape = (len(self.values), self.groups)
        outcome = np.maximum(first.outcome, second.outcome.reshape(shape).max(axis=1))
        courses = second.courses.reshape(*shape, len(wanted), len(kernel.followed.observables))
        own = courses[:, :, np.searchsorted(wanted, self.times), : len(kernel.observables) * kernel.width]
        own = own.reshape(*shape, len(self.times), len(kernel.observables), kernel.width)
        direct = second.functionals.reshape(*shape, -1, kernel.width) if second.functionals.size else (
            np.empty((*shape, 0, kernel.width)))  # fmt: skip
        course_slopes = self._by_name(own) / self.scales[:, None, None, :]
        slopes = self._functionals(moments, wanted, courses, direct, solution.functionals, levels)
        slopes /= self.scales[:, None, :]
        course_slopes[outcome > 0] = np.nan
        slopes[outcome > 0] = np.nan
        return Gradients(kernel.names, solution, outcome.astype(np.uint8), course_slopes, slopes)

    def _functionals(
        self, moments: Moments, times: Floats, courses: Floats, direct: Floats, values: Floats, levels: Floats
    ) -> Floats:  # fmt: skip
        """Derivatives of functionals (patients, functionals, k) along the scaled directions."""
        kernel, width = self.kernel, self.kernel.width
        slopes = np.full((*values.shape, len(kernel.names)), np.nan)
        slopes[:, [i for i, f in enumerate(kernel.functionals) if f.kind in DIRECT]] = self._by_name(direct)
        shaped = list(dict.fromkeys(f.of for f in kernel.functionals if f.kind not in DIRECT))
        for i, functional in enumerate(kernel.functionals):
            if functional.kind in DIRECT:
                continue
            at = len(kernel.observables) * width + shaped.index(functional.of) * (3 + 2 * width)
            block = courses[:, :, :, at : at + 3 + 2 * width]
            along, turning = self._by_name(block[..., 3 : 3 + width]), self._by_name(block[..., 3 + width :])
            shape = Shape(times, block[:, 0, :, 0], block[:, 0, :, 1], block[:, 0, :, 2], along, turning)
            level_slopes = self.scales * [functional.threshold == name for name in kernel.names]
            slopes[:, i] = moments.slopes(i, shape, values[:, i], levels[:, i], level_slopes)
        return slopes

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
        rows = len(self.values) * self.groups
        parameters = self.kernel.followed.system.parameters
        table = np.zeros((rows, len(parameters)))
        table[:, : len(system.parameters)] = np.repeat(self.values, self.groups, axis=0)
        by_group = np.zeros((len(self.values), self.groups, kernel.width, len(kernel.names)))
        for index in range(len(kernel.names)):
            by_group[:, index // kernel.width, index % kernel.width, index] = self.scales[:, index]
        steps = by_group.reshape(rows, kernel.width, len(kernel.names))
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
                if target in kernel.dose_scales[slot]:
                    jump += amounts[:, i] * evaluate([kernel.dose_scales[slot][target]], columns)[0]
                for index, name in enumerate(kernel.names):
                    if name in self.dose_slopes and (scale := scales[target]) is not None:
                        moved = np.repeat(self.dose_slopes[name][:, i], self.groups) * evaluate([scale], columns)[0]
                        jump += moved * steps[:, slot, index]
                if jump.any():
                    days.append(times[i])
                    targets.append(tangent(target, slot))
                    more.append(jump[:, None])
        return Dosing(np.array(days), tuple(targets), np.concatenate(more, axis=1))
