"""How the engine's own speed changes with patients, states and threads.

``python -m benchmarks.scaling`` prints one JSON object. Threads are compared on the wall clock in turns, so that a
busy machine disturbs all of them alike; ``load`` says how busy it was.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from typing import Any

import numpy as np

from benchmarks.problems import ABSOLUTE, Problem, problems
from carwright.engine import Functional, Kernel, compile_kernel, read_sbml

TOLERANCE = 1e-5
FUNCTIONALS = {
    "cart18": [
        Functional("maximum", "CE"), Functional("time_of_maximum", "CE"), Functional("integral", "CE"),
        Functional("maximum", "IL6"), Functional("minimum", "ANC"), Functional("days_below", "ANC", threshold=1.0),
        Functional("minimum", "PSA"),
    ],
    "mcrpc": [
        Functional("maximum", "car_cells_per_ul"), Functional("time_of_maximum", "car_cells_per_ul"),
        Functional("integral", "car_cells_per_ul"), Functional("maximum", "il6"),
        Functional("minimum", "neutrophils_per_ul"),
        Functional("days_below", "neutrophils_per_ul", threshold=500.0), Functional("minimum", "psa"),
    ],
}  # fmt: skip
CHAINS = (5, 10, 20, 40, 60)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--patients", type=int, default=1_000_000, help="patients of the large run")
    options = parser.parse_args()
    result: dict[str, Any] = {"tolerance": TOLERANCE, "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    for problem in problems(list(FUNCTIONALS), min(options.patients, 65536)):
        kernel = compile_kernel(problem.system, functionals=FUNCTIONALS[problem.name])
        result[problem.name] = {
            "patients_per_cpu_second": {n: speed(kernel, problem.first(n)) for n in (64, 1024, 16384)},
            "threads": threads(kernel, problem.first(16384)),
            "large": large(kernel, problem, options.patients),
        }
    result["states"] = {n: chain(n) for n in CHAINS}
    print(json.dumps(result, indent=1))
    return 0


def _solve(kernel: Kernel, problem: Problem, threads: int = 1) -> None:
    kernel.solve(
        problem.parameters, problem.dosing, start=problem.start, end=problem.times[-1], relative_tolerance=TOLERANCE,
        absolute_tolerance=TOLERANCE * ABSOLUTE * problem.scales, threads=threads,
    )  # fmt: skip


def speed(kernel: Kernel, problem: Problem) -> float:
    """Patients per CPU second, the best of three runs."""
    best = np.inf
    for _ in range(3):
        begun = time.process_time()
        _solve(kernel, problem)
        best = min(best, time.process_time() - begun)
    return len(problem.parameters) / best


def threads(kernel: Kernel, problem: Problem) -> dict[str, float]:
    """Seconds on the wall with one and with two threads in turns, the best of five, and their ratio."""
    best = {1: np.inf, 2: np.inf}
    for _ in range(5):
        for count in best:
            begun = time.perf_counter()
            _solve(kernel, problem, count)
            best[count] = min(best[count], time.perf_counter() - begun)
    return {"one": best[1], "two": best[2], "ratio": best[1] / best[2]}


def large(kernel: Kernel, problem: Problem, patients: int) -> dict[str, float]:
    """Many patients on two threads, drawn again and again from those of the problem, in parts that are let go."""
    begun, spent = time.perf_counter(), time.process_time()
    done = 0
    while done < patients:
        part = problem.first(min(len(problem.parameters), patients - done))
        _solve(kernel, part, 2)
        done += len(part.parameters)
    gibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    wall, cpu = time.perf_counter() - begun, time.process_time() - spent
    return {"patients": patients, "seconds": wall, "cpu_seconds": cpu, "peak_gibibytes": gibibytes}


def chain(length: int) -> float:
    """Steps per CPU second of a chain of reversible reactions that saturate, by its number of states."""
    import antimony

    antimony.clearPreviousLoads()
    lines = ["model chain", "substanceOnly species " + ", ".join(f"S{i}" for i in range(length)), "k = 1; S0 = 10"]
    lines += [f"S{i} = 0; J{i}: S{i - 1} -> S{i}; k*S{i - 1}/(1 + S{i - 1}) - 0.5*k*S{i}" for i in range(1, length)]
    antimony.loadAntimonyString("\n".join([*lines, "end"]))
    system = read_sbml(antimony.getSBMLString("chain"))
    kernel = compile_kernel(system, functionals=[Functional("maximum", f"S{length - 1}")], path="compiled")
    parameters = np.tile(system.defaults, (2048, 1))
    parameters[:, system.parameters.index("k")] = np.geomspace(0.5, 2.0, 2048)
    best, steps = np.inf, 0
    for _ in range(3):
        begun = time.process_time()
        steps = int(kernel.solve(parameters, end=50.0, relative_tolerance=TOLERANCE).steps.sum())
        best = min(best, time.process_time() - begun)
    return steps / best


if __name__ == "__main__":
    sys.exit(main())
