"""scikit-sundae: SUNDIALS CVODE (BDF) with rates compiled by Numba and called through Python."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Floats, Solve
from benchmarks.problems import ABSOLUTE, Problem
from benchmarks.rates import rates


def prepare(problem: Problem) -> Solve:
    """Compile the rates."""
    import numba
    from sksundae.cvode import CVODE

    function = numba.njit(error_model="numpy")(rates(problem.system))

    def solve(problem: Problem, tolerance: float) -> Floats:
        courses = np.empty((len(problem.parameters), len(problem.times), len(problem.scales)))
        initial, segments = problem.initial(), problem.segments()
        for q, values in enumerate(problem.parameters):
            solver = CVODE(
                _right(function, values),
                rtol=tolerance,
                atol=tolerance * ABSOLUTE * problem.scales,
                method="BDF",
                max_num_steps=100_000,
            )
            y = initial[q]
            for segment in segments:
                y = problem.starts(segment, y, q)
                times = segment.times
                if len(times) == 2:  # with two times this solver returns its own steps
                    times = np.array([times[0], 0.5 * (times[0] + times[1]), times[1]])
                rows = solver.solve(times, y).y
                # Of three times for two, the first and the last are those that were asked for.
                rows = rows if len(times) == len(segment.times) else rows[::2]
                courses[q, segment.place] = rows[segment.keep]
                y = rows[-1]
        return courses

    return solve


def _right(function, values):  # type: ignore[no-untyped-def]
    """Rates of one patient with the arguments that the solver looks for."""

    def right(t, y, out):  # type: ignore[no-untyped-def]
        function(t, y, values, out)

    return right
