"""Any model over a population: what ``carwright simulate`` does.

This room serves the command line and the Python API, as the pipeline does for studies; it holds no science.
"""

from carwright.simulation.differentiate import Differentiable
from carwright.simulation.result import Simulation
from carwright.simulation.simulate import simulate

__all__ = ["Differentiable", "Simulation", "simulate"]
