"""diffrax: JAX on one core in double precision, patients vectorised by ``vmap``."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.peers import Floats, Solve
from benchmarks.problems import ABSOLUTE, Problem
from benchmarks.rates import rates


def prepare(problem: Problem, solver: str) -> Solve:
    """Trace the problem; each tolerance is compiled once."""
    import diffrax
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    names = ("exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "floor", "ceil")
    functions: dict[str, Any] = {name: getattr(jnp, name) for name in names}
    functions |= {"maximum": jnp.maximum, "select": jnp.where, "max": jnp.maximum, "min": jnp.minimum}
    function = rates(problem.system, functions)
    n = len(problem.scales)
    scales, segments = jnp.array(problem.scales), problem.segments()
    term = diffrax.ODETerm(lambda t, y, p: jnp.stack(function(t, y, p, [None] * n)))
    compiled: dict[float, Any] = {}

    def trace(tolerance: float) -> Any:
        control = diffrax.PIDController(rtol=tolerance, atol=tolerance * ABSOLUTE * scales)

        def one(p: Any, y: Any, amounts: Any) -> Any:
            courses = []
            for segment in segments:
                for state, column in segment.doses:
                    y = y.at[state].add(amounts[column])
                rows = diffrax.diffeqsolve(
                    term, getattr(diffrax, solver)(), segment.start, segment.end, 0.02, y, p,
                    saveat=diffrax.SaveAt(ts=jnp.array(segment.times)), stepsize_controller=control, max_steps=16_384,
                    throw=False,
                ).ys  # fmt: skip
                courses.append(rows[segment.keep])
                y = rows[-1]
            return jnp.concatenate(courses)

        return jax.jit(jax.vmap(one))

    def solve(problem: Problem, tolerance: float) -> Floats:
        if tolerance not in compiled:
            compiled[tolerance] = trace(tolerance)
        courses = compiled[tolerance](problem.parameters, problem.initial(), problem.amounts)
        return np.asarray(jax.block_until_ready(courses))

    return solve
