"""The patients that several tests solve; helper modules carry the name of the room, as all tests share a path."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import engine_models
from engine_support import table

from carwright.engine import read_sbml


@pytest.fixture(scope="session")
def patients():
    """System, parameters (64, p) and initial doses (64,) of the 18-state patient model."""
    system = read_sbml(engine_models.sbml(engine_models.PATIENT))
    generator = np.random.default_rng(7)
    spread = {name: system.defaults[system.parameters.index(name)] * np.exp(w * generator.standard_normal(64))
              for name, w in engine_models.SPREAD.items()}  # fmt: skip
    return system, table(system, 64, **spread), 50 * np.exp(0.3 * generator.standard_normal(64))
