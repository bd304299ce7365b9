"""Any model over a population: what ``carwright simulate`` does.

This room serves the command line and the Python API, as the pipeline does for studies; it holds no science.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from carwright.lazy import exports

if TYPE_CHECKING:
    from carwright.simulation.compute import simulate
    from carwright.simulation.differentiate import Differentiable
    from carwright.simulation.result import Simulation

__all__ = ["Differentiable", "Simulation", "simulate"]

_HOME = {"simulate": "compute", "Differentiable": "differentiate", "Simulation": "result"}
__getattr__ = exports(__name__, _HOME)
