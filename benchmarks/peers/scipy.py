"""SciPy's ``solve_ivp`` with rates compiled by Numba; its LSODA at 1e-10 is the reference."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Floats, Solve
from benchmarks.problems import ABSOLUTE, Problem
from benchmarks.rates import rates


def prepare(problem: Problem, method: str = "LSODA") -> Solve:
    """Compile the rates."""
    import numba
    from scipy.integrate import solve_ivp

    function = numba.njit(error_model="numpy")(rates(problem.system))

    def solve(problem: Problem, tolerance: float) -> Floats:
        n = len(problem.scales)
        courses = np.empty((len(problem.parameters), len(problem.times), n))
        initial, segments = problem.initial(), problem.segments()
        for q, values in enumerate(problem.parameters):

            def right(t, y, values=values):  # type: ignore[no-untyped-def]
                return function(t, y, values, np.empty(n))

            y = initial[q]
            for segment in segments:
                y = problem.starts(segment, y, q)
                solution = solve_ivp(
                    right, (segment.start, segment.end), y, method=method, t_eval=segment.times,
                    rtol=tolerance, atol=tolerance * ABSOLUTE * problem.scales,
                )  # fmt: skip
                if not solution.success:
                    raise ArithmeticError(solution.message)
                courses[q, segment.place] = solution.y.T[segment.keep]
                y = solution.y[:, -1]
        return courses

    return solve
