"""numbalsoda: LSODA in C++ with rates compiled by Numba."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Floats, Solve
from benchmarks.problems import ABSOLUTE, Problem
from benchmarks.rates import rates


def prepare(problem: Problem) -> Solve:
    """Compile the rates; they work on states divided by their scales, as LSODA takes one absolute tolerance."""
    import numba
    from numbalsoda import lsoda, lsoda_sig

    function = numba.njit(error_model="numpy")(rates(problem.system))
    n, p, scales = len(problem.system.states), problem.parameters.shape[1], problem.scales.copy()

    @numba.cfunc(lsoda_sig)
    def scaled(t, u, du, data):  # type: ignore[no-untyped-def]
        y, d, values = numba.carray(u, (n,)), numba.carray(du, (n,)), numba.carray(data, (p,))
        z, out = np.empty(n), np.empty(n)
        for i in range(n):
            z[i] = y[i] * scales[i]
        function(t, z, values, out)
        for i in range(n):
            d[i] = out[i] / scales[i]

    address = scaled.address

    @numba.njit
    def one(u, asked, values, relative, absolute):  # type: ignore[no-untyped-def]
        return lsoda(address, u, asked, values, rtol=relative, atol=absolute, mxstep=100_000)

    def solve(problem: Problem, tolerance: float) -> Floats:
        courses = np.empty((len(problem.parameters), len(problem.times), n))
        initial, segments = problem.initial(), problem.segments()
        for q, values in enumerate(problem.parameters):
            y = initial[q]
            for segment in segments:
                y = problem.starts(segment, y, q)
                rows, _ = one(y / scales, segment.times, values, tolerance, tolerance * ABSOLUTE)
                courses[q, segment.place] = rows[segment.keep] * scales
                y = rows[-1] * scales
        return courses

    return solve
