"""libroadrunner: SBML compiled by LLVM, solved by CVODE (BDF, Newton)."""

from __future__ import annotations

import numpy as np

from benchmarks.peers import Floats, Solve
from benchmarks.problems import ABSOLUTE, Problem


def prepare(problem: Problem) -> Solve:
    """Load the model; every state and parameter of the benchmark models is a global parameter in SBML."""
    import roadrunner

    runner = roadrunner.RoadRunner(problem.sbml)
    names = list(runner.model.getGlobalParameterIds())
    states = [names.index(name) for name in problem.system.states]
    parameters = [names.index(name) for name in problem.system.parameters]
    runner.timeCourseSelections = ["time", *problem.system.states]
    integrator = runner.getIntegrator()
    integrator.setValue("stiff", True)
    integrator.setValue("maximum_num_steps", 100_000)

    def solve(problem: Problem, tolerance: float) -> Floats:
        integrator.setValue("relative_tolerance", tolerance)
        for name, scale in zip(problem.system.states, problem.scales, strict=True):
            integrator.setIndividualTolerance(name, tolerance * ABSOLUTE * scale)
        courses = np.empty((len(problem.parameters), len(problem.times), len(states)))
        initial, segments = problem.initial(), problem.segments()
        for q, values in enumerate(problem.parameters):
            runner.model.setGlobalParameterValues(parameters, values)
            y = initial[q]
            for segment in segments:
                y = problem.starts(segment, y, q)
                runner.model.setGlobalParameterValues(states, y)
                runner.model.setTime(segment.start)
                integrator.restart(segment.start)
                rows = np.asarray(runner.simulate(times=list(segment.times)))[:, 1:]
                courses[q, segment.place] = rows[segment.keep]
                y = rows[-1]
        return courses

    return solve
