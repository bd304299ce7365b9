"""Compiled kernels of the test models, shared over the session; the user's own cache folder keeps them
between runs.
"""

import functools
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import models
from carwright.engine import compile_kernel, read_sbml


@functools.cache
def build(text, observables=(), functionals=(), triggers=()):
    """System and kernel of an Antimony text, compiled once per session."""
    system = read_sbml(models.sbml(text))
    return system, compile_kernel(system, observables, functionals, triggers)


def table(system, n=1, **values):
    """(n, p) parameters: the file's own, with the given scalars or arrays in place."""
    result = np.tile(system.defaults, (n, 1))
    for name, value in values.items():
        result[:, system.parameters.index(name)] = value
    return result


@pytest.fixture(scope="session")
def patients():
    """System, parameters (64, p) and initial doses (64,) of the 18-state patient model."""
    system = read_sbml(models.sbml(models.PATIENT))
    generator = np.random.default_rng(7)
    spread = {name: system.defaults[system.parameters.index(name)] * np.exp(w * generator.standard_normal(64))
              for name, w in models.SPREAD.items()}  # fmt: skip
    return system, table(system, 64, **spread), 50 * np.exp(0.3 * generator.standard_normal(64))
