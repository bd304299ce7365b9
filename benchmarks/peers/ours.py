"""Carwright's own engine with dense output of every state, on one thread."""

from __future__ import annotations

from benchmarks.peers import Floats, Solve
from benchmarks.problems import ABSOLUTE, Problem
from carwright.engine import compile_kernel


def prepare(problem: Problem, method: str, precision: str = "double") -> Solve:
    """Compile the kernel, or load it from the cache."""
    kernel = compile_kernel(problem.system, observables=problem.system.states, method=method, precision=precision)

    def solve(problem: Problem, tolerance: float) -> Floats:
        solution = kernel.solve(
            problem.parameters,
            problem.dosing,
            start=problem.start,
            end=problem.times[-1],
            times=problem.times,
            relative_tolerance=tolerance,
            absolute_tolerance=tolerance * ABSOLUTE * problem.scales,
        )
        return solution.courses

    return solve
