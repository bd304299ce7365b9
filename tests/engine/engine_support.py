"""Kernels and parameter tables shared by the tests of the engine."""

import functools

import engine_models
import numpy as np

from carwright.engine import compile_kernel, read_sbml


@functools.cache
def build(text, observables=(), functionals=(), triggers=()):
    """System and kernel of an Antimony text, compiled once per session."""
    system = read_sbml(engine_models.sbml(text))
    return system, compile_kernel(system, observables, functionals, triggers)


def table(system, n=1, **values):
    """(n, p) parameters: the file's own, with the given scalars or arrays in place."""
    result = np.tile(system.defaults, (n, 1))
    for name, value in values.items():
        result[:, system.parameters.index(name)] = value
    return result
