"""A model as a function of some of its parameters, with its Jacobian: what a calibration needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from carwright.engine import EXPLAIN, GradientKernel, Outcome
from carwright.errors import CarwrightError, Problem, Problems
from carwright.simulation.prepare import Request, prepare
from carwright.simulation.wishes import read_dose

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]


class Differentiable:
    """Values of courses and functionals, and their exact derivatives, as a function of k parameters.

    Made by `carwright.differentiate`; compiled once, then called as often as needed.

    Attributes
    ----------
    names
        The k parameters (or names of dose amounts), in the order of the arguments.
    start
        (k,) their values in the model; NaN where it has none.
    """

    def __init__(self, request: Request, names: tuple[str, ...]) -> None:
        if not names:
            problem = Problem(
                "SIMULATE018", "nothing says with respect to what", "differentiate", fix="name parameters"
            )
            raise CarwrightError(problem)
        doses = tuple(request.doses)
        given = {dose.amount for text in doses if (dose := read_dose(text, Problems()))}
        # Amounts that are differentiated need a value as if a population gave it.
        amounts = {name: {"value": 1.0, "sd": 0} for name in names if name in given}
        self._task = prepare(replace(request, doses=doses, gradients=names, population=amounts or None)).task
        self.names = self._task.gradients
        system = self._task.system
        values = dict(zip(system.parameters, self._task.defaults, strict=True))
        self.start = np.array([values.get(name, np.nan) for name in self.names])
        kernel = self._task.kernel()
        if not isinstance(kernel, GradientKernel):
            message = "a task with gradients has a kernel for them"
            raise TypeError(message)
        self._kernel = kernel

    def __repr__(self) -> str:
        return f"<{self._task.name}: {len(self._task.quantities())} quantities of {', '.join(self.names)}>"

    @property
    def quantities(self) -> pl.DataFrame:
        """What the values are: ``quantity`` and ``day`` (null for a functional), one row per value."""
        import polars as pl

        rows = self._task.quantities()
        frame = pl.DataFrame({"quantity": [name for name, _ in rows], "day": [time for _, time in rows]})
        return frame.with_columns(pl.col("day").fill_nan(None))

    def __call__(self, x: npt.ArrayLike, threads: int = 1) -> tuple[Floats, Floats]:
        """Values (q,) and derivatives (q, k) at parameters (k,); or (n, q) and (n, q, k) at n rows (n, k).

        Raises
        ------
        CarwrightError
            If the parameters have another shape, or the model cannot be solved there.
        """
        given = np.asarray(x, dtype=np.float64)
        rows = np.atleast_2d(given)
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            what, allowed = "there must be one value per name", f"({len(self.names)},) or (n, {len(self.names)})"
            raise CarwrightError(Problem("SIMULATE018", what, "differentiate", str(given.shape), allowed))
        task = self._task
        parameters, dosing = task.given(len(rows), {name: rows[:, i] for i, name in enumerate(self.names)})
        found = task.differentiate(self._kernel, parameters, dosing, threads=threads)
        for i in np.flatnonzero(found.outcome)[:1]:
            at = ", ".join(f"{name} = {value:.6g}" for name, value in zip(self.names, rows[i], strict=True))
            raise CarwrightError(
                Problem("SIMULATE018", "the model cannot be solved here", at, EXPLAIN[Outcome(found.outcome[i])])
            )
        n, k = rows.shape
        values = np.concatenate([found.solution.courses.reshape(n, -1), found.solution.functionals], axis=1)
        slopes = np.concatenate([found.courses.reshape(n, -1, k), found.functionals], axis=1)
        return (values[0], slopes[0]) if given.ndim == 1 else (values, slopes)
