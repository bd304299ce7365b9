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
from carwright.engine.expression import Expr
from carwright.engine.gradient_solve import Chunk, Gradients, Settings, joined
from carwright.engine.kernel import LARGEST, Kernel, compile_kernel, run_all
from carwright.engine.moments import DIRECT, companion
from carwright.engine.requests import Dosing, Functional, Trigger
from carwright.engine.smooth import refuse_jumps
from carwright.engine.system import System
from carwright.engine.tangent import BEND, SLOPE, Tangents, tangent, twist
from carwright.errors import Problems

Floats = npt.NDArray[np.float64]

WIDEST: Final = 8
"""Most directions in one compiled system: more make it slow to compile and save little."""
CHUNK: Final = 32
"""Patients whose moments (summits, crossings) are looked at together: each adds times to the others' dense output."""


def check_gradients(
    system: System,
    names: Sequence[str],
    observables: Sequence[str] = (),
    functionals: Sequence[Functional] = (),
    triggers: Sequence[Trigger] = (),
    dosed: Mapping[str, Sequence[str]] | None = None,
) -> Tangents:
    """Find what `compile_gradients` would refuse, without compiling anything; the arguments are the same.

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
    asked = {name: found for name in [*observables, *(f.of for f in functionals)]
             if (found := system.expression(name)) is not None}  # fmt: skip
    refuse_jumps(system, set(moving), asked, problems)
    tangents = Tangents(system, moving, [s for name in names for s in dosed.get(name, ())], triggers, problems)
    problems.raise_if_any()
    return tangents


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
    tangents = check_gradients(system, names, observables, functionals, triggers, dosed)
    shaped = [f for f in functionals if f.kind not in DIRECT]
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
        system, tuple(names), tuple(observables), tuple(functionals), width, tangents.reached, primal, followed, scales
    )  # fmt: skip


@dataclass(frozen=True)
class GradientKernel:
    """A model made ready to be solved with derivatives, by `compile_gradients`.

    Attributes
    ----------
    width
        Directions that one row follows.
    reached
        States that move.
    primal, followed
        Kernels of the model alone, and of the model with its tangents.
    dose_scales
        For each direction, what a unit of dose adds to the tangent of a state.
    """

    system: System
    names: tuple[str, ...]
    observables: tuple[str, ...]
    functionals: tuple[Functional, ...]
    width: int
    reached: tuple[str, ...] = field(repr=False)
    primal: Kernel = field(repr=False)
    followed: Kernel = field(repr=False)
    dose_scales: list[dict[str, Expr]] = field(repr=False)

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
        progress: Callable[[int], None] | None = None,
        dose_slopes: Mapping[str, npt.ArrayLike] | None = None,
    ) -> Gradients:
        """Solve n patients with derivatives; the same bytes for any order of patients and number of threads.

        Parameters
        ----------
        parameters, dosing, start, end, times, relative_tolerance, absolute_tolerance, threads, max_steps, \
        negative_limit, progress
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
        settings = Settings(start, end, relative_tolerance, absolute_tolerance, max_steps, negative_limit, self.system)
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
            parts[first] = Chunk(self, values[part], own, slopes, asked, settings).gradients()
            return part.stop - part.start

        run_all(run, range(0, n, CHUNK), threads, progress)
        done = [parts[first] for first in sorted(parts)]
        if not done:
            return Gradients(self.names, settings.solve(self.primal, values, given, asked), np.empty(0, np.uint8),
                             np.empty((0, len(asked), len(self.observables), k)),
                             np.empty((0, len(self.functionals), k)))  # fmt: skip
        return Gradients(
            self.names,
            joined([part.solution for part in done]),
            np.concatenate([part.outcome for part in done]),
            np.concatenate([part.courses for part in done]),
            np.concatenate([part.functionals for part in done]),
        )
