"""The compiled blood models against libroadrunner on random patients."""

from itertools import pairwise

import numpy as np
import pytest

from carwright.engine import Dosing, compile_kernel, read_sbml
from carwright.models import load_model
from carwright.population import draw

roadrunner = pytest.importorskip("roadrunner")

# libroadrunner says so of every interval that ends before time 0, though it does reach the end.
pytestmark = pytest.mark.filterwarnings("ignore:Simulation requested end time point")

READ = ("neutrophils_per_ul", "platelets_per_ul", "tumour_cells", "car_cells_per_ul", "stem_cell_fraction", "il6")
DOSES = [(d, s, a) for d in (-5.0, -4.0, -3.0) for s, a in (("cyclophosphamide", 500.0), ("fludarabine", 30.0))]
DOSES += [(0.0, "infused_cells", 1.0e8)]
TIMES = np.arange(1.0, 61.0, 1.0)
RECOGNITION = {"recognition_stem_cells": 0.2, "recognition_progenitors": 0.5, "recognition_neutrophils": 0.6}


def both(name, count, seed):
    """Courses (n, k, r) by our solver and by libroadrunner, without the jumps of extinction."""
    model = load_model(name)
    system = read_sbml(model.sbml)
    values = dict(draw(model.table, count, seed=seed, patients_per_population=1).values)
    if name == "aml":
        values |= {key: np.full(count, share) for key, share in RECOGNITION.items()}
    parameters = np.column_stack([values[p] for p in system.parameters])
    kernel = compile_kernel(system, READ)
    dosing = Dosing(
        np.array([d for d, _, _ in DOSES]), tuple(s for _, s, _ in DOSES), np.tile([a for *_, a in DOSES], (count, 1))
    )
    ours = kernel.solve(parameters, dosing, start=-7.0, end=60.0, times=TIMES, relative_tolerance=1e-9)
    assert not ours.outcome.any()
    runner = roadrunner.RoadRunner(model.sbml)
    runner.integrator.relative_tolerance, runner.integrator.absolute_tolerance = 1e-12, 1e-10
    runner.integrator.maximum_num_steps = 1_000_000
    theirs = np.empty_like(ours.courses)
    for i in range(count):
        runner.resetAll()
        for key in system.parameters:
            runner[key] = values[key][i]
        runner.reset()
        stops = [-7.0, -5.0, -4.0, -3.0, 0.0, 60.0]
        for begin, end in pairwise(stops):
            for day, state, amount in DOSES:
                if day == begin:
                    runner[state] += amount
            got = np.array(runner.simulate(begin, end, 61 if end == 60.0 else 2, ["time", *READ]))
        theirs[i] = got[1:, 1:]
    return ours.courses, theirs


def worst(ours, theirs):
    """Largest difference over the largest value of the same course."""
    return float((np.abs(ours - theirs) / np.abs(theirs).max(axis=1, keepdims=True)).max())


def test_a_sample_of_patients_agrees():
    assert worst(*both("aml", 8, seed=3)) < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["aml", "b-all", "lbcl"])
def test_two_hundred_patients_agree(name):
    assert worst(*both(name, 200, seed=1)) < 1e-5
