"""From SBML to generated kernels, trajectories, functionals and outcome codes. Knows no biology.

>>> from carwright.engine import compile_kernel, read_sbml
>>> system = read_sbml(text)                                        # doctest: +SKIP
>>> kernel = compile_kernel(system, observables=["A"])              # doctest: +SKIP
>>> solution = kernel.solve(parameters, end=10.0, times=range(11))  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carwright.lazy import exports

if TYPE_CHECKING:
    from carwright.engine.gradient import GradientKernel, check_gradients, compile_gradients
    from carwright.engine.gradient_solve import Gradients
    from carwright.engine.kernel import Kernel, compile_kernel
    from carwright.engine.outcome import EXPLAIN, NEGATIVE_LIMIT, Outcome
    from carwright.engine.requests import Dosing, Functional, Trigger
    from carwright.engine.sbml import read_sbml
    from carwright.engine.solution import Solution
    from carwright.engine.system import System

_HOME = {
    "Kernel": "kernel",
    "compile_kernel": "kernel",
    "GradientKernel": "gradient",
    "Gradients": "gradient_solve",
    "check_gradients": "gradient",
    "compile_gradients": "gradient",
    "EXPLAIN": "outcome",
    "NEGATIVE_LIMIT": "outcome",
    "Outcome": "outcome",
    "Dosing": "requests",
    "Functional": "requests",
    "Trigger": "requests",
    "read_sbml": "sbml",
    "Solution": "solution",
    "System": "system",
}

__all__ = [
    "EXPLAIN",
    "NEGATIVE_LIMIT",
    "Dosing",
    "Functional",
    "GradientKernel",
    "Gradients",
    "Kernel",
    "Outcome",
    "Solution",
    "System",
    "Trigger",
    "check_gradients",
    "compile_gradients",
    "compile_kernel",
    "read_sbml",
]


__getattr__ = exports(__name__, _HOME)
